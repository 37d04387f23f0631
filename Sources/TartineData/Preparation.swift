import TartineFiles

/// How raw columns become what a network takes: fitted on train rows alone, and saved in the model file.
public struct Preparation: Hashable, Sendable {
  package var inputs: InputPreparation
  package var target: TargetPreparation
  /// Texts that a person said are missing values, beside the usual ones.
  package var missingMarkers: [String] = []

  /// Elements of a row as the network takes it.
  package var width: Int {
    switch inputs {
    case .table(let features): features.reduce(0) { $0 + $1.width + $1.binCount }
    case .images(let images): images.height * images.width * images.channels
    }
  }

  /// What a person should know of columns: those left out, and those that may not be read as was meant.
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

  /// By column, whether the model was trained on numbers there; columns left out are not named.
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
  /// Target columns whose classes are not all numbers: they are read as text, whatever a file holds.
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
  /// What is wrong with values read from a file, in a sentence; nil if nothing is.
  package var problem: String? {
    switch inputs {
    case .images(let images):
      let sizes = [images.height, images.width, images.channels]
      if !sizes.allSatisfy({ (1...65_536).contains($0) }) || images.fullScale < 1 {
        return "its images have no proper size"
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
      if Set(features.map(\.name)).count != features.count { return "two columns have one name" }
    }
    switch target {
    case .classes(_, let names):
      return names.count < 2 || Set(names).count != names.count ? "its classes are fewer than two, or alike" : nil
    case .labels(let labels): return labels.isEmpty || labels.contains { $0.no == $0.yes } ? "it has no labels" : nil
    case .number(_, let mean, let deviation):
      return mean.isFinite && deviation > 0 && deviation.isFinite ? nil : "its target has no proper scale"
    }
  }
}

/// One scale for all pixels: byte / fullScale.
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

/// (x − mean) / deviation, x held within ``bounds``; missing values take the median, and set a flag of their own.
///
/// A value far from all others (a unit slip, 1 000 times too large) would else decide the standard deviation, or be an input that
/// no weight was trained for: one such row made the error of a whole test set meaningless.
package struct NumberFeature: Hashable, Sendable, Codable {
  package let name: String
  package let mean, deviation, median: Double
  /// Whether train rows lacked a value, so that there is a flag.
  package let hasMissing: Bool
  /// Where its bins begin and end, ascending; empty: it has none.
  package let edges: [Double]
  /// Values beyond these are held there; nil: as they come, as in models of old and of very few rows.
  package let low, high: Double?
  /// The ends of the credible train values, where values so far outside are held that they say nothing; nil: at ``low`` and
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

  /// The same with bins between those of the edges that a prepared row tells apart; one bin alone would only
  /// repeat the number.
  func withEdges(_ edges: [Double]) -> NumberFeature {
    var kept: [Double] = []
    for edge in edges where kept.isEmpty || isBin(kept[kept.count - 1], edge) { kept.append(edge) }
    return NumberFeature(
      name: name, mean: mean, deviation: deviation, median: median, hasMissing: hasMissing,
      edges: kept.count > 2 ? kept : [], bounds: bounds)
  }

  /// The ranges that values are held in.
  package var bounds: ValueBounds? {
    guard let low, let high, low <= high else { return nil }
    let credible = first.flatMap { first in last.map { first...max(first, $0) } }
    return ValueBounds(held: low...high, credible: credible ?? low...high)
  }

  /// Whether a bin from one value to another has a slope.
  func isBin(_ start: Double, _ end: Double) -> Bool {
    let length = Float(standardize(end)) - Float(standardize(start))
    return length > 0 && (1 / length).isFinite
  }

  /// A constant feature gives 0. What lies a million deviations away is held there: it says no more, and could
  /// overflow in the network.
  package func standardize(_ value: Double) -> Double {
    guard deviation > 0 else { return 0 }
    let held = bounds?.hold(value) ?? value
    return min(1e6, max(-1e6, (held - mean) / deviation))
  }
}

/// Where a column's values are held.
package struct ValueBounds: Hashable, Sendable {
  /// What lies a little outside the train rows is held at these ends.
  package let held: ClosedRange<Double>
  /// Of the train rows: what lies so far outside that it is no value like the others, such as one in another unit, says nothing
  /// but on which side, and is held here.
  package let credible: ClosedRange<Double>

  /// Beyond half the length of ``held`` on either side.
  package func isFar(_ value: Double) -> Bool {
    let half = (held.upperBound - held.lowerBound) / 2
    return value < held.lowerBound - half || value > held.upperBound + half
  }

  package func hold(_ value: Double) -> Double {
    let range = isFar(value) ? credible : held
    return min(range.upperBound, max(range.lowerBound, value))
  }
}

/// One of n: a place for each frequent level, then one for a missing value and one for a level that is rare or
/// was never seen, where train rows had such. A place that no train row fills would only add noise.
package struct CategoryFeature: Hashable, Sendable, Codable {
  package let name: String
  package let levels: [String]
  package let hasMissing, hasUnseen: Bool
  /// Levels of several train rows that share the place of the unseen, since there are so many.
  package let cutLevels: Int

  /// What a person should know of it.
  package var notice: String? {
    if cutLevels > 0 {
      return "column '\(name)': the \(cutLevels) rarest of its \(levels.count + cutLevels) texts are treated as one"
    }
    return Self.areWritten(levels)
      ? "column '\(name)' is read as text, each value a category of its own, such as '\(levels[0])'; write dates and "
        + "amounts as plain numbers, so that their order and distance count" : nil
  }

  /// Whether texts are dates, times, percentages, amounts of money.
  package static func areWritten(_ levels: [String]) -> Bool {
    levels.count > 10
      && levels.allSatisfy { level in
        level.count { $0.isNumber } * 2 >= level.count && level.contains { !$0.isNumber && !$0.isLetter }
      }
  }

  package var width: Int { levels.count + (hasMissing ? 1 : 0) + (hasUnseen ? 1 : 0) }
}

/// What a target of numbers is divided by.
package enum TargetScale: Hashable, Sendable {
  /// The standard deviation, about the mean.
  case standard
  /// 1.4826 times the median distance from the median, which outliers do not inflate: the standard deviation of a normal
  /// distribution. **Source**: Rousseeuw and Croux, *Alternatives to the median absolute deviation*, 1993.
  case robust
  /// The mean alone, of numbers of at least 0.
  case mean
}

package enum TargetPreparation: Hashable, Sendable {
  /// Class names in order; for two, the second is what the probability is of.
  case classes(column: String, names: [String])
  /// Each label's column, with the value that means no and the one that means yes.
  case labels([LabelTarget])
  case number(column: String, mean: Double, deviation: Double)

  package var columns: [String] {
    switch self {
    case .classes(let column, _), .number(let column, _, _): [column]
    case .labels(let labels): labels.map(\.column)
    }
  }

  /// The classes of each target that has such.
  package var classNames: [String: Set<String>] {
    switch self {
    case .classes(let column, let names): [column: Set(names)]
    case .labels(let labels):
      Dictionary(labels.map { ($0.column, [$0.no, $0.yes]) }, uniquingKeysWith: { first, _ in first })
    case .number: [:]
    }
  }

  /// Outputs that the network needs.
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
  private enum Key: String, CodingKey { case features, images, target, missing }

  /// Decodes what `encode` wrote.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    inputs =
      values.contains(.images)
      ? .images(try values.decode(ImagePreparation.self, forKey: .images))
      : .table(try values.decode([Feature].self, forKey: .features))
    target = try values.decode(TargetPreparation.self, forKey: .target)
    missingMarkers = try values.decodeIfPresent([String].self, forKey: .missing) ?? []
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
