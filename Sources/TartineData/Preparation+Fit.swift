import TartineFiles

extension Preparation {
  /// Fits on some rows of the data, which must be the train set.
  /// - Parameters:
  ///   - bins: the most bins for each column of numbers; nil: chosen by `BinRule`.
  ///   - standardize: whether numbers are standardized; otherwise they are used as they are.
  ///   - targetScale: the scale of a numeric target.
  /// - Throws: `DataError` if no column is left to learn from.
  package init(
    fitting dataset: Dataset, rows: [Int], bins: Int? = nil, standardize: Bool = true,
    targetScale: TargetScale = .standard
  ) throws {
    switch dataset.inputs {
    case .images(let block):
      inputs = .images(
        ImagePreparation(
          height: block.shape.height, width: block.shape.width, channels: block.shape.channels,
          fullScale: block.fullScale))
    case .table(let columns):
      let fitted = Feature.fit(columns, targets: dataset.targets, rows: rows)
      var features = BinRule(asked: bins).apply(to: fitted, rows: rows.count)
      if !standardize { features = features.map(\.unscaled) }
      guard features.contains(where: { $0.width > 0 }) else {
        let reasons = features.map { feature in
          if case .leftOut(let name, let reason) = feature { "'\(name)' (\(reason))" } else { "" }
        }
        throw DataError(
          "no column is left to learn from: \(Dataset.list(reasons)).", source: dataset.source)
      }
      inputs = .table(features)
    }
    target = try TargetPreparation(fitting: dataset, rows: rows, scale: targetScale)
    missingMarkers = dataset.missingMarkers
    groupColumn = dataset.groups?.column
    notation = dataset.notation
  }
}

extension Feature {
  /// Fits without standardizing numbers.
  fileprivate var unscaled: Feature {
    guard case .number(let number) = self else { return self }
    return .number(
      NumberFeature(
        name: number.name, mean: 0, deviation: 1, median: number.median, hasMissing: number.hasMissing, edges: [])
    ).binned(by: number.edges)
  }

  private func binned(by edges: [Double]) -> Feature {
    guard case .number(let number) = self, !edges.isEmpty else { return self }
    return .number(number.withEdges(edges))
  }

  /// The most levels of a category that have their own column, the most frequent ones; fewer where the
  /// one-hot columns of all rows would take more than a gigabyte.
  private static func mostLevels(rows: Int) -> Int { min(500, max(100, (1 << 28) / max(1, rows))) }
  /// The fewest train rows of a level; a level with fewer is treated as unknown.
  static let fewestRowsOfLevel = 2

  /// Fits each column on the train rows; row identifiers are left out.
  static func fit(
    _ columns: [Column], targets: [Column], rows: [Int]
  ) -> [(feature: Feature, values: ValueDistribution?)] {
    let numbering = RowNumbering(columns + targets)
    func fitted(keepingShuffled: Bool) -> [(feature: Feature, values: ValueDistribution?)] {
      columns.indices.map { place in
        if let reason = numbering.reason(place), !(keepingShuffled && reason != RowNumbering.inFileOrder) {
          return (.leftOut(name: columns[place].name, reason: reason), nil)
        }
        return fit(columns[place], rows: rows)
      }
    }
    // A single input column may be a quantity after all.
    let strict = fitted(keepingShuffled: false)
    return strict.contains { $0.feature.width > 0 } ? strict : fitted(keepingShuffled: true)
  }

  private static func fit(_ column: Column, rows: [Int]) -> (feature: Feature, values: ValueDistribution?) {
    switch column.values {
    case .numbers(let numbers): fitNumbers(column.name, numbers, rows)
    case .texts(let codes, let levels): (fitTexts(column, codes, levels, rows), nil)
    }
  }

  static func fitNumbers(
    _ name: String, _ numbers: [Double], _ rows: [Int]
  ) -> (feature: Feature, values: ValueDistribution?) {
    var present = rows.map { numbers[$0] }.filter { !$0.isNaN }
    guard !present.isEmpty else {
      return (.leftOut(name: name, reason: "it holds no value in the train rows"), nil)
    }
    let values = ValueDistribution(sorted: present.sorted())
    let bounds = values.bounds
    if let bounds { present = present.map(bounds.hold) }
    let mean = present.reduce(0, +) / Double(present.count)
    let deviation = present.standardDeviation(from: mean)
    present.sort()
    let median = present.medianOfSorted
    // A constant differs from its computed mean only by rounding.
    let isConstant = present.first == present.last
    let number = NumberFeature(
      name: name, mean: mean, deviation: isConstant ? 0 : deviation, median: median,
      hasMissing: present.count < rows.count, edges: [], bounds: bounds)
    return (.number(number), ValueDistribution(sorted: present))
  }

