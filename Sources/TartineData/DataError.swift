/// The data cannot be used as they are.
public struct DataError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, or what stands for one.
  public var source: String
  /// Counted from 1, the header being line 1.
  public var line: Int?
  /// The column's name.
  public var column: String?
  /// What is wrong and what to do.
  public var message: String

  /// Describes a problem and its place.
  public init(_ message: String, source: String, line: Int? = nil, column: String? = nil) {
    self.source = source
    self.line = line
    self.column = column
    self.message = message
  }

  /// As in `houses.csv, line 17, column 'rooms': 'many' is no number…`.
  public var description: String {
    var place = source
    if let line { place += ", line \(line)" }
    if let column { place += ", column '\(column)'" }
    return "\(place): \(message)".showingControls
  }
}

extension String {
  /// The same with control characters as a person sees them: `\u{1A}`.
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
