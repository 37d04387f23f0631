import Foundation
import Tartine
import TartineKernels
import Testing

/// The element-wise sweeps between products, for each dispatch level, compared with plain Swift: odd sizes,
/// arbitrary ends, non-finite values, and subnormal numbers.
@Suite struct SweepTests {
  typealias Scalar = EngineScalar & BitwiseCopyable

  /// Rows of odd widths in a wider, unaligned matrix.
  struct Layout {
    let rows: Int, columns: Int
    var stride: Int { columns + 3 }
    static let all = [(1, 1), (2, 3), (5, 15), (4, 17), (3, 33), (7, 65), (2, 130)].map {
      Layout(rows: $0.0, columns: $0.1)
    }
  }

  private func kernels<S: Scalar>(_ level: KernelTests.Level, _: S.Type) -> tartine_kernels {
    tartine_kernels_at(Int32(level.index), S.precision == .float32 ? TARTINE_FLOAT32 : TARTINE_FLOAT64).pointee
  }

  /// A buffer whose elements begin one past an aligned address.
  private final class Buffer<S: Scalar> {
    let base: UnsafeMutablePointer<S>
    let count: Int
    init(_ values: [Double]) {
      count = values.count
      base = .allocate(capacity: count + 1)
      for index in 0..<count { base[index + 1] = S(values[index]) }
    }
    deinit { base.deallocate() }
    var pointer: UnsafeMutablePointer<S> { base + 1 }
    var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(pointer) }
    subscript(index: Int) -> Double { Double(base[index + 1]) }
  }

  /// Equal up to rounding, or non-finite in the same way.
  private func areClose<S: Scalar>(_ found: Double, _ expected: Double, _: S.Type, scale: Double = 1) -> Bool {
    if expected.isNaN { return found.isNaN }
    if expected.isInfinite { return found == expected }
    return abs(found - expected) <= 64 * Double(S.ulpOfOne) * max(abs(expected), scale)
  }

  private func normals(_ count: Int, _ seed: UInt64) -> [Double] {
    RandomStream.normals(count, seed: seed).map { Double($0) }
  }

  /// Some non-finite values.
  private static let faults: [Double?] = [nil, .nan, .infinity, -.infinity]

  private func checkForwardAndBackward<S: Scalar>(
    _ level: KernelTests.Level, _ layout: Layout, fault: Double?, normed: Bool, dropping: Bool, _: S.Type
  ) {
    let kernels = kernels(level, S.self)
    let (rows, columns, stride) = (layout.rows, layout.columns, layout.stride)
    var z = normals(rows * stride, 1)
    var gradient = normals(rows * stride, 2)
    let bad = (rows - 1) * stride + columns / 2
    if let fault {
      z[bad] = fault
      gradient[columns - 1] = fault
    }
    let center = normals(columns, 3)
    let shift = normals(columns, 4)
    let inverse = normals(columns, 5).map { abs($0) + 0.1 }
    let scale = normals(columns, 6)
    let (zs, gs, a) = (Buffer<S>(z), Buffer<S>(gradient), Buffer<S>([Double](repeating: 7, count: rows * stride)))
    let (c, h, i, k) = (Buffer<S>(center), Buffer<S>(shift), Buffer<S>(inverse), Buffer<S>(scale))
    let (sum, products) = (Buffer<S>(center), Buffer<S>(center))
    var mask = [UInt8](repeating: 9, count: rows * stride)
    mask.withUnsafeMutableBufferPointer { mask in
      var sweep = tartine_sweep()
      (sweep.rows, sweep.columns, sweep.stride) = (rows, columns, stride)
      sweep.z = zs.raw
      sweep.a = a.raw
      sweep.activation = Activation.leakyReLU(slope: 0.1).code
      sweep.slope = 0.1
      sweep.shift = UnsafeRawPointer(h.raw)
      if normed {
        sweep.center = UnsafeRawPointer(c.raw)
        sweep.scale = UnsafeRawPointer(k.raw)
        sweep.inverse_deviation = UnsafeRawPointer(i.raw)
        sweep.gradient_product_sum = products.raw
      }
      if dropping {
        sweep.mask = mask.baseAddress
        sweep.keep = 49152
        sweep.stream = tartine_stream(seed: 1, purpose: .dropout, layer: 0)
      }
      kernels.forward(&sweep)
      sweep.gradient = gs.raw
      sweep.gradient_sum = sum.raw
      kernels.backward(&sweep)
    }
    for column in 0..<columns {
      var (expectedSum, expectedProducts) = (0.0, 0.0)
      for row in 0..<rows {
        let at = row * stride + column
        let u = normed ? (zs[at] - c[column]) * k[column] + h[column] : zs[at] + h[column]
        let kept = dropping ? Double(mask[at]) / 0.75 : 1
        #expect(areClose(a[at], (u < 0 ? 0.1 * u : u) * kept, S.self, scale: 4))
        let du = Double(S(gradient[at])) * (u > 0 ? 1 : 0.1) * kept
        #expect(areClose(gs[at], du, S.self, scale: 4))
        expectedSum += du
        expectedProducts += du * ((zs[at] - c[column]) * i[column])
      }
      #expect(areClose(sum[column], expectedSum, S.self, scale: 16))
      if normed { #expect(areClose(products[column], expectedProducts, S.self, scale: 64)) }
    }
    for row in 0..<rows {
      for gap in columns..<stride { #expect(a[row * stride + gap] == 7) }
    }
  }

  @Test(arguments: KernelTests.levels) func forwardAndBackward(_ level: KernelTests.Level) {
    for layout in Layout.all {
      for fault in Self.faults {
        for (normed, dropping) in [(false, false), (true, false), (false, true), (true, true)] {
          checkForwardAndBackward(level, layout, fault: fault, normed: normed, dropping: dropping, Float.self)
          checkForwardAndBackward(level, layout, fault: fault, normed: normed, dropping: dropping, Double.self)
        }
      }
    }
  }

  private func checkNormBackward<S: Scalar>(_ level: KernelTests.Level, _ layout: Layout, fault: Double?, _: S.Type) {
    let (rows, columns, stride) = (layout.rows, layout.columns, layout.stride)
    var gradient = normals(rows * stride, 2)
    if let fault { gradient[columns / 2] = fault }
    let (z, g) = (Buffer<S>(normals(rows * stride, 1)), Buffer<S>(gradient))
    let (mean, inverse, gamma) = (
      Buffer<S>(normals(columns, 3)), Buffer<S>(normals(columns, 4)), Buffer<S>(normals(columns, 5))
    )
    let (sum, products) = (Buffer<S>(normals(columns, 6)), Buffer<S>(normals(columns, 7)))
    var norm = tartine_norm_backward(
      rows: rows, columns: columns, stride: stride, z: UnsafeRawPointer(z.raw), gradient: g.raw,
      mean: UnsafeRawPointer(mean.raw), inverse_deviation: UnsafeRawPointer(inverse.raw),
      gamma: UnsafeRawPointer(gamma.raw), gradient_sum: UnsafeRawPointer(sum.raw),
      gradient_product_sum: UnsafeRawPointer(products.raw))
    kernels(level, S.self).norm_backward(&norm)
    for row in 0..<rows {
      for column in 0..<columns {
        let at = row * stride + column
        let normalized = (z[at] - mean[column]) * inverse[column]
        let expected =
          gamma[column] * inverse[column]
          * (Double(S(gradient[at])) - (sum[column] + normalized * products[column]) / Double(rows))
        #expect(areClose(g[at], expected, S.self, scale: 64))
      }
    }
  }

  @Test(arguments: KernelTests.levels) func normBackward(_ level: KernelTests.Level) {
    for layout in Layout.all {
      for fault in Self.faults {
        checkNormBackward(level, layout, fault: fault, Float.self)
        checkNormBackward(level, layout, fault: fault, Double.self)
      }
    }
  }

  /// A column's statistics report its own non-finite values, and not another column's.
  @Test(arguments: KernelTests.levels) func statisticsOfFaults(_ level: KernelTests.Level) {
    for layout in Layout.all {
      for fault in Self.faults.compactMap({ $0 }) {
        var z = normals(layout.rows * layout.stride, 1)
        z[layout.columns - 1] = fault
        let values = Buffer<Float>(z)
        let (mean, variance) = (Buffer<Float>(z), Buffer<Float>(z))
        kernels(level, Float.self).column_statistics(
          values.raw, layout.rows, layout.columns, layout.stride, mean.raw, variance.raw)
        for column in 0..<layout.columns {
          let isBad = column == layout.columns - 1
          #expect(mean[column].isFinite != isBad && variance[column].isFinite != isBad)
        }
      }
    }
  }

  @Test(arguments: KernelTests.levels) func lossesOfFaults(_ level: KernelTests.Level) {
    for columns in [1, 3, 10, 17] {
      for fault in [Double.nan, .infinity] {
        let logits = Buffer<Float>(
          normals(2 * columns, 1).enumerated().map { $0.offset == columns ? fault : $0.element })
        var losses = [0.0, 0]
        var loss = Loss.automatic.lowered.kernel
        kernels(level, Float.self).softmax_loss(&loss, logits.raw, [0, 0], nil, 2, columns, 2, &losses)
        #expect(losses[0].isFinite && !losses[1].isFinite)
        #expect((0..<columns).allSatisfy { logits[$0].isFinite })
        #expect((columns..<2 * columns).contains { !logits[$0].isFinite })
      }
    }
  }

  /// A gradient that is not finite shows in its own weight alone.
  @Test(arguments: KernelTests.levels) func updatesOfFaults(_ level: KernelTests.Level) {
    for count in [1, 15, 16, 17, 100] {
      for fault in Self.faults.compactMap({ $0 }) {
        let table = kernels(level, Float.self)
        for sweep in [table.descend!, table.adapt!] {
          var gradients = normals(count, 1)
          gradients[count - 1] = fault
          let (w, g) = (Buffer<Float>(normals(count, 2)), Buffer<Float>(gradients))
          let (m, s) = (Buffer<Float>(normals(count, 3)), Buffer<Float>(normals(count, 4).map { $0 * $0 }))
          var update = tartine_update()
          (update.count, update.weights, update.gradients) = (count, w.raw, UnsafeRawPointer(g.raw))
          (update.first, update.second) = (m.raw, s.raw)
          (update.gradient_scale, update.gradient_bound) = (1, .infinity)
          (update.rate, update.epsilon) = (0.1, 1e-8)
          (update.keep1, update.gain1, update.keep2, update.gain2) = (0.9, 0.1, 0.99, 0.01)
          (update.use_first, update.correct2) = (1, 1)
          sweep(&update)
          for index in 0..<count - 1 { #expect(w[index].isFinite) }
          #expect(!w[count - 1].isFinite)
        }
      }
    }
  }

  /// Kernels keep subnormal numbers; the engine flushes them, and restores the state of the caller's thread.
  @Test(arguments: KernelTests.levels) func denormals(_ level: KernelTests.Level) {
    let tiny = Double(Float.leastNormalMagnitude) / 8
    func forward() -> [Double] {
      let (z, a, shift) = (Buffer<Float>([tiny, -tiny, 1]), Buffer<Float>([7, 7, 7]), Buffer<Float>([0, 0, 0]))
      var sweep = tartine_sweep()
      (sweep.rows, sweep.columns, sweep.stride) = (1, 3, 3)
      (sweep.z, sweep.a, sweep.shift) = (z.raw, a.raw, UnsafeRawPointer(shift.raw))
      sweep.activation = Activation.leakyReLU(slope: 0.5).code
      sweep.slope = 0.5
      kernels(level, Float.self).forward(&sweep)
      return [a[0], a[1], a[2]]
    }
    #expect(forward() == [tiny, -tiny / 2, 1])
    #if arch(x86_64) || arch(arm64)
      #expect(Workers.flushingDenormals(forward) == [0, 0, 1])
    #endif
    #expect(forward() == [tiny, -tiny / 2, 1])
  }
}
