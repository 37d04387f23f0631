/// The partition of a matrix's columns, or of the rows of weights: a function of the shapes alone, so that
/// results do not depend on the number of threads, with any BLAS library.
package struct Cut {
  let count, size, parts: Int

  /// Below this many multiply-adds a product is one part: distributing it would cost more than it saves.
  package static let smallestWork = 1_000_000
  /// Narrower parts do too little work for the data they read.
  static let narrowest = 64
  static let mostParts = 8

  init(_ count: Int, multiplyAdds: Int) {
    let wanted =
      multiplyAdds < Self.smallestWork
      ? 1 : min(Self.mostParts, max(1, (count + Self.narrowest / 2) / Self.narrowest))
    self.init(count, parts: wanted)
  }

  init(_ count: Int, parts wanted: Int) {
    self.count = count
    // Whole cache lines, so that no two workers write to the same one.
    size = wanted == 1 ? count : ((count + wanted - 1) / wanted + 15) / 16 * 16
    parts = (count + size - 1) / size
  }

  subscript(part: Int) -> Range<Int> { part * size..<min((part + 1) * size, count) }
}

/// Some columns of a weight matrix: the incoming weights of some units.
package struct UnitPart {
  /// The offset of the first weight among the parameters.
  package let offset: Int
  package let inputs, units: Int
  /// The number of elements from one input's weights to the next's.
  package let stride: Int

  /// A partition of all weights.
  package static func parts(of plan: NetworkPlan) -> [UnitPart] {
    plan.nodes.flatMap { node -> [UnitPart] in
      guard case .fused(let fused) = node, let weight = fused.weight else { return [] }
      let cut = Cut(fused.width, multiplyAdds: 16 * fused.inputWidth * fused.width)
      return (0..<cut.parts).map { part in
        UnitPart(
          offset: weight.offset + cut[part].lowerBound, inputs: fused.inputWidth, units: cut[part].count,
          stride: fused.width)
      }
    }
  }
}

/// Some rows of a weight matrix, whose gradient and update one worker computes while they are in its cache.
package struct WeightPart {
  let node: Int
  let inputs: Range<Int>
  /// Their position among the parameters.
  package let span: TensorSpan

  /// The most weights of a part whose input is one-hot: gradient and update then read and write more than they compute, and
  /// both fit a second-level cache.
  private static let mostOneHotWeights = 1 << 16

  /// A partition of all weights, the smallest parts first, since the last part is processed first.
  ///
  /// - Parameter isOneHot: Whether the network's input is mostly one-hot.
  static func parts(of plan: NetworkPlan, batch: Int, isOneHot: Bool) -> [WeightPart] {
    var parts: [WeightPart] = []
    for (index, node) in plan.nodes.enumerated() {
      guard case .fused(let fused) = node, let weight = fused.weight else { continue }
      var cut = Cut(fused.inputWidth, multiplyAdds: batch * fused.inputWidth * fused.width)
      if isOneHot, index == 0, cut.parts > 1 {
        cut = Cut(fused.inputWidth, parts: max(cut.parts, weight.count / mostOneHotWeights))
      }
      for part in 0..<cut.parts {
        let inputs = cut[part]
        parts.append(
          WeightPart(
            node: index, inputs: inputs,
            span: TensorSpan(
              offset: weight.offset + inputs.lowerBound * fused.width, count: inputs.count * fused.width)))
      }
    }
    return parts.sorted { ($0.span.count, $1.span.offset) < ($1.span.count, $0.span.offset) }
  }
}
