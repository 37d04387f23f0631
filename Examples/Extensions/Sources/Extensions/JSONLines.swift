import Foundation
import Tartine

/// Reads a table of JSON objects, one a line; keys that a line lacks are missing values.
package struct JSONLines: TableReader {
  package let endings = ["jsonl", "ndjson"]

  package init() {}

  package struct Problem: Error, CustomStringConvertible {
    package let description: String
  }

  private enum Value: Decodable {
    case number(Double)
    case text(String)
    case missing

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if value.decodeNil() {
        self = .missing
      } else if let text = try? value.decode(String.self) {
        self = .text(text)
      } else if let flag = try? value.decode(Bool.self) {
        self = .text("\(flag)")
      } else {
        self = .number(try value.decode(Double.self))
      }
    }
  }

  package func read(_ path: String) throws -> [TableColumn] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Problem(description: "there is no such file, or it is not UTF-8.")
    }
    let lines = text.split(whereSeparator: \.isNewline)
    let decoder = JSONDecoder()
    let rows = try lines.enumerated().map { number, line -> [String: Value] in
      guard let row = try? decoder.decode([String: Value].self, from: Data(line.utf8)) else {
        throw Problem(
          description: "line \(number + 1) is no JSON object of numbers and texts; write one object a line.")
      }
      return row
    }
    return Set(rows.flatMap(\.keys)).sorted().map { key in
      let values = rows.map { $0[key] ?? .missing }
      // A text among them makes all of them texts.
      let texts = values.map { value -> String? in
        switch value {
        case .number(let number): "\(number)"
        case .text(let text): text
        case .missing: nil
        }
      }
      let numbers = values.map { if case .number(let number) = $0 { number } else { Double.nan } }
      let areTexts = values.contains { if case .text = $0 { true } else { false } }
      return TableColumn(key, areTexts ? .texts(texts) : .numbers(numbers))
    }
  }
}
