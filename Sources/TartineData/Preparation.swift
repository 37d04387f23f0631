import TartineFiles

/// The transformation of raw columns into network inputs: fitted on train rows only, and saved in the model
/// file.
public struct Preparation: Hashable, Sendable {
  package var inputs: InputPreparation
  package var target: TargetPreparation
  /// The texts that the user named as missing values, in addition to the default ones.
  package var missingMarkers: [String] = []
  /// The column by which rows belong together; nil: rows are independent.
  package var groupColumn: String?
  /// How the train set's file was written.
  package var notation = FileNotation()

  /// The number of elements of a network input row.
  package var width: Int {
    switch inputs {
    case .table(let features): features.reduce(0) { $0 + $1.width + $1.binCount }
    case .images(let images): images.height * images.width * images.channels
    }
  }

  /// Notices about columns: those that are left out, and those that may have been misread.
  package var notices: [String] {
    guard case .table(let features) = inputs else { return [] }
    return features.compactMap { feature in
      switch feature {
      case .leftOut(let name, let reason): "column '\(name)' is left out: \(reason)"
      case .category(let category): category.notice
      case .time(let time): time.notice
      case .number: nil
      }
    }
  }

  /// Whether the model was trained on numbers, by column; columns that are left out are absent.
  package var isNumeric: [String: Bool] {
    guard case .table(let features) = inputs else { return [:] }
    var schema: [String: Bool] = [:]
    for feature in features {
      switch feature {
      case .number(let number): schema[number.name] = true
      case .category(let category): schema[category.name] = false
      case .time(let time): schema[time.name] = false
      case .leftOut: break
      }
    }
    return schema
  }
}

extension Preparation {
  /// Target columns whose classes are not all numbers: they are always read as text.
  package var textLabels: [String: Bool] {
    func isText(_ names: [String]) -> Bool {
      names.contains { Double($0) == nil || Column.text(of: Double($0) ?? 0) != $0 }
    }
    switch target {
    case .classes(let column, let names): return isText(names) ? [column: false] : [:]
    case .labels(let labels):
      return Dictionary(
        labels.filter { isText([$0.no, $0.yes]) }.map { ($0.column, false) }, uniquingKeysWith: { first, _ in first })
    case .number: return [:]
    }
  }
}

package enum InputPreparation: Hashable, Sendable {
  case table([Feature])
  case images(ImagePreparation)
}

extension Preparation {
  /// A sentence that says which value read from a file is invalid, or nil.
  package var problem: String? {
    switch inputs {
    case .images(let images):
      let sizes = [images.height, images.width, images.channels]
      if !sizes.allSatisfy({ (1...65_536).contains($0) }) || images.fullScale < 1 {
        return "its images have an invalid size"
      }
    case .table(let features):
      for case .category(let category) in features where Set(category.levels).count != category.levels.count {
        return "a category names a level twice"
      }
      for case .number(let number) in features {
        if !zip(number.edges, number.edges.dropFirst()).allSatisfy(number.isBin) {
          return "the bins of a column do not ascend"
        }
      }
      if Set(features.map(\.name)).count != features.count { return "two columns have the same name" }
    }
    switch target {
    case .classes(_, let names):
      return names.count < 2 || Set(names).count != names.count
        ? "it has fewer than two classes, or two classes with the same name" : nil
    case .labels(let labels): return labels.isEmpty || labels.contains { $0.no == $0.yes } ? "it has no labels" : nil
    case .number(_, let mean, let deviation):
      return mean.isFinite && deviation > 0 && deviation.isFinite ? nil : "its target has an invalid scale"
    }
  }
}

/// Image scaling, the same for all pixels: byte / fullScale.
package struct ImagePreparation: Hashable, Sendable, Codable {
  package let height, width, channels: Int
  package let fullScale: Int
}

package enum Feature: Hashable, Sendable {
  case number(NumberFeature)
  case category(CategoryFeature)
  case time(TimeFeature)
  case leftOut(name: String, reason: String)

  /// Elements of a row that the network takes, but for bins.
  package var width: Int {
    switch self {
    case .number(let number): number.hasMissing ? 2 : 1
    case .category(let category): category.width
    case .time(let time): time.width
    case .leftOut: 0
    }
  }

  /// Floats of a row that are held in memory; one-hot elements and bins are made from them.
  var storedWidth: Int { if case .category = self { 1 } else { width } }

  package var binCount: Int {
    if case .number(let number) = self { max(0, number.edges.count - 1) } else { 0 }
  }

  package var name: String {
    switch self {
    case .number(let number): number.name
    case .category(let category): category.name
    case .time(let time): time.name
    case .leftOut(let name, _): name
    }
  }
}

