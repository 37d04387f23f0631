import ArgumentParser
import Tartine

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Checks data before training.",
    discussion: """
      Reports what each column holds and how the network receives it; problems of the data (duplicates, also \
      across splits, contradictory labels, columns that leak the target); and whether train, dev and test \
      come from one distribution: two classifiers try to tell the sets apart, on rows they were not trained \
      on. The targets of the test set are not used.

        tartine inspect titanic.csv --target Survived
        tartine inspect visits.csv --target outcome --split-by group:patient
        tartine inspect train.csv --target price --test new.csv
      """)

  @OptionGroup(title: "Data") var data: DataOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads; by default one per processor. It does not change the result.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object on one line, and nothing else on standard output.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
  }

  func run() throws {
    var source = try data.source(seed: 0)
    let split = try source.load()
    let inspection = try Inspection(of: split, threads: threads)
    try Files.print(
      json ? try JSON.text(inspection) + "\n" : InspectionText(inspection, notices: split.dataset.notices).text)
  }
}

/// The text that `inspect` prints.
struct InspectionText {
  private let inspection: Inspection
  private let notices: [String]

  /// The largest number of columns shown; the JSON has them all.
  private static let mostColumns = 40

  init(_ inspection: Inspection, notices: [String]) {
    self.inspection = inspection
    self.notices = notices
  }

  var text: String {
    let split = inspection.split
    let target = inspection.columns.isEmpty ? "" : "; target '\(inspection.target)'"
    var lines = [
      "\(inspection.source): \((split.train + split.dev + split.test).grouped) rows\(target)",
      "task \(inspection.task.task.rawValue): \(inspection.task.reason)",
      "\(split.train.grouped) train, \(split.dev.grouped) dev, \(split.test.grouped) test; \(split.method), seed \(split.seed)",
    ]
    lines += notices
    if !inspection.classes.isEmpty { lines += ["", classes] }
    if let quartiles { lines += ["", quartiles] }
    if !inspection.columns.isEmpty { lines += [""] + columns }
    lines += ["", inspection.warnings.isEmpty ? "No warnings." : "Warnings"]
    for warning in inspection.warnings {
      let column = warning.column.map { " '\($0)'" } ?? ""
      lines += ["  \(warning.name.rawValue)\(column): \(warning.evidence).", "    → \(warning.action)."]
    }
    if !inspection.sameDistribution.isEmpty { lines += [""] + distribution }
    return lines.joined(separator: "\n") + "\n"
  }

  private var classes: String {
    let total = Double(inspection.classes.reduce(0) { $0 + $1.rows })
    let shown = inspection.classes.prefix(12).map {
      "\($0.value) \(Text.fixed(Double($0.rows) / total * 100, decimals: 1)) %"
    }
    let rest = inspection.classes.count - shown.count
    return "classes: " + shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }

  private var quartiles: String? {
    guard inspection.targetQuartiles.count == 5 else { return nil }
    let texts = inspection.targetQuartiles.map { Text.significant($0, digits: 4) }
    return
      "\(inspection.target): \(texts[0]) to \(texts[4]), median \(texts[2]), middle half from \(texts[1]) "
      + "to \(texts[3])"
  }

  private var columns: [String] {
    let shown = inspection.columns.prefix(Self.mostColumns)
    var table = [["column", "type", "missing", "values", "contents", "explains", "network input"]]
    table += shown.map { column in
      [
        clipped(column.name, 24), column.type, column.missing == 0 ? "" : column.missing.grouped, column.values.grouped,
        clipped(contents(column), 38), column.tells > 0.005 ? "\(Text.fixed(column.tells * 100, decimals: 0)) %" : "",
        clipped(column.use, 60),
      ]
    }
    let widths = table[0].indices.map { place in table.map { $0[place].count }.max() ?? 0 }
    let rest = inspection.columns.count - shown.count
    return table.map { row in
      row.indices.map { row[$0].padded(to: widths[$0], atEnd: [2, 3, 5].contains($0)) }.joined(separator: "  ")
        .trimmedEnd
    } + (rest > 0 ? ["… and \(rest) more columns, all of them in --json"] : [])
  }

  private func contents(_ column: ColumnFacts) -> String {
    if let smallest = column.smallest, let median = column.median, let largest = column.largest {
      func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e7
          ? Text.fixed(value, decimals: 0) : Text.significant(value, digits: 4)
      }
      return smallest == largest ? text(smallest) : "\(text(smallest)) to \(text(largest)), median \(text(median))"
    }
    return (column.frequent ?? []).prefix(3).map { clipped($0.value, 16) }.joined(separator: ", ")
      + (column.values > 3 ? ", …" : "")
  }

  private func clipped(_ text: String, _ width: Int) -> String {
    text.count <= width ? text : String(text.prefix(width - 1)) + "…"
  }

  private var distribution: [String] {
    let pairs = inspection.sameDistribution.map { pair in
      "  \(pair.first) and \(pair.second): "
        + "\(pair.isDifferent ? "different" : "no difference found"), p \(PartComparison.text(p: pair.adjustedP)); "
        + "classifier AUC \(Text.fixed(pair.area * 100, decimals: 0)) %; smallest detectable shift of one column "
        + "\(Text.significant(pair.smallestVisibleShift, digits: 2)) standard deviations"
    }
    return ["Distribution shift"] + pairs
  }
}

extension String {
  fileprivate var trimmedEnd: String {
    String(self[..<(lastIndex { $0 != " " }.map { index(after: $0) } ?? startIndex)])
  }
}
