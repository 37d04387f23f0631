import Foundation
import Tartine

extension Model {
  /// The weight matrices, read from the model file: eight bytes with the length of the JSON header, the
  /// header, and the numbers.
  func weights() throws -> [(name: String, rows: Int, values: [Double])] {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("lecture-\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    try save(to: url.path)
    let file = try Data(contentsOf: url)
    let length = file.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    let table = try JSONSerialization.jsonObject(with: file[8..<8 + length]) as? [String: [String: Any]] ?? [:]
    return table.keys.sorted().filter { $0.hasSuffix(".weight") }.map { name in
      let shape = table[name]?["shape"] as? [Int] ?? []
      let range = table[name]?["data_offsets"] as? [Int] ?? [0, 0]
      let bytes = file[(8 + length + range[0])..<(8 + length + range[1])]
      let values = bytes.withUnsafeBytes { raw in
        (0..<raw.count / 4).map { Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
      }
      return (name, shape.first ?? 0, values)
    }
  }

  /// The root mean square of all weights.
  func weightSize() throws -> Double {
    let all = try weights().flatMap(\.values)
    return mean(all.map { $0 * $0 }).squareRoot()
  }

  /// The percentage of weights closer to 0 than that.
  func weights(below bound: Double) throws -> Double {
    let all = try weights().flatMap(\.values)
    return 100 * Double(all.count { abs($0) < bound }) / Double(all.count)
  }

  /// The effective number of inputs of a unit in the layer, as a percentage: 1 / Σ p², with p each input's
  /// share of the unit's squared weights; equal weights give 100 %, a single one 100 / n.
  func spread(of layer: String) throws -> Double {
    guard let (_, rows, values) = try weights().first(where: { $0.name == layer + ".weight" }) else { return .nan }
    let units = values.count / rows
    return mean(
      (0..<units).map { unit in
        let squares = (0..<rows).map { values[$0 * units + unit] * values[$0 * units + unit] }
        let sum = squares.reduce(0, +)
        return sum > 0 ? 100 * sum * sum / squares.reduce(0) { $0 + $1 * $1 } / Double(rows) : 0
      })
  }
}
