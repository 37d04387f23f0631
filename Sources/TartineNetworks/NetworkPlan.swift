import TartineEngine

/// A network checked for its input: every shape is known, and every parameter has its position.
///
/// Printing it shows a table of layers, output shapes and parameters.
public struct NetworkPlan: Sendable, CustomStringConvertible {
  /// The shape of a sample.
  public let input: Shape
  /// One line of the table for each layer, including the output layer.
  public let layers: [PlannedLayer]
  /// The tensors that training updates.
  package let parameters: [PlannedTensor]
  /// The tensors that training accumulates: batch norm's moving averages.
  package let state: [PlannedTensor]
  /// The operations of the engine, first to last.
  package let nodes: [Node]
  package let parameterElements: Int
  package let stateElements: Int

  /// The total number of parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// The plan without dropout, over the same tensors.
  package var withoutDropout: NetworkPlan {
    var kept: [Node] = []
    // The new index of each node's output.
    var places: [Int] = []
    for node in nodes {
      if case .fused(var fused) = node {
        fused.keep = 1
        fused.skipFrom = fused.skipFrom.map { $0 < 0 ? $0 : places[$0] }
        if !fused.isEmpty { kept.append(.fused(fused)) }
      } else {
        kept.append(node)
      }
      places.append(kept.count - 1)
    }
    return NetworkPlan(
      input: input, layers: layers, parameters: parameters, state: state, nodes: kept,
      parameterElements: parameterElements, stateElements: stateElements)
  }

  /// The number of outputs of the last layer.
  package var outputWidth: Int { nodes.last?.width ?? input.count }
}

/// A layer of a plan.
public struct PlannedLayer: Hashable, Sendable {
  /// Its kind and number, such as `dense2`; the output layer is `output`.
  public let name: String
  /// The shape of its output.
  public let outputShape: Shape
  /// The number of its parameters.
  public let parameterCount: Int
}

/// A tensor with its position in a flat buffer.
package struct PlannedTensor: Hashable, Sendable {
  package let name: String
  package let shape: Shape
  package let initializer: Initializer
  package let isPenalized: Bool
  /// The offset in elements; a multiple of the cache line.
  package let offset: Int
  package var count: Int { shape.count }
  package var span: TensorSpan { TensorSpan(offset: offset, count: count) }
}

/// The position of a tensor, in elements.
package struct TensorSpan: Sendable {
  package let offset, count: Int
}

/// One unit of work of a pass.
package enum Node: Sendable {
  case fused(FusedNode)
  case custom(CustomNode)

  package var width: Int {
    switch self {
    case .fused(let node): node.width
    case .custom(let node): node.output.count
    }
  }

  package var name: String {
    switch self {
    case .fused(let node): node.name
    case .custom(let node): node.name
    }
  }

  /// Whether its products can take one-hot rows.
  package var takesOneHot: Bool { if case .fused(let node) = self { node.weight != nil } else { false } }
}

/// A fused dense → norm → activation → dropout, any of them optional.
package struct FusedNode: Sendable {
  /// The name of its first layer, for messages.
  package var name: String
  package var inputWidth: Int
  package var width: Int
  package var weight: TensorSpan?
  package var bias: TensorSpan?
  package var norm: PlannedNorm?
  package var activation = Activation.identity
  package var keep = 1.0
  package var keepSchedule = DropoutSchedule.constant
  /// The node whose output is added, −1 for the network's input; such a node does nothing else.
  package var skipFrom: Int?

  /// Whether it does nothing.
  var isEmpty: Bool {
    weight == nil && bias == nil && norm == nil && activation == .identity && keep == 1 && skipFrom == nil
  }
}

package struct PlannedNorm: Sendable {
  package let layer: BatchNorm
  package let gamma, beta: TensorSpan
  package let movingMean, movingVariance: TensorSpan
}

package struct CustomNode: Sendable {
  package let name: String
  package let layer: any CustomLayer
  package let input, output: Shape
  package let parameters: [TensorSpan]
}

extension NetworkPlan {
  /// Columns: layer, output shape, parameters.
  public var description: String {
    var rows = [("layer", "output", "parameters"), ("input", input.description, "")]
    rows += layers.map { ($0.name, $0.outputShape.description, $0.parameterCount.grouped) }
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