/// A standardized number, (x − mean) / standard deviation, with x clipped to ``bounds``; missing values are
/// imputed with the median and set a flag.
///
/// Without clipping, a far outlier (a unit error, 1 000 times too large) would dominate the standard
/// deviation, or be an input beyond any that the weights were trained on: one such row made the error of a
/// whole test set meaningless.
package struct NumberFeature: Hashable, Sendable, Codable {
  package let name: String
  package let mean, deviation, median: Double
  /// Whether train rows lacked a value, so that there is a missing flag.
  package let hasMissing: Bool
  /// The edges of its bins, ascending; empty: no bins.
  package let edges: [Double]
  /// The clipping range; nil: no clipping, as in old models and with very few rows.
  package let low, high: Double?
  /// The range of credible train values, to which far outliers are clipped; nil: the same as ``low`` and
  /// ``high``.
  private let first, last: Double?

  package init(
    name: String, mean: Double, deviation: Double, median: Double, hasMissing: Bool, edges: [Double],
    bounds: ValueBounds? = nil
  ) {
    low = bounds?.held.lowerBound
    high = bounds?.held.upperBound
    first = bounds?.credible.lowerBound
    last = bounds?.credible.upperBound
    self.name = name
    self.mean = mean
    self.deviation = deviation
    self.median = median
    self.hasMissing = hasMissing
    self.edges = edges
  }

  /// Returns the feature with bins between those edges that a prepared row distinguishes; a single bin would
  /// only repeat the number.
  func withEdges(_ edges: [Double]) -> NumberFeature {
    var kept: [Double] = []
    for edge in edges where kept.isEmpty || isBin(kept[kept.count - 1], edge) { kept.append(edge) }
    return NumberFeature(
      name: name, mean: mean, deviation: deviation, median: median, hasMissing: hasMissing,
      edges: kept.count > 2 ? kept : [], bounds: bounds)
  }

  /// The clipping ranges.
  package var bounds: ValueBounds? {
    guard let low, let high, low <= high else { return nil }
    let credible = first.flatMap { first in last.map { first...max(first, $0) } }
    return ValueBounds(held: low...high, credible: credible ?? low...high)
  }

  /// Whether a bin from one value to another has a finite slope.
  func isBin(_ start: Double, _ end: Double) -> Bool {
    let length = Float(standardize(end)) - Float(standardize(start))
    return length > 0 && (1 / length).isFinite
  }

  /// The standardized value. A constant feature gives 0. Values are clipped to a million standard deviations,
  /// beyond which they carry no information and could overflow in the network.
  package func standardize(_ value: Double) -> Double {
    guard deviation > 0 else { return 0 }
    let held = bounds?.hold(value) ?? value
    return min(1e6, max(-1e6, (held - mean) / deviation))
  }
}

/// The clipping ranges of a column.
package struct ValueBounds: Hashable, Sendable {
  /// The range to which values a little outside the train rows are clipped.
  package let held: ClosedRange<Double>
  /// The range of credible train values, to which far outliers are clipped: a value in another unit, say,
  /// carries no information beyond its side.
  package let credible: ClosedRange<Double>

  /// Whether a value is beyond half the length of ``held`` on either side.
  package func isFar(_ value: Double) -> Bool {
    let half = (held.upperBound - held.lowerBound) / 2
    return value < held.lowerBound - half || value > held.upperBound + half
  }

  package func hold(_ value: Double) -> Double {
    let range = isFar(value) ? credible : held
    return min(range.upperBound, max(range.lowerBound, value))
  }
}

