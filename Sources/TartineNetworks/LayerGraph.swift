import TartineEngine

/// A network checked for its input: the layers in place, each with the values that it reads and makes, and the
/// positions of its tensors.
///
/// What is said about layers is said of this: the printed table, parameters, initialization, signals. Printing it
/// shows a table of layers, output shapes and parameters.
public struct LayerGraph: Sendable, CustomStringConvertible {
  /// The shape of a sample: value 0 of the graph.
  public let input: Shape
  /// The layers, each after those it reads from, the output layer last. Layer i makes value i + 1.
  public let layers: [PlacedLayer]
  /// The tensors that training updates.
  package let parameters: [PlacedTensor]
  /// The tensors that training accumulates: batch norm's moving averages.
  package let state: [PlacedTensor]
  package let parameterElements: Int
  package let stateElements: Int

  /// The total number of parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// The number of networks that share weights, each with its own output; 1 for a plain network.
  package var members: Int { layers.last?.copies ?? 1 }

  /// The number of outputs of the last layer.
  package var outputWidth: Int { layers.last?.outputShape.count ?? input.count }
}

/// A layer of a graph.
public struct PlacedLayer: Sendable {
  /// Its kind and number, such as `dense2`; the output layer is `output`.
  public let name: String
  /// The layer.
  public let layer: any Layer
  /// The values that it reads: 0 is the network's input, i + 1 the output of layer i.
  public let inputs: [Int]
  /// The shape of what it reads.
  public let inputShape: Shape
  /// The shape of its output.
  public let outputShape: Shape
  /// The number of rows that it reads, and that it makes, for a row of the batch: with ``Members`` one for each.
  package let inputCopies, copies: Int
  /// Its tensors that training updates.
  package let parameters: [PlacedTensor]
  /// Its tensors that training accumulates.
  package let state: [PlacedTensor]

  /// Whether its output is its input, element by element.
  var isIdentity: Bool { (layer as? any EngineLayer)?.isIdentity == true }

  /// The number of its parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
}

/// A tensor with its position in a flat buffer.
package struct PlacedTensor: Hashable, Sendable {
  package let name: String
  package let shape: Shape
  package let initializer: Initializer
  package let isPenalized: Bool
  /// The weight of a batch in a moving average that is read with bias correction.
  package let correctedMomentum: Double?
  /// The offset in elements; a multiple of the cache line.
  package let offset: Int
  package var count: Int { shape.count }
  package var span: TensorSpan { TensorSpan(offset: offset, count: count) }
}

/// The position of a tensor, in elements.
package struct TensorSpan: Hashable, Sendable {
  package let offset, count: Int
}

extension LayerGraph {
  /// Columns: layer, output shape, parameters.
  public var description: String {
    var rows = [("layer", "output", "parameters"), ("input", input.description, "")]
    rows += layers.map { layer in
      let members = layer.copies > 1 ? "\(layer.copies) members × " : ""
      return (layer.name, members + layer.outputShape.description, layer.parameterCount.grouped)
    }
    rows.append(("total", "", parameterCount.grouped))
    let widths = (
      rows.map(\.0.count).max() ?? 0, rows.map(\.1.count).max() ?? 0, rows.map(\.2.count).max() ?? 0
    )
    return rows.map {
      $0.0.padded(to: widths.0) + "  " + $0.1.padded(to: widths.1) + "  "
        + $0.2.padded(to: widths.2, atEnd: true)
    }.joined(separator: "\n")
  }
}

extension Int {
  /// The number with a space every three digits: 1 238 730.
  package var grouped: String {
    var digits = String(magnitude)
    var groups: [Substring] = []
    while digits.count > 3 {
      groups.insert(digits.suffix(3), at: 0)
      digits.removeLast(3)
    }
    groups.insert(digits[...], at: 0)
    return (self < 0 ? "-" : "") + groups.joined(separator: " ")
  }
}

extension String {
  package func padded(to width: Int, atEnd: Bool = false) -> String {
    let gap = String(repeating: " ", count: Swift.max(0, width - count))
    return atEnd ? gap + self : self + gap
  }
}
