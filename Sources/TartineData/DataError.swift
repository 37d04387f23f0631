/// An error in the data.
public struct DataError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, or another name of the source.
  public var source: String
  /// The line, counted from 1; the header is line 1.
  public var line: Int?
  /// The column's name.
  public var column: String?
  /// A sentence that says what is wrong and what to do.
  public var message: String
  /// The column that was named, and is not there.
  package var missingColumn: String?

  /// Creates an error with a position.
  public init(_ message: String, source: String, line: Int? = nil, column: String? = nil) {
    self.source = source
    self.line = line
    self.column = column
    self.message = message
  }

  /// The error with its position: `houses.csv, line 17, column 'rooms': 'many' is not a number…`.
  public var description: String {
    var place = source
    if let line { place += ", line \(line)" }
    if let column { place += ", column '\(column)'" }
    return "\(place): \(message)".showingControls
  }
}

extension String {
  /// The text with control characters made visible: `\u{1A}`.
  package var showingControls: String {
    guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control && $0 != "\n" }) else {
      return self
    }
    return unicodeScalars.reduce(into: "") { text, scalar in
      let isControl = scalar.properties.generalCategory == .control && scalar != "\n"
      text += isControl ? "\\u{\(String(scalar.value, radix: 16, uppercase: true))}" : String(scalar)
    }
  }
}
