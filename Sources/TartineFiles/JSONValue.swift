#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A JSON tree: the untyped form of a recipe, or the value of a hyperparameter.
public enum JSONValue: Hashable, Sendable, Codable {
  /// Null.
  case null
  /// True or false.
  case bool(Bool)
  /// A whole number; separate from `number`, so that a seed keeps full precision.
  case integer(Int)
  /// A whole number beyond the range of a signed one.
  case unsigned(UInt64)
  /// Any other number.
  case number(Double)
  /// Text.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// An object.
  case object([String: JSONValue])

  /// Decodes any JSON.
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let integer = try? value.decode(UInt64.self) {
      self = .unsigned(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSONValue].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSONValue].self))
    }
  }

  /// Encodes; whole numbers are written without a decimal point.
  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .bool(let bool): try value.encode(bool)
    case .integer(let integer): try value.encode(integer)
    case .unsigned(let integer): try value.encode(integer)
    case .number(let number):
      if let integer = Int(exactly: number) { try value.encode(integer) } else { try value.encode(number) }
    case .string(let string): try value.encode(string)
    case .array(let array): try value.encode(array)
    case .object(let object): try value.encode(object)
    }
  }

  package subscript(key: String) -> JSONValue? {
    if case .object(let object) = self { object[key] } else { nil }
  }

  /// The text; nil for anything else.
  public var string: String? { if case .string(let string) = self { string } else { nil } }

  /// The whole number; nil for anything else.
  public var integer: Int? {
    switch self {
    case .integer(let integer): integer
    case .number(let number): Int(exactly: number)
    default: nil
    }
  }

  /// The number, whole or not; nil for anything else.
  public var number: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .unsigned(let integer): Double(integer)
    case .number(let number): number
    default: nil
    }
  }

  /// The Boolean; nil for anything else.
  public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

  /// Whether both are equal, 2 and 2.0 included.
  package func isSame(as other: JSONValue) -> Bool {
    if let number, let other = other.number { return number == other }
    if case .array(let mine) = self, case .array(let theirs) = other {
      return mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0.isSame(as: $1) }
    }
    if case .object(let mine) = self, case .object(let theirs) = other {
      return mine.isSame(as: theirs)
    }
    return self == other
  }
}

extension [String: JSONValue] {
  /// Whether both have equal values by name, 2 and 2.0 included.
  package func isSame(as other: [String: JSONValue]) -> Bool {
    count == other.count && allSatisfy { other[$0]?.isSame(as: $1) ?? false }
  }
}

extension JSONValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral
{
  /// A whole number.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// Text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// True or false.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A list.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

/// JSON text with sorted keys, so that equal values give equal bytes.
package enum JSON {
  package static func text(_ value: some Encodable, pretty: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      pretty
      ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// A key that occurs twice in one object of a valid text, which parsers resolve differently; nil where
  /// there is none.
  package static func repeatedName(in text: String) -> String? {
    let bytes = Array(text.utf8)
    // The keys of each open object; none for an array.
    var open: [Set<[UInt8]>] = []
    var place = 0
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): open.append([])
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
      case UInt8(ascii: "\""):
        let start = place + 1
        place = start
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
          place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard place < bytes.count, !open.isEmpty else { return nil }
        let name = Array(bytes[start..<place])
        let isName = bytes[(place + 1)...].first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: ":")
        if isName, !open[open.count - 1].insert(name).inserted { return String(decoding: name, as: UTF8.self) }
      default: break
      }
      place += 1
    }
    return nil
  }

  package static func decode<Value: Decodable>(_: Value.Type, from text: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(text.utf8))
  }

  package static func decode<Value: Decodable>(_: Value.Type, from bytes: ArraySlice<UInt8>) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(bytes))
  }

  /// Converts through JSON text: a value to a tree, or a tree to a value.
  package static func convert<Value: Decodable>(_ value: some Encodable, to _: Value.Type) throws -> Value {
    try decode(Value.self, from: try text(value))
  }

  private static func kind(_ type: Any.Type) -> String {
    let name = "\(type)"
    if name.hasPrefix("Dictionary") { return "a JSON object" }
    if name.hasPrefix("Array") { return "a list" }
    if name == "String" { return "a text" }
    if name == "Bool" { return "true or false" }
    if name.contains("Int") { return "a whole number" }
    return "a number"
  }

  /// Explains a decoding error in plain words, with the key if known.
  ///
  /// - Parameters:
  ///   - isJSON: whether the text is already known to be valid JSON, so that only its values can be
  ///     wrong.
  ///   - text: the text, to say where it is not JSON.
  package static func explain(_ error: any Error, isJSON: Bool = false, text source: String? = nil) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    func text(_ path: [any CodingKey]) -> String {
      path.reduce("") { text, key in
        if let index = key.intValue { return "\(text)[\(index)]" }
        return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
      }
    }
    func place(_ path: [any CodingKey]) -> String { path.isEmpty ? "" : " at '\(text(path))'" }
    switch error {
    case .keyNotFound(let key, let context):
      return "'\(text(context.codingPath + [key]))' is missing"
    case .typeMismatch(let type, let context):
      return "\(kind(type)) is needed\(place(context.codingPath))"
    case .valueNotFound(let type, let context):
      return "\(kind(type)) is missing\(place(context.codingPath))"
    case .dataCorrupted(let context):
      if !context.debugDescription.contains("valid JSON") {
        return (context.codingPath.isEmpty ? "" : "'\(text(context.codingPath))': ") + context.debugDescription
      }
      if let place = source.flatMap(JSONSyntax.firstError(in:)) { return "it is not valid JSON: \(place)" }
      return context.codingPath.isEmpty
        ? (isJSON
          ? "a number in it must be whole, or is out of its range"
          : "it is not valid JSON, or contains a number out of its range")
        : "the value\(place(context.codingPath)) is out of its range, or not a whole number"
    @unknown default:
      return "\(error)"
    }
  }
}