  private static func fitTexts(
    _ column: Column, _ codes: [Int32], _ levels: [String], _ rows: [Int]
  ) -> Feature {
    var counts = [Int](repeating: 0, count: levels.count)
    var present = 0
    for row in rows where codes[row] >= 0 {
      counts[Int(codes[row])] += 1
      present += 1
    }
    guard present > 0 else {
      return .leftOut(name: column.name, reason: "it holds no value in the train rows")
    }
    let distinct = counts.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }
    let held = levels.indices.filter { counts[$0] > 0 }.map { levels[$0] }
    if let time = TimeFeature.fit(column, texts: held, codes: codes, rows: rows) { return time }
    if distinct > 20 && distinct * 2 > present {
      return .leftOut(
        name: column.name,
        reason: "\(distinct) different texts in \(present) train rows are nearly unique "
          + "(\(column.reason))"
          + (CategoryFeature.areWritten(held)
            ? "; most of them hold numbers or dates: write amounts as plain numbers in one unit, and name markers of missing values "
              + "with \(OptionName.missing)" : ""))
    }
    if distinct == 1 && present == rows.count {
      return .leftOut(name: column.name, reason: "it is the same in all train rows")
    }
    let repeated = levels.indices.filter { counts[$0] >= fewestRowsOfLevel }
      .sorted { (counts[$1], levels[$0]) < (counts[$0], levels[$1]) }
    let frequent = repeated.prefix(mostLevels(rows: rows.count))
    let kept = frequent.map { levels[$0] }.sorted()
    let covered = frequent.reduce(0) { $0 + counts[$1] }
    return .category(
      CategoryFeature(
        name: column.name, levels: kept, hasMissing: present < rows.count, hasUnseen: covered < present,
        cutLevels: repeated.count - frequent.count))
  }
}

extension TargetPreparation {
  init(fitting dataset: Dataset, rows: [Int], scale: TargetScale) throws {
    switch dataset.task.task {
    case .binary, .multiclass:
      // All rows define the classes, so that a class is known even if the train set lacks it.
      let target = dataset.targets[0]
      self = .classes(column: target.name, names: Self.orderedLevels(of: target))
    case .multilabel:
      self = .labels(
        dataset.targets.map { target in
          let levels = Self.orderedLevels(of: target)
          return LabelTarget(column: target.name, no: levels[0], yes: levels[1])
        })
    case .regression:
      guard case .numbers(let numbers) = dataset.targets[0].values else {
        throw DataError("a regression needs numbers.", source: dataset.source, column: dataset.targets[0].name)
      }
      // A constant differs from its computed mean only by rounding.
      guard rows.contains(where: { numbers[$0] != numbers[rows[0]] }) else {
        throw DataError(
          "the target is the same in all train rows.", source: dataset.source,
          column: dataset.targets[0].name)
      }
      let values = rows.map { numbers[$0] }
      let mean = values.reduce(0, +) / Double(values.count)
      switch scale {
      case .standard:
        self = .number(column: dataset.targets[0].name, mean: mean, deviation: values.standardDeviation(from: mean))
      case .robust:
        let sorted = values.sorted()
        let median = sorted.medianOfSorted
        let distance = values.map { abs($0 - median) }.sorted().medianOfSorted
        self = .number(
          column: dataset.targets[0].name, mean: median,
          // Where more than half of the values are equal, the median distance is 0.
          deviation: distance > 0 ? 1.4826 * distance : values.standardDeviation(from: mean))
      case .mean:
        if let row = rows.first(where: { numbers[$0] < 0 }) {
          throw DataError(
            "a Poisson loss is for counts, and row \(dataset.rowNumber(row)) holds \(numbers[row]).",
            source: dataset.source, column: dataset.targets[0].name)
        }
        self = .number(column: dataset.targets[0].name, mean: 0, deviation: mean)
      }
    }
  }

  /// The classes in order; of `ja` and `nein`, or `Yes` and `no`, the affirmative comes last, where the positive class is.
  private static func orderedLevels(of column: Column) -> [String] {
    let levels = levels(of: column)
    guard levels.count == 2, affirmatives.contains(levels[0].lowercased()), negatives.contains(levels[1].lowercased())
    else { return levels }
    return levels.reversed()
  }

  private static let affirmatives: Set<String> = [
    "yes", "y", "true", "t", "ja", "j", "oui", "o", "si", "sí", "sim", "s", "da", "positive", "pos", "+", "on",
    "present",
  ]
  private static let negatives: Set<String> = [
    "no", "n", "false", "f", "nein", "nej", "nee", "non", "não", "nao", "nu", "ne", "net", "negative", "neg", "-",
    "off",
    "absent",
  ]

  /// Numbers in ascending order, texts in byte order.
  private static func levels(of column: Column) -> [String] {
    switch column.values {
    case .numbers(let numbers): return Set(numbers).sorted().map(Column.text(of:))
    case .texts(_, let levels): return levels.sorted()
    }
  }
}

extension [Double] {
  /// The root mean square distance from `mean`; squares that overflow a Double are computed in scaled units.
  fileprivate func standardDeviation(from mean: Double) -> Double {
    let deviation = (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
    guard deviation < 1e-140 else { return deviation }
    let largest = reduce(0) { Swift.max($0, abs($1 - mean)) }
    guard largest > 0 else { return 0 }
    return largest * (reduce(0) { $0 + (($1 - mean) / largest) * (($1 - mean) / largest) } / Double(count)).squareRoot()
  }

  fileprivate var medianOfSorted: Double {
    count % 2 == 1 ? self[count / 2] : (self[count / 2 - 1] + self[count / 2]) / 2
  }
}
