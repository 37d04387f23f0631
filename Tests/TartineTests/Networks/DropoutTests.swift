import Tartine
import TartineKernels
import Testing

@Suite struct DropoutTests {
  /// The mean of a unit over many masks is its value, so that nothing needs scaling in prediction.
  @Test(arguments: [0.3, 0.5, 0.8, 0.95]) func meanIsKept(keep: Double) {
    let rows = 1000
    let outputs = drop(rows: rows, keep: UInt32((keep * 65536).rounded()))
    let mean = outputs.reduce(0) { $0 + Double($1) } / Double(outputs.count)
    #expect(abs(mean - 1) < 4 * ((1 - keep) / keep / Double(outputs.count)).squareRoot())
  }

  @Test func masksDifferByStepLayerRowAndSeed() {
    let first = drop(rows: 4)
    #expect(drop(rows: 4) == first)
    #expect(drop(rows: 4, step: 1) != first)
    #expect(drop(rows: 4, layer: 1) != first)
    #expect(drop(rows: 4, seed: 2) != first)
    #expect(Array(first[0..<64]) != Array(first[64..<128]))
  }

  /// Ones after dropout, 64 columns.
  private func drop(
    rows: Int, keep: UInt32 = 32768, seed: UInt64 = 1, step: UInt32 = 0, layer: Int = 0
  ) -> [Float] {
    var mask = [UInt8](repeating: 0, count: rows * 64)
    var values = [Float](repeating: 1, count: rows * 64)
    mask.withUnsafeMutableBufferPointer { mask in
      values.withUnsafeMutableBytes { values in
        var sweep = tartine_sweep()
        sweep.rows = rows
        sweep.columns = 64
        sweep.stride = 64
        sweep.z = values.baseAddress
        sweep.a = values.baseAddress
        sweep.mask = mask.baseAddress
        sweep.keep = keep
        sweep.stream = tartine_stream(seed: seed, purpose: .dropout, layer: layer)
        sweep.stream.step = step
        tartine_kernels_for(TARTINE_FLOAT32).pointee.forward(&sweep)
      }
    }
    return values
  }
}
