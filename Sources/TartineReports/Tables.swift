import TartineData
import TartineDiagnosis
import TartineEngine
import TartineFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A plot of figures with their intervals, one below the other, on an axis from 0.
struct BarsPlot {
  typealias Bar = (name: String, estimate: Estimate, isSure: Bool)
  private let bars: [Bar]
  private let scale: Double
  private let unit: String

  init(_ bars: [Bar], scale: Double, unit: String) {
    self.bars = bars
    self.scale = scale
    self.unit = unit
  }

  var svg: String {
    let highest = (bars.flatMap { [$0.estimate.value, $0.estimate.high] }.filter(\.isFinite).max() ?? 1) * scale
    guard highest > 0 else { return "" }
    let (left, right) = (150.0, 440.0)
    func x(_ value: Double) -> String { Text.plain(left + (right - left) * max(0, min(1, value * scale / highest))) }
    let height = 22 * bars.count + 30
    var parts: [String] = []
    for tick in Axis.ticks(to: highest, count: 4) {
      let (at, text) = (x(tick / scale), Text.significant(tick, digits: 2))
      parts.append(
        """
        <line x1="\(at)" x2="\(at)" y1="4" y2="\(height - 22)" stroke="var(--line)"/>\
        <text x="\(at)" y="\(height - 6)" text-anchor="middle">\(text)\(tick == 0 || unit.isEmpty ? "" : " \(unit)")</text>
        """)
    }
    for (place, bar) in bars.enumerated() {
      let y = 18 + 22 * place
      let color = bar.isSure ? "var(--train)" : "var(--soft)"
      let name = bar.name.count > 22 ? bar.name.prefix(21) + "…" : bar.name[...]
      let (low, middle, high) = (x(bar.estimate.low), x(bar.estimate.value), x(bar.estimate.high))
      parts.append(
        """
        <text x="\(Text.plain(left - 8))" y="\(y + 4)" text-anchor="end">\(escape(String(name)))</text>\
        <line x1="\(low)" x2="\(high)" y1="\(y)" y2="\(y)" stroke="\(color)" stroke-width="6" \
        stroke-linecap="round" opacity=".35"/><circle cx="\(middle)" cy="\(y)" r="4.5" fill="\(color)"/>
        """)
    }
    return
      "<svg viewBox=\"0 0 480 \(height)\" role=\"img\" aria-label=\"Importance of each column\">\(parts.joined())</svg>"
  }
}

/// The confusion matrix, shaded by the number of rows.
struct ConfusionTable {
  private static let mostClasses = 20
  private let classes: [String]
  private let rows: [[Int]]

  init(_ classes: [String], _ rows: [[Int]]) {
    self.classes = classes
    self.rows = rows
  }

  /// The matrix, or the most confused pairs if there are too many classes.
  var html: String { classes.count > Self.mostClasses ? pairs : matrix }

  private var matrix: String {
    let heads = classes.map { "<th>\(escape($0))</th>" }.joined()
    let lines = zip(classes, rows).enumerated().map { place, line -> String in
      let total = max(1, line.1.reduce(0, +))
      let cells = line.1.enumerated().map { answer, count -> String in
        // The diagonal has one colour, mistakes another.
        let share = 100 * count / total
        let color = answer == place ? "var(--test)" : "var(--bad)"
        let strength = count == 0 ? 0 : max(8, answer == place ? share / 2 : min(80, share * 2))
        let text = count == 0 ? "" : "\(Text.fixed(100 * Double(count) / Double(total), decimals: 1)) %"
        return "<td style=\"background: color-mix(in srgb, \(color) \(strength)%, transparent)\">\(count)"
          + "<small>\(text)</small></td>"
      }
      return "<tr><th>\(escape(line.0))</th>\(cells.joined())</tr>"
    }
    return
      "<p class=\"note\">Rows are actual classes, columns predicted classes; below each count its share of the actual class.</p><div class=\"wide\"><table "
      + "class=\"matrix\">"
      + "<thead><tr><th></th>\(heads)</tr></thead><tbody>\(lines.joined())</tbody></table></div>"
  }

