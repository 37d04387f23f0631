import TartineEngine

extension Preparation {
  /// Prepares some rows of a data set.
  ///
  /// - Parameters:
  ///   - warnings: receives a notice for each adaptation.
  /// - Throws: `DataError` for a missing column, or a label that the model does not know.
  package func apply(
    to dataset: Dataset, rows: [Int], warnings: inout [String]
  ) throws -> PreparedRows {
    PreparedRows(
      width: width, elements: try elements(of: dataset.inputs, rows: rows, source: dataset.source),
      targets: try targets(of: dataset, rows: rows, warnings: &warnings), origin: rows,
      cases: dataset.groups.map { groups in rows.map { groups.byRow[$0] } })
  }

  /// Prepares columns without a target, for prediction.
  package func apply(to columns: [Column], source: String) throws -> PreparedRows {
    let rows = Array(0..<(columns.first?.count ?? 0))
    return PreparedRows(
      width: width, elements: try elements(of: .table(columns), rows: rows, source: source),
      targets: .none, origin: rows)
  }

  /// Prepares images without a target.
  package func apply(to block: ImageBlock, source: String) throws -> PreparedRows {
    let rows = Array(0..<block.count)
    return PreparedRows(
      width: width, elements: try elements(of: .images(block), rows: rows, source: source), targets: .none,
      origin: rows)
  }

  // MARK: Inputs

  /// - Throws: `DataError` that names a column that is needed but missing.
  func checkColumns(of dataset: Dataset) throws {
    if case .images(let expected) = inputs, case .images(let block) = dataset.inputs {
      try check(block, expected, dataset.source)
    }
    guard case .table(let features) = inputs, case .table(let columns) = dataset.inputs else { return }
    let names = Set(columns.map(\.name))
    for feature in features where feature.width > 0 && !names.contains(feature.name) {
      throw missing(feature.name, among: columns, dataset.source)
    }
  }

  private func missing(_ name: String, among columns: [Column], _ source: String) -> DataError {
    DataError(
      "the model needs the column '\(name)', and there are only \(Dataset.list(columns.map(\.name))).",
      source: source)
  }

  private func check(_ block: ImageBlock, _ expected: ImagePreparation, _ source: String) throws {
    guard block.shape == (expected.height, expected.width, expected.channels) else {
      throw DataError(
        "images of \(block.shape.height) × \(block.shape.width) × \(block.shape.channels), but the model "
          + "takes \(expected.height) × \(expected.width) × \(expected.channels).", source: source)
    }
  }

  private func elements(
    of inputs: Dataset.Inputs, rows: [Int], source: String
  ) throws -> PreparedRows.Elements {
    switch (self.inputs, inputs) {
    case (.images(let expected), .images(let block)):
      try check(block, expected, source)
      return .bytes(block, rows: rows.map { Int32($0) }, scale: 1 / Double(expected.fullScale))
    case (.table(let features), .table(let columns)):
      return .floats(try matrix(features, columns, rows, source), Self.encoding(of: features))
    case (.images, .table):
      throw DataError("the model takes images, and this is a table.", source: source)
    case (.table, .images):
      throw DataError("the model takes a table, and these are images.", source: source)
    }
  }

  private static func encoding(of features: [Feature]) -> RowEncoding {
    var columns: [RowEncoding.Column] = []
    var edges: [(column: Int, edges: [Float])] = []
    for feature in features {
      if case .number(let number) = feature {
        edges.append((columns.count, number.edges.map { Float(number.standardize($0)) }))
      }
      if case .category(let category) = feature {
        columns.append(.category(elements: category.width))
      } else {
        columns += [RowEncoding.Column](repeating: .number, count: feature.width)
      }
    }
    return RowEncoding(columns, bins: edges)
  }

