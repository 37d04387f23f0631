import Synchronization

/// A reader of tables in a format of its own, chosen by the ending of a file's name.
///
/// ```swift
/// struct JSONLines: TableReader {
///   let endings = ["jsonl"]
///   func read(_ path: String) throws -> [TableColumn] { … }
/// }
/// Dataset.register(JSONLines())
/// let data = try Dataset(csv: "houses.jsonl", target: "price")
/// ```
///
/// Its columns are prepared like those of a CSV file, but they are taken as they are: `NA` is a category, not a missing
/// value, and a text of digits is not a number. A model expects the types that it was trained with. An error should conform to
/// `CustomStringConvertible`: its description is what is shown.
public protocol TableReader: Sendable {
  /// The endings of the files that it reads, such as `jsonl` or `jsonl.gz`, in any case, with or without the leading dot.
  var endings: [String] { get }
  /// Reads a table; all columns have the same number of rows.
  /// - Throws: an error whose description says what is wrong and what to do.
  func read(_ path: String) throws -> [TableColumn]
}

/// A column of a table.
public struct TableColumn: Hashable, Sendable {
  /// The values of a column.
  public enum Values: Hashable, Sendable {
    /// Numbers; NaN where a value is missing.
    case numbers([Double])
    /// Texts; nil where a value is missing.
    case texts([String?])
  }

  /// The column's name.
  public let name: String
  /// Its values.
  public let values: Values

  /// Creates a column.
  public init(_ name: String, _ values: Values) {
    self.name = name
    self.values = values
  }

  var count: Int {
    switch values {
    case .numbers(let numbers): numbers.count
    case .texts(let texts): texts.count
    }
  }
}

extension Dataset {
  private static let readers = Mutex<[any TableReader]>([])

  /// Registers a reader of tables; the last one that knows a file's ending reads it.
  public static func register(_ reader: some TableReader) { readers.withLock { $0.append(reader) } }

  /// The reader of a file; nil: it is CSV.
  static func reader(of path: String) -> (any TableReader)? {
    let path = path.lowercased()
    return readers.withLock { readers in
      readers.last { reader in
        reader.endings.contains { path.hasSuffix(($0.hasPrefix(".") ? "" : ".") + $0.lowercased()) }
      }
    }
  }

  /// The typed columns of a file that a program's own reader reads.
  ///
  /// - Parameter isNumeric: what a model expects of each column it knows.
  static func columns(of path: String, by reader: any TableReader, isNumeric: [String: Bool]?) throws -> [Column] {
    let table: [TableColumn]
    do {
      table = try reader.read(path)
    } catch {
      throw DataError("it cannot be read: \(error)", source: path)
    }
    guard let rows = table.first?.count, rows > 0 else { throw DataError("it has no rows.", source: path) }
    guard table.allSatisfy({ $0.count == rows }), Set(table.map(\.name)).count == table.count else {
      throw DataError("its reader gives columns of different lengths, or two of one name.", source: path)
    }
    return try table.map { try Column($0, isNumeric: isNumeric?[$0.name], source: path) }
  }
}

extension Column {
  fileprivate init(_ column: TableColumn, isNumeric: Bool?, source: String) throws {
    switch column.values {
    case .numbers(let numbers):
      if let wild = numbers.first(where: { !($0.isNaN || abs($0) <= Double(Float.greatestFiniteMagnitude)) }) {
        throw DataError(
          "\(wild) is infinite or out of the range of a 32-bit float.", source: source, column: column.name)
      }
      if isNumeric == false {
        self.init(column.name, numbers.map { $0.isNaN ? nil : Column.text(of: $0) })
      } else {
        self.init(name: column.name, values: .numbers(numbers), reason: "its reader gives numbers")
      }
    case .texts(let texts):
      guard isNumeric != true else {
        throw DataError(
          "its reader gives texts, and the model was trained on numbers here.", source: source, column: column.name)
      }
      self.init(column.name, texts)
    }
  }

  private init(_ name: String, _ texts: [String?]) {
    var coder = LevelCoder()
    for text in texts { coder.append(text) }
    self.init(name: name, values: .texts(codes: coder.codes, levels: coder.levels), reason: "its reader gives texts")
  }
}