  private var pairs: String {
    var list: [(truth: String, answer: String, count: Int)] = []
    for (truth, line) in rows.enumerated() {
      for (answer, count) in line.enumerated() where answer != truth && count > 0 {
        list.append((classes[truth], classes[answer], count))
      }
    }
    list.sort { $0.count > $1.count }
    return Page.table(["actual", "predicted", "rows"], list.prefix(15).map { [$0.truth, $0.answer, "\($0.count)"] })
  }
}

/// The rows with the highest loss and those with suspect labels, shown as images if they are images.
struct WorstRowsSection {
  private static let mostSuspects = 12
  private let examination: Examination
  private let split: Split

  init(_ examination: Examination, _ split: Split) {
    self.examination = examination
    self.split = split
  }

  var html: String {
    let worst = examination.worstRows?.rows ?? []
    // A regression has no probabilities.
    let isSure = worst.contains { $0.probability != nil }
    func sure(_ probability: Double?) -> String { probability.map { Text.significant($0, digits: 2) } ?? "" }
    let suspects = (examination.labels?.suspects ?? []).prefix(Self.mostSuspects)
    return Page.section(
      "Rows with the highest loss",
      note: "On dev, the highest loss first: check these rows and their labels.",
      show(
        worst.map { ($0.place, "row \($0.row): actual \($0.truth), predicted \($0.answer)") },
        table: Page.table(
          ["row", "actual", "predicted"] + (isSure ? ["probability of the actual class"] : []) + ["loss"]
            + told.map(\.name),
          worst.map { row in
            [
              ["\(row.row)", row.truth, row.answer], isSure ? [sure(row.probability)] : [],
              [Text.significant(row.loss, digits: 3)], values(row.place),
            ].flatMap { $0 }
          })))
      + Page.section(
        "Suspect labels",
        note: "Networks that were not trained on these rows predict another class with high confidence. "
          + "\(examination.labels?.suspects.count ?? 0) of \(examination.labels?.rows ?? 0) rows are suspect.",
        show(
          suspects.map { ($0.place, "row \($0.row): labelled \($0.label), looks like \($0.suggestion)") },
          table: Page.table(
            ["row", "label", "looks like", "probability"] + told.map(\.name),
            suspects.map {
              ["\($0.row)", $0.label, $0.suggestion, Text.significant($0.probability, digits: 2)] + values($0.place)
            })))
  }

  private static let mostColumns = 5

  /// The most important columns, shown beside each row.
  private var told: [Column] {
    guard case .table(let columns) = split.dataset.inputs else { return [] }
    let order = examination.importance?.columns.map(\.column) ?? columns.map(\.name)
    return order.prefix(Self.mostColumns).compactMap { name in columns.first { $0.name == name } }
  }

  private func values(_ row: Int) -> [String] {
    told.map { column in
      let text = column.text(row) ?? "–"
      return text.count > 18 ? text.prefix(17) + "…" : text
    }
  }

  /// Returns the rows as images, or as a table.
  private func show(_ rows: [(place: Int, caption: String)], table: String) -> String {
    rows.isEmpty ? table : ImageFigures(split.dataset)?.html(rows) ?? table
  }
}

/// Rows of an image data set with captions.
struct ImageFigures {
  private let block: ImageBlock

  /// Nil if the data set holds no images.
  init?(_ dataset: Dataset) {
    guard case .images(let block) = dataset.inputs else { return nil }
    self.block = block
  }

  func html(_ rows: [(place: Int, caption: String)]) -> String {
    let (height, width, channels) = block.shape
    let figures = rows.map { row, caption -> String in
      // Images that are neither gray nor RGB are shown by their first channel.
      let shown = channels == 3 ? 3 : 1
      let pixels = block.pixels(row)
      let bytes = (0..<height * width).flatMap { place in
        (0..<shown).map { UInt8(Int(pixels[place * channels + $0]) * 255 / block.fullScale) }
      }
      let png = Data(PNG.encode(width: width, height: height, channels: shown, pixels: bytes)).base64EncodedString()
      return "<figure><img alt=\"\(escape(caption))\" src=\"data:image/png;base64,\(png)\">"
        + "<figcaption>\(escape(caption))</figcaption></figure>"
    }
    return "<div class=\"rows\">\(figures.joined())</div>"
  }
}
