import TartineFiles
import TartineSQLite

/// An SQLite file, opened for one study. Not thread-safe.
package final class Database {
  /// A value of a table.
  package enum Value: Hashable {
    case null
    case integer(Int)
    case number(Double)
    case text(String)

    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var number: Double? {
      switch self {
      case .number(let value): value
      case .integer(let value): Double(value)
      default: nil
      }
    }
  }

  let path: String
  private let handle: OpaquePointer
  private var statements: [String: OpaquePointer] = [:]

  /// The time to wait for another process's write.
  private static let patience: Int32 = 60_000

  /// Opens a file, or creates it; `:memory:` is a database in memory.
  /// - Throws: `FileError` if it is not an SQLite file, or cannot be opened.
  package init(_ path: String) throws {
    self.path = path
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(
      path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened else {
      sqlite3_close(opened)
      let folder = path.contains("/") ? String(path[..<path.lastIndex(of: "/")!]) : "."
      let reason =
        Files.isFolder(path)
        ? "it is a folder"
        : folder.isEmpty || Files.isFolder(folder)
          ? String(cString: sqlite3_errstr(code)) : "there is no folder '\(folder)'"
      throw FileError(
        .cannotCreate, path, "the study '\(path)' can be neither opened nor created: \(reason).")
    }
    handle = opened
    sqlite3_busy_timeout(handle, Self.patience)
  }

  /// Turns on write-ahead logging, once the file is known to be a study: a killed process loses at most what
  /// it had not committed, a power cut at most the last trials.
  func writeAhead() throws {
    // This fails while another program reads; then the mode stays as it is.
    _ = try? rows("PRAGMA journal_mode=WAL")
    try rows("PRAGMA synchronous=NORMAL")
  }

  deinit {
    for statement in statements.values { sqlite3_finalize(statement) }
    sqlite3_close(handle)
  }

  /// The key of the row that was inserted last.
  var lastRow: Int { Int(sqlite3_last_insert_rowid(handle)) }
  /// The number of rows that the last statement changed.
  var changes: Int { Int(sqlite3_changes(handle)) }

  /// Executes a statement, and returns its rows.
  @discardableResult
  package func rows(_ sql: String, _ values: Value...) throws -> [[Value]] {
    let statement = try prepared(sql)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (place, value) in values.enumerated() { bind(value, to: statement, at: Int32(place + 1)) }
    var rows: [[Value]] = []
    while true {
      let code = sqlite3_step(statement)
      if code == SQLITE_DONE { return rows }
      guard code == SQLITE_ROW else { throw failure(code) }
      rows.append((0..<sqlite3_column_count(statement)).map { column(statement, $0) })
    }
  }

  /// Executes a transaction, exclusively among all processes.
  @discardableResult package func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    try rows("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try rows("COMMIT")
      return result
    } catch {
      _ = try? rows("ROLLBACK")
      throw error
    }
  }

  private func prepared(_ sql: String) throws -> OpaquePointer {
    if let known = statements[sql] { return known }
    var statement: OpaquePointer?
    let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
    guard code == SQLITE_OK, let statement else { throw failure(code) }
    statements[sql] = statement
    return statement
  }

  private func bind(_ value: Value, to statement: OpaquePointer, at place: Int32) {
    switch value {
    case .null: sqlite3_bind_null(statement, place)
    case .integer(let value): sqlite3_bind_int64(statement, place, Int64(value))
    case .number(let value): sqlite3_bind_double(statement, place, value)
    case .text(let value):
      // SQLite keeps its own copy.
      sqlite3_bind_text(statement, place, value, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
    }
  }

  private func column(_ statement: OpaquePointer, _ place: Int32) -> Value {
    switch sqlite3_column_type(statement, place) {
    case SQLITE_INTEGER: .integer(Int(sqlite3_column_int64(statement, place)))
    case SQLITE_FLOAT: .number(sqlite3_column_double(statement, place))
    case SQLITE_TEXT: .text(String(cString: sqlite3_column_text(statement, place)))
    default: .null
    }
  }

  private func failure(_ code: Int32) -> FileError {
    let message = String(cString: sqlite3_errmsg(handle))
    switch code & 0xff {
    case SQLITE_NOTADB, SQLITE_CORRUPT, SQLITE_FORMAT:
      return FileError(
        .damaged, path, "'\(path)' is no study, or is damaged: \(message); name another file with \(OptionName.study).")
    case SQLITE_BUSY, SQLITE_LOCKED:
      return FileError(
        .writeFailed, path,
        "the study '\(path)' has been locked by another program for a minute; close whatever holds it, and try again."
      )
    case SQLITE_FULL:
      return FileError(
        .writeFailed, path,
        "the study '\(path)' cannot be written: the disk is full. Finished trials are kept.")
    case SQLITE_IOERR:
      return FileError(
        .writeFailed, path,
        "the study '\(path)' can be neither read nor written, \(message): check whether the disk is full. "
          + "Finished trials are kept."
      )
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN:
      return FileError(.writeFailed, path, "the study '\(path)' cannot be written: \(message).")
    default: return FileError(.writeFailed, path, "the study '\(path)' cannot be used: \(message).")
    }
  }
}
