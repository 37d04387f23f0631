import TartineFiles

extension Dataset {
  /// Reads a table from a CSV or CSV.GZ file, or one of a registered ``TableReader``.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - target: the column to predict; several, separated by commas, are labels.
  ///   - task: overrides the inferred task.
  ///   - format: options that cannot be inferred from the text.
  /// - Throws: `FileError`, or `DataError` with line and column.
  public init(
    csv path: String, target: String, task: LearningTask? = nil, format: CSVFormat = CSVFormat()
  ) throws {
    let targets = [target] + Self.names(target)
    let (read, checksum) = try Self.readTable(path, targets: targets, format: format, takesChecksum: true)
    let columns = read.map { targets.contains($0.name) ? $0.decidingMarkers(format) : $0 }
    try self.init(source: path, columns: columns, target: target, task: task)
    missingMarkers = format.missing
    checksums = checksum
  }

  /// Separates columns into inputs and targets.
  package init(source: String, columns: [Column], target: String, task: LearningTask?) throws {
    let names = columns.contains { $0.name == target } ? [target] : Self.names(target)
    guard !names.isEmpty else {
      throw DataError("no target is named; there are \(Self.list(columns.map(\.name))).", source: source)
    }
    guard Set(names).count == names.count else {
      throw DataError("the target names a column twice.", source: source)
    }
    var targets: [Column] = []
    for name in names {
      guard let column = columns.first(where: { $0.name == name }) else {
        throw DataError(
          "there is no column '\(name)'; there are \(Self.list(columns.map(\.name)))."
            + Suggestion.text(for: name, among: columns.map(\.name))
            + (columns.count { Double($0.name) != nil } * 2 > columns.count
              ? " Is the header missing? Add a line with the names, or use \(OptionName.noHeader)." : ""),
          source: source)
      }
      targets.append(column)
    }
    let inputs = columns.filter { !names.contains($0.name) }
    guard !inputs.isEmpty else {
      throw DataError("there is no column apart from the target to predict it from.", source: source)
    }
    try self.init(source: source, inputs: .table(inputs), targets: targets, task: task)
  }

  /// The typed columns of a CSV file, and the checksum of the file by its path; none for standard input.
  ///
  /// - Parameters:
  ///   - isNumeric: what a model expects of each column it knows.
  ///   - targets, takesSlips, notation: passed on to `CSVReader`.
  ///   - takesChecksum: whether a file that a program's own reader reads is summed too, which reads it once more.
  package static func readTable(
    _ path: String, isNumeric: [String: Bool]? = nil, targets: [String] = [], takesSlips: Bool = false,
    format: CSVFormat = CSVFormat(), notation: FileNotation = FileNotation(), takesChecksum: Bool = false
  ) throws -> (columns: [Column], checksum: [String: String]) {
    if let reader = reader(of: path) {
      // A reader of a program's own opens what it reads by itself, which need not be a file.
      let sum = takesChecksum ? try RandomAccessFile(path)?.checksum() : nil
      return (try columns(of: path, by: reader, isNumeric: isNumeric), sum.map { [path: $0.text] } ?? [:])
    }
    func read(_ text: CSVText) throws -> (columns: [Column], checksum: Checksum) {
      let (columns, sum) = try CSVReader(
        text, source: path, isNumeric: isNumeric, targets: targets, takesSlips: takesSlips, format: format,
        notation: notation
      ).readWithChecksum()
      return (columns.map(\.withBooleansOnce), sum)
    }
    if path != "-", let file = RandomAccessFile(path), !Files.isGzip(try file.read(0..<min(4, file.count))) {
      let (columns, sum) = try read(CSVText(file))
      return (columns, [path: sum.text])
    }
    let bytes = try path == "-" ? Files.readStandardInput() : Files.read(path)
    let columns = try read(CSVText(Files.isGzip(bytes) ? try Files.gunzip(bytes, path: path) : bytes)).columns
    return (columns, path == "-" ? [:] : [path: Checksum(of: bytes).text])
  }

  /// Splits target names at commas.
  private static func names(_ targets: String) -> [String] { targets.split(separator: ",").map(trimmed) }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// The names in a list that was split at commas, where a name may hold commas itself.
  package static func names(in pieces: [String], among names: [String]) -> [String] {
    var found: [String] = []
    var start = 0
    while start < pieces.count {
      let end = (start..<pieces.count).last { end in
        ([",", ", "] as [String]).contains { names.contains(pieces[start...end].joined(separator: $0)) }
      }
      let run = pieces[start...(end ?? start)]
      let spaced = run.joined(separator: ", ")
      found.append(names.contains(spaced) ? spaced : run.joined(separator: ","))
      start += run.count
    }
    return found
  }

  /// At most twelve names, each shortened.
  package static func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { $0.count > 120 ? $0.prefix(120) + "…" : $0 }.joined(separator: ", ")
    return names.count > 12 ? "\(shown) and \(names.count - 12) more" : shown
  }
}

extension Column {
  /// Texts that usually mark a missing value, but may also be a class.
  static let classMarkers: Set<String> = ["NA", "N/A", "n/a", "null", "NULL", "None"]

  /// Returns a target of classes in which such texts are classes, unless missing values are empty fields or
  /// texts that the user named.
  func decidingMarkers(_ format: CSVFormat) -> Column {
    guard case .texts(let codes, let levels) = values else { return self }
    let found = levels.filter(Self.classMarkers.contains)
    guard !found.isEmpty else { return self }
    guard format.missing.isEmpty, codes.contains(where: { $0 < 0 }) || levels.count - found.count < 1 else {
      return format.missing.isEmpty
        ? adding(
          notice:
            "'\(found.joined(separator: "', '"))' in the target '\(name)' is treated as a class; \(OptionName.missing) "
            + "\(found.joined(separator: ",")) leaves these rows out") : self
    }
    return found.reduce(self) { $0.taking($1) }
  }

  /// Returns the target with those of these texts as classes that a model knows.
  func decidingMarkers(known classes: Set<String>) -> Column {
    guard case .texts(_, let levels) = values else { return self }
    return levels.filter { Self.classMarkers.contains($0) && !classes.contains($0) }.reduce(self) { $0.taking($1) }
  }

  /// Returns `True`, `TRUE` and `true` merged into the one that comes first.
  fileprivate var withBooleansOnce: Column {
    guard case .texts(let codes, let levels) = values, (3...6).contains(levels.count),
      levels.allSatisfy({ ["true", "false"].contains($0.lowercased()) })
    else { return self }
    var copy = self
    var coder = LevelCoder()
    for code in codes {
      coder.append(
        code < 0 ? nil : levels.first { $0.lowercased() == levels[Int(code)].lowercased() })
    }
    copy.values = .texts(codes: coder.codes, levels: coder.levels)
    return copy
  }
}