/// One-hot encoding: one column for each frequent level, then one for missing values and one for rare or
/// unknown levels, if train rows had such. A column that is 0 in all train rows would only add noise.
package struct CategoryFeature: Hashable, Sendable, Codable {
  package let name: String
  package let levels: [String]
  package let hasMissing, hasUnseen: Bool
  /// The number of levels with several train rows that are treated as unknown, because there are too many
  /// levels.
  package let cutLevels: Int

  /// A notice for the user.
  package var notice: String? {
    if Self.areWritten(levels) {
      let stranger = levels.first { Double($0) == nil } ?? levels[0]
      return
        "column '\(name)' is read as text, each value as a separate category, such as '\(stranger)', although most of its texts "
        + "hold numbers or dates; write amounts as plain numbers and dates as 2024-03-01, so that their order and distance count, "
        + "and name markers of missing values with \(OptionName.missing)"
    }
    return cutLevels > 0
      ? "column '\(name)': the \(cutLevels) rarest of its \(levels.count + cutLevels) texts are treated as one" : nil
  }

  /// Whether there is a colon between digits.
  private static func holdsTimeOfDay(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    return bytes.indices.dropFirst().dropLast().contains {
      bytes[$0] == UInt8(ascii: ":") && digits.contains(bytes[$0 - 1]) && digits.contains(bytes[$0 + 1])
    }
  }

  /// Whether the texts are dates, times, percentages or amounts, apart from a few.
  package static func areWritten(_ levels: [String]) -> Bool {
    guard levels.count > 10 else { return false }
    let plain = levels.count { Double($0) != nil }
    let others = levels.count { level in
      let isDated = level.count { $0.isNumber } * 2 >= level.count && level.contains { !$0.isNumber && !$0.isLetter }
      return !isDated && !holdsTimeOfDay(level) && Double(level) == nil
    }
    // Plain numbers alone are codes, such as `001`.
    if others == 0 { return plain < levels.count }
    // `34 cm` beside `17`, or `12`, `refused`, `unknown`: numbers with some decoration, of which there are few kinds.
    var numbers: Set<Substring> = []
    var decorations: [String: Int] = [:]
    for level in levels {
      // `17 [1]` has a footnote.
      let cores = level.prefix { $0 != "[" && $0 != "(" }.split {
        !($0.isASCII && $0.isNumber) && $0 != "." && $0 != ","
      }
      .filter { $0.contains(where: \.isNumber) }
      guard cores.count == 1, Double(cores[0]) != nil else { continue }
      numbers.insert(cores[0])
      decorations[String(level.prefix { $0 != "[" }).replacing(cores[0], with: "#"), default: 0] += 1
    }
    let found = decorations.values.reduce(0, +)
    guard found * 5 >= levels.count * 4, decorations.count <= 6, numbers.count > 10 else { return false }
    // `store_12` and `P7` are names.
    let named = decorations.filter { decoration, _ in
      let front = decoration.prefix { $0 != "#" }
      return !front.isEmpty && front.allSatisfy { $0.isLetter || $0 == "_" || $0 == "-" }
    }
    return named.values.reduce(0, +) * 2 < found
  }

  package var width: Int { levels.count + (hasMissing ? 1 : 0) + (hasUnseen ? 1 : 0) }
}

/// The scale of a numeric target.
package enum TargetScale: Hashable, Sendable {
  /// The standard deviation, about the mean.
  case standard
  /// 1.4826 times the median absolute deviation, which is robust to outliers and equals the standard
  /// deviation for a normal distribution. **Source**: Rousseeuw and Croux, *Alternatives to the median
  /// absolute deviation*, 1993.
  case robust
  /// The mean alone, for numbers of at least 0.
  case mean
}

package enum TargetPreparation: Hashable, Sendable {
  /// Class names in order; of two classes, the second is the positive one.
  case classes(column: String, names: [String])
  /// The column of each label, with the values that mean no and yes.
  case labels([LabelTarget])
  case number(column: String, mean: Double, deviation: Double)

  package var columns: [String] {
    switch self {
    case .classes(let column, _), .number(let column, _, _): [column]
    case .labels(let labels): labels.map(\.column)
    }
  }

  /// The classes of each classification target.
  package var classNames: [String: Set<String>] {
    switch self {
    case .classes(let column, let names): [column: Set(names)]
    case .labels(let labels):
      Dictionary(labels.map { ($0.column, [$0.no, $0.yes]) }, uniquingKeysWith: { first, _ in first })
    case .number: [:]
    }
  }

  /// Notices about which value of a label is the positive one, unless it is 1 or an affirmative.
  var notices: [String] {
    guard case .labels(let labels) = self else { return [] }
    return labels.filter { !["1", "true", "yes"].contains($0.yes.lowercased()) }.map {
      "label '\($0.column)': '\($0.yes)' is the positive value, and '\($0.no)' the negative one"
    }
  }

  /// The number of network outputs.
  package var width: Int {
    switch self {
    case .classes(_, let names): names.count == 2 ? 1 : names.count
    case .labels(let labels): labels.count
    case .number: 1
    }
  }

  package var task: LearningTask {
    switch self {
    case .classes(_, let names): names.count == 2 ? .binary : .multiclass
    case .labels: .multilabel
    case .number: .regression
    }
  }
}