  private func matrix(
    _ features: [Feature], _ columns: [Column], _ rows: [Int], _ source: String
  ) throws -> Arena {
    let width = features.reduce(0) { $0 + $1.storedWidth }
    let byName = Dictionary(columns.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let arena = Arena(byteCount: rows.count * width * MemoryLayout<Float>.size)
    let output = arena.base.assumingMemoryBound(to: Float.self)
    var place = 0
    for feature in features where feature.width > 0 {
      guard let column = byName[feature.name] else {
        throw missing(feature.name, among: columns, source)
      }
      switch (feature, column.values) {
      case (.number(let number), .numbers(let values)):
        if let problem = notation.problem(with: column, typical: number.median) {
          throw DataError(problem, source: source, column: column.name)
        }
        for (index, row) in rows.enumerated() {
          let value = values[row]
          let isMissing = value.isNaN
          let at = index * width + place
          output[at] = Float(number.standardize(isMissing ? number.median : value))
          if number.hasMissing { output[at + 1] = isMissing ? 1 : 0 }
        }
      case (.number(let number), .texts(let codes, let levels)):
        guard codes.allSatisfy({ $0 < 0 }) else {
          throw DataError(
            "'\(levels.first ?? "")' is not a number, and the model was trained on numbers here.",
            source: source, column: column.name)
        }
        // All values are missing.
        for index in rows.indices {
          output[index * width + place] = Float(number.standardize(number.median))
          if number.hasMissing { output[index * width + place + 1] = 1 }
        }
      case (.category(let category), _):
        fill(category, column, rows, output + place, stride: width)
      case (.time(let time), _):
        if let problem = time.conflict(in: column, rows: rows) {
          throw DataError(problem, source: source, column: column.name)
        }
        time.fill(column, rows, output + place, stride: width)
      case (.leftOut, _): break
      }
      place += feature.storedWidth
    }
    return arena
  }

  /// Stores the place of each row's level among the category's elements; −1 for none.
  private func fill(
    _ category: CategoryFeature, _ column: Column, _ rows: [Int], _ output: UnsafeMutablePointer<Float>,
    stride: Int
  ) {
    let places = LevelPlaces(category.levels)
    let missing = category.hasMissing ? category.levels.count : nil
    let unseen = category.hasUnseen ? category.width - 1 : nil
    // A model trained on text gets numbers where a file's column happens to contain numbers only.
    var placeOfCode: [Int?] = []
    if case .texts(_, let levels) = column.values { placeOfCode = levels.map { places[$0] ?? unseen } }
    for (index, row) in rows.enumerated() {
      let place: Int?
      switch column.values {
      case .texts(let codes, _): place = codes[row] < 0 ? missing : placeOfCode[Int(codes[row])]
      case .numbers(let numbers):
        place = numbers[row].isNaN ? missing : places[Column.text(of: numbers[row])] ?? unseen
      }
      output[index * stride] = Float(place ?? -1)
    }
  }

  // MARK: Targets

  func targets(
    of dataset: Dataset, rows: [Int], warnings: inout [String]
  ) throws -> PreparedRows.Targets {
    func column(_ name: String) throws -> Column {
      guard let column = dataset.targets.first(where: { $0.name == name }) else {
        throw DataError("the model predicts '\(name)', and there is no such target.", source: dataset.source)
      }
      return column
    }
    switch target {
    case .classes(let name, let names):
      let column = try column(name)
      let codes = try Self.classCodes(column, names, dataset.source, &warnings)
      let labels = rows.map { codes[$0] }
      if names.count > 2 { return .labels(labels) }
      return .matrix(Self.matrix(rows.count, 1) { row, _ in Float(labels[row]) }, width: 1)
    case .labels(let labels):
      let codes = try labels.map {
        try Self.classCodes(try column($0.column), [$0.no, $0.yes], dataset.source, &warnings)
      }
      return .matrix(
        Self.matrix(rows.count, labels.count) { row, label in Float(codes[label][rows[row]]) },
        width: labels.count)
    case .number(let name, let mean, let deviation):
      guard case .numbers(let numbers) = try column(name).values else {
        throw DataError("the model predicts a number, and this is text.", source: dataset.source, column: name)
      }
      let present = rows.map { numbers[$0] }
      let own = present.reduce(0, +) / Double(max(1, present.count))
      let spread = (present.reduce(0) { $0 + ($1 - own) * ($1 - own) } / Double(max(1, present.count))).squareRoot()
      if present.count >= 10, abs(own - mean) > 5 * deviation,
        spread < 0.2 * deviation || spread > 5 * deviation
          || abs(own - mean) > 10 * deviation
      {
        warnings.append(
          "the targets have a mean of \(Column.text(of: own)), and those of the train set \(Column.text(of: mean)), with a standard "
            + "deviation of \(Column.text(of: deviation)); check that both have one unit")
      }
      if let problem = notation.problem(with: try column(name), typical: mean) {
        throw DataError(problem, source: dataset.source, column: name)
      }
      return .matrix(
        Self.matrix(rows.count, 1) { row, _ in Float((numbers[rows[row]] - mean) / deviation) }, width: 1)
    }
  }

  private static func matrix(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Float) -> Arena {
    let arena = Arena(byteCount: rows * columns * MemoryLayout<Float>.size)
    let output = arena.base.assumingMemoryBound(to: Float.self)
    for row in 0..<rows {
      for column in 0..<columns { output[row * columns + column] = element(row, column) }
    }
    return arena
  }

  /// The class of each row. If all unknown labels become known without one trailing full stop, as in UCI's
  /// Adult test file, the stop is dropped with a warning.
  private static func classCodes(
    _ column: Column, _ names: [String], _ source: String, _ warnings: inout [String]
  ) throws -> [Int32] {
    let places = LevelPlaces(names)
    func known(_ levels: [String]) throws -> [String: Int32] {
      var found: [String: Int32] = [:]
      let unknown = levels.filter { places[$0] == nil }
      let dotless = unknown.allSatisfy { $0.hasSuffix(".") && places[String($0.dropLast())] != nil }
      if !unknown.isEmpty && !dotless {
        let label = unknown.first { !($0.hasSuffix(".") && places[String($0.dropLast())] != nil) } ?? ""
        throw DataError(
          "the label '\(label)' is not one of the model's classes: \(Dataset.list(names)).", source: source,
          column: column.name)
      }
      if !unknown.isEmpty {
        warnings.append(
          "the labels of '\(column.name)' in \(source) end in a full stop, as in '\(unknown[0])'; it was "
            + "dropped")
      }
      for level in levels { found[level] = (places[level] ?? places[String(level.dropLast())]).map { Int32($0) } }
      return found
    }
    switch column.values {
    case .texts(let codes, let levels):
      let found = try known(levels)
      let byCode = levels.map { found[$0] ?? 0 }
      return codes.map { $0 < 0 ? 0 : byCode[Int($0)] }
    case .numbers(let numbers):
      let found = try known(Set(numbers).sorted().map(Column.text(of:)))
      return numbers.map { found[Column.text(of: $0)] ?? 0 }
    }
  }
}

/// The index of each level of a column; `TRUE` matches `True`, and `False` matches `false`, if there is only
/// one of them.
struct LevelPlaces {
  private var places: [String: Int]

  init(_ levels: [String]) {
    places = Dictionary(uniqueKeysWithValues: levels.enumerated().map { ($1, $0) })
    let booleans = levels.filter { ["true", "false"].contains($0.lowercased()) }
    guard Set(booleans.map { $0.lowercased() }).count == booleans.count else { return }
    for level in booleans {
      for spelling in [
        level.lowercased(), level.uppercased(), level.prefix(1).uppercased() + level.lowercased().dropFirst(),
      ] {
        places[spelling] = places[spelling] ?? places[level]
      }
    }
  }

  subscript(level: String) -> Int? { places[level] }
}
