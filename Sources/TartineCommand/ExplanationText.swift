import Tartine

/// Explanations of predictions as text.
struct ExplanationText {
  private let explanations: [Explanation]
  private let isNumber: Bool
  private let coverage: Double?

  /// The most rows that are explained as text; all are in the JSON.
  static let mostRows = 20
  /// The most columns of a row; the others are summed.
  private static let mostColumns = 8

  private let rows: Int

  /// - Parameter rows: The number of rows of the data, of which the first are explained.
  init(_ explanations: [Explanation], of rows: Int, isNumber: Bool, interval: Double?) {
    self.rows = rows
    self.explanations = explanations
    self.isNumber = isNumber
    coverage = interval
  }

  var text: String {
    var blocks = explanations.enumerated().map { block(of: $1, row: $0 + 1) }
    let others = rows - blocks.count
    if others > 0 {
      blocks.append("… and \(others) more row\(others == 1 ? "" : "s"); --json has all of them.")
    }
    return blocks.joined(separator: "\n\n") + "\n"
  }

  private func block(of explanation: Explanation, row: Int) -> String {
    let prediction = explanation.prediction
    var first =
      isNumber
      ? "Row \(row): prediction \(Text.significant(explanation.output, digits: 5)), base value "
        + Text.significant(explanation.baseValue, digits: 5)
      : "Row \(row): prediction \(prediction), log odds \(figure(explanation.output)), base value "
        + figure(explanation.baseValue)
    if let coverage, let interval = prediction.interval(coverage) {
      first +=
        ", \(percent(coverage)) % interval \(Text.significant(interval.lowerBound, digits: 5)) to "
        + Text.significant(interval.upperBound, digits: 5)
    }
    if let coverage, let set = prediction.classes(coverage) {
      first += ", \(percent(coverage)) % set: \(set.joined(separator: ", "))"
    }
    let all = explanation.contributions
    // A single one is not summed.
    let shown = all.prefix(all.count <= Self.mostColumns + 1 ? all.count : Self.mostColumns)
    let names = shown.map { "\($0.column) = \($0.value ?? "(missing)")".replacing("\n", with: " ").prefix(40) }.map(
      String.init)
    let width = names.map(\.count).max() ?? 0
    var lines = [first]
    for (name, part) in zip(names, shown) {
      lines.append(
        "  \(name.padded(to: width))  \(signed(part.contribution))"
          + (part.error > 0 ? " ± \(Text.significant(part.error, digits: 2))" : ""))
    }
    let rest = all.dropFirst(shown.count)
    if !rest.isEmpty {
      lines.append(
        "  \("\(rest.count) others together".padded(to: width))  "
          + signed(rest.reduce(0) { $0 + $1.contribution }))
    }
    return lines.joined(separator: "\n")
  }

  private func figure(_ value: Double) -> String { Text.significant(value, digits: 3) }

  private func percent(_ share: Double) -> String { Column.text(of: (share * 1e4).rounded() / 100) }

  private func signed(_ value: Double) -> String { (value < 0 ? "−" : "+") + figure(abs(value)) }
}

/// An explanation in JSON.
struct ExplanationInJSON: Encodable {
  let output, baseValue: Double
  let contributions: [Explanation.Contribution]

  init(_ explanation: Explanation) {
    output = explanation.output
    baseValue = explanation.baseValue
    contributions = explanation.contributions
  }
}
