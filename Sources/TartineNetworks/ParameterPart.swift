/// Some of an operation's parameters, whose gradient and update one worker computes while they are in its cache.
package struct ParameterPart {
  let operation: Int
  /// The part of the operation's parameters.
  let number: Int
  /// Their position among the parameters.
  package let span: TensorSpan

  /// The parts of all operations, the smallest first, since the last part is processed first.
  static func parts(of program: Program) -> [ParameterPart] {
    program.operations.enumerated().flatMap { operation in
      operation.element.parameterParts.enumerated().map {
        ParameterPart(operation: operation.offset, number: $0.offset, span: $0.element)
      }
    }.sorted { ($0.span.count, $1.span.offset) < ($1.span.count, $0.span.offset) }
  }
}

/// Some columns of a weight matrix: the incoming weights of some units.
package struct UnitPart {
  /// The offset of the first weight among the parameters.
  package let offset: Int
  package let inputs, units: Int
  /// The number of elements from one input's weights to the next's.
  package let stride: Int

  /// A partition of all weights.
  package static func parts(of program: Program) -> [UnitPart] {
    program.operations.flatMap(\.unitWeights).flatMap { weights -> [UnitPart] in
      let cut = Cut(weights.units, multiplyAdds: 16 * weights.inputs * weights.units)
      return (0..<cut.parts).map { part in
        UnitPart(
          offset: weights.weight.offset + cut[part].lowerBound, inputs: weights.inputs, units: cut[part].count,
          stride: weights.units)
      }
    }
  }
}