package struct LabelTarget: Hashable, Sendable, Codable {
  package let column, no, yes: String
}

// MARK: - Coding

extension Preparation: Codable {
  private enum Key: String, CodingKey { case features, images, target, missing, group, decimalCommas, units, markers }

  /// Decodes what `encode` wrote.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    inputs =
      values.contains(.images)
      ? .images(try values.decode(ImagePreparation.self, forKey: .images))
      : .table(try values.decode([Feature].self, forKey: .features))
    target = try values.decode(TargetPreparation.self, forKey: .target)
    missingMarkers = try values.decodeIfPresent([String].self, forKey: .missing) ?? []
    groupColumn = try values.decodeIfPresent(String.self, forKey: .group)
    notation.units = try values.decodeIfPresent([String: String].self, forKey: .units) ?? [:]
    notation.hasDecimalCommas = try values.decodeIfPresent(Bool.self, forKey: .decimalCommas) ?? false
    notation.markers = try values.decodeIfPresent([String: [String]].self, forKey: .markers) ?? [:]
  }

  /// Encodes everything that was fitted.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch inputs {
    case .table(let features): try values.encode(features, forKey: .features)
    case .images(let images): try values.encode(images, forKey: .images)
    }
    try values.encode(target, forKey: .target)
    if !missingMarkers.isEmpty { try values.encode(missingMarkers, forKey: .missing) }
    try values.encodeIfPresent(groupColumn, forKey: .group)
    if !notation.units.isEmpty { try values.encode(notation.units, forKey: .units) }
    if notation.hasDecimalCommas { try values.encode(true, forKey: .decimalCommas) }
    if !notation.markers.isEmpty { try values.encode(notation.markers, forKey: .markers) }
  }
}

extension Feature: Codable {
  private enum Key: String, CodingKey { case number, category, time, leftOut, reason }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let number = try values.decodeIfPresent(NumberFeature.self, forKey: .number) {
      self = .number(number)
    } else if let category = try values.decodeIfPresent(CategoryFeature.self, forKey: .category) {
      self = .category(category)
    } else if let time = try values.decodeIfPresent(TimeFeature.self, forKey: .time) {
      self = .time(time)
    } else {
      self = .leftOut(
        name: try values.decode(String.self, forKey: .leftOut),
        reason: try values.decode(String.self, forKey: .reason))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .number(let number): try values.encode(number, forKey: .number)
    case .category(let category): try values.encode(category, forKey: .category)
    case .time(let time): try values.encode(time, forKey: .time)
    case .leftOut(let name, let reason):
      try values.encode(name, forKey: .leftOut)
      try values.encode(reason, forKey: .reason)
    }
  }
}

extension TargetPreparation: Codable {
  private enum Key: String, CodingKey { case column, classes, labels, mean, deviation }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let labels = try values.decodeIfPresent([LabelTarget].self, forKey: .labels) {
      self = .labels(labels)
    } else if let names = try values.decodeIfPresent([String].self, forKey: .classes) {
      self = .classes(column: try values.decode(String.self, forKey: .column), names: names)
    } else {
      self = .number(
        column: try values.decode(String.self, forKey: .column),
        mean: try values.decode(Double.self, forKey: .mean),
        deviation: try values.decode(Double.self, forKey: .deviation))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .classes(let column, let names):
      try values.encode(column, forKey: .column)
      try values.encode(names, forKey: .classes)
    case .labels(let labels): try values.encode(labels, forKey: .labels)
    case .number(let column, let mean, let deviation):
      try values.encode(column, forKey: .column)
      try values.encode(mean, forKey: .mean)
      try values.encode(deviation, forKey: .deviation)
    }
  }
}
