import TartineEngine
import TartineKernels

extension LayerGraph {
  /// Returns a zeroed buffer for all parameters, or as many gradients or moments.
  package func makeParameterArena(_ precision: Precision) -> Arena {
    Arena(byteCount: parameterElements * precision.size)
  }

  /// Returns the initial parameters. Each tensor has its own random stream of (seed, index).
  package func makeInitialParameters(_ precision: Precision, seed: UInt64) -> Arena {
    let arena = makeParameterArena(precision)
    fill(arena, with: parameters, precision: precision, seed: seed)
    return arena
  }

  /// Returns the moving averages before the first batch.
  package func makeInitialState(_ precision: Precision) -> Arena {
    let arena = Arena(byteCount: stateElements * precision.size)
    fill(arena, with: state, precision: precision, seed: 0)
    return arena
  }

  private func fill(_ arena: Arena, with tensors: [PlacedTensor], precision: Precision, seed: UInt64) {
    let start = InitialWeights(precision: precision, seed: seed)
    for (place, tensor) in tensors.enumerated() {
      start.fill(arena[tensor.offset * precision.size], of: tensor, place: place)
    }
  }

  /// Writes the moving averages used for prediction: `state` after `updates` batches, with bias correction by
  /// 1 − (1 − momentum)ᵗ.
  package func correct(_ state: Arena, updates: Int, into corrected: Arena, precision: Precision) {
    corrected.copy(from: state)
    for tensor in self.state {
      guard let momentum = tensor.correctedMomentum, updates > 0 else { continue }
      let weight = MovingAverage.weight(beta: 1 - momentum, after: updates)
      let offset = tensor.offset * precision.size
      precision.kernels.pointee.blend(corrected[offset], state[offset], tensor.count, 0, 1 / weight)
    }
  }
}

extension PlacedTensor {
  /// The tensor's elements in a buffer of its graph.
  package func elements<Scalar: EngineScalar>(
    _: Scalar.Type, in arena: Arena
  ) -> UnsafeMutableBufferPointer<Scalar> {
    UnsafeMutableBufferPointer(
      start: arena.base.assumingMemoryBound(to: Scalar.self) + offset, count: count)
  }
}
