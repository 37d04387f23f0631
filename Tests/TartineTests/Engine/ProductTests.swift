import Tartine
import TartineKernels
import Testing

/// The matrix products of each dispatch level, compared with plain Swift in Double.
@Suite struct ProductTests {
  /// The shape and memory layout of a product.
  struct Case: Sendable, CustomTestStringConvertible {
    let m, n, k: Int
    var transposedA = false
    var transposedB = false
    var accumulates = false
    /// The number of elements between the end of a row and the next one.
    var gap = 0
    var testDescription: String { "\(m)x\(n)x\(k) \(transposedA) \(transposedB) \(accumulates) \(gap)" }
  }

  /// Each edge of tiles, panels and blocks, and every memory layout.
  static let cases: [Case] = {
    var stream = RandomStream(seed: 11, purpose: .test)
    let sizes = [1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 33, 47, 48, 49, 64, 97, 130]
    var cases = (0..<160).map { number in
      Case(
        m: sizes[stream.integer(below: sizes.count)], n: sizes[stream.integer(below: sizes.count)],
        k: sizes[stream.integer(below: sizes.count)], transposedA: number & 1 > 0, transposedB: number & 2 > 0,
        accumulates: number & 4 > 0, gap: [0, 0, 3, 1_100][stream.integer(below: 4)])
    }
    // Over a block of k, over a block of rows, and rows that are far apart.
    cases += [
      Case(m: 9, n: 50, k: 700), Case(m: 9, n: 50, k: 700, transposedA: true, transposedB: true, accumulates: true),
      Case(m: 1_100, n: 3, k: 20), Case(m: 1_100, n: 40, k: 20, transposedA: true), Case(m: 70, n: 1_030, k: 257),
    ]
    return cases
  }()

  private func strides(_ c: Case) -> (a: Int, b: Int, c: Int) {
    ((c.transposedA ? c.m : c.k) + c.gap, (c.transposedB ? c.k : c.n) + c.gap, c.n + c.gap % 7)
  }

  private func multiply<Scalar: EngineScalar & BitwiseCopyable>(
    _ level: KernelTests.Level, _ c: Case, _ a: [Scalar], _ b: [Scalar], into result: inout [Scalar]
  ) {
    let strides = strides(c)
    tartine_kernels_at(Int32(level.index), Scalar.precision == .float32 ? TARTINE_FLOAT32 : TARTINE_FLOAT64).pointee
      .product(
        c.transposedA, c.transposedB, c.m, c.n, c.k, a, strides.a, b, strides.b, c.accumulates, &result, strides.c)
  }

  private func check<Scalar: EngineScalar & BitwiseCopyable>(_ level: KernelTests.Level, _ c: Case, _: Scalar.Type) {
    let strides = strides(c)
    let a = RandomStream.normals((c.transposedA ? c.k : c.m) * strides.a, seed: 1).map { Scalar($0) }
    let b = RandomStream.normals((c.transposedB ? c.n : c.k) * strides.b, seed: 2).map { Scalar($0) }
    var result = [Scalar](repeating: 7, count: c.m * strides.c)
    multiply(level, c, a, b, into: &result)
    var worst = 0.0
    for row in 0..<c.m {
      for column in 0..<strides.c {
        var expected = 7.0
        if column < c.n {
          if !c.accumulates { expected = 0 }
          for k in 0..<c.k {
            expected +=
              Double(a[c.transposedA ? k * strides.a + row : row * strides.a + k])
              * Double(b[c.transposedB ? column * strides.b + k : k * strides.b + column])
          }
        }
        worst = max(worst, abs(Double(result[row * strides.c + column]) - expected))
      }
    }
    // Sums of k products of size 1, and nothing written past the columns.
    #expect(worst < Double(Scalar.ulpOfOne) * 4 * Double(c.k + 8), "\(c.testDescription)")
  }

  @Test(arguments: KernelTests.levels) func everyEdge(_ level: KernelTests.Level) {
    for c in Self.cases {
      check(level, c, Float.self)
      check(level, c, Double.self)
    }
  }

  /// The guarantee behind predictions of one row and of many, and any partition over threads. Accelerate does
  /// not give it.
  #if !canImport(Darwin)
    @Test(arguments: KernelTests.levels) func aPartHasTheBitsOfTheWhole(_ level: KernelTests.Level) {
      let (m, n, k) = (37, 101, 300)
      for transposedA in [false, true] {
        for transposedB in [false, true] {
          let whole = Case(m: m, n: n, k: k, transposedA: transposedA, transposedB: transposedB)
          let a = RandomStream.normals(m * k, seed: 1)
          let b = RandomStream.normals(k * n, seed: 2)
          var expected = [Float](repeating: 0, count: m * n)
          multiply(level, whole, a, b, into: &expected)
          let kernels = tartine_kernels_at(Int32(level.index), TARTINE_FLOAT32).pointee
          for (rows, columns) in [(5..<6, 0..<n), (0..<m, 64..<66), (3..<20, 17..<90), (36..<37, 100..<101)] {
            var part = [Float](repeating: 0, count: rows.count * columns.count)
            a.withUnsafeBufferPointer { a in
              b.withUnsafeBufferPointer { b in
                kernels.product(
                  transposedA, transposedB, rows.count, columns.count, k,
                  a.baseAddress! + rows.lowerBound * (transposedA ? 1 : k), transposedA ? m : k,
                  b.baseAddress! + columns.lowerBound * (transposedB ? k : 1), transposedB ? k : n, false, &part,
                  columns.count)
              }
            }
            let slice = rows.flatMap { row in columns.map { expected[row * n + $0] } }
            #expect(part == slice)
          }
        }
      }
    }
  #endif

  #if !canImport(Darwin)
    /// Zeros of A, of either sign, are skipped if there are many and the product is large; a few rows alone,
    /// too little work for that, have the same bits. An infinite row of B that only meets zeros shows that
    /// they are skipped.
    @Test(arguments: KernelTests.levels) func leavingZerosOutChangesNoBit(_ level: KernelTests.Level) {
      for (m, n, k) in [
        (51, 101, 300), (300, 64, 40), (33, 300, 17), (40, 63, 256), (41, 36, 512), (70, 64, 300), (70, 96, 300),
      ] {
        for flags in 0..<8 {
          for gap in [0, 3] {
            let c = Case(
              m: m, n: n, k: k, transposedA: flags & 1 > 0, transposedB: flags & 4 > 0, accumulates: flags & 2 > 0,
              gap: gap)
            checkZeros(level, c, Float.self)
            checkZeros(level, c, Double.self)
          }
        }
      }
    }

    private func checkZeros<Scalar: EngineScalar & BitwiseCopyable>(
      _ level: KernelTests.Level, _ whole: Case, _: Scalar.Type
    ) {
      let strides = strides(whole)
      var stream = RandomStream(seed: 3, purpose: .test)
      var a = [Scalar](repeating: -0.0, count: (whole.transposedA ? whole.k : whole.m) * strides.a)
      for index in a.indices where stream.uniform() < 0.6 {
        a[index] = stream.uniform() < (whole.m == 70 ? 0.65 : 0.25) ? Scalar(stream.normalPair().0) : 0
      }
      func place(_ row: Int, _ k: Int) -> Int { whole.transposedA ? k * strides.a + row : row * strides.a + k }
      a[place(whole.m - 1, whole.k - 1)] = .nan
      var b = RandomStream.normals((whole.transposedB ? whole.n : whole.k) * strides.b, seed: 2).map { Scalar($0) }
      var result = [Scalar](repeating: 7, count: whole.m * strides.c)
      multiply(level, whole, a, b, into: &result)
      let few = max(2, min(whole.m, 65_535 / (whole.n * whole.k)))
      for first in stride(from: 0, to: whole.m, by: few) {
        // As many rows, the last ones overlapping.
        let top = min(first, whole.m - few)
        let part = Case(
          m: few, n: whole.n, k: whole.k, transposedA: whole.transposedA, transposedB: whole.transposedB,
          accumulates: whole.accumulates, gap: whole.gap)
        let partStride = self.strides(part).a
        var own = [Scalar](repeating: 0, count: (part.transposedA ? part.k : few) * partStride)
        for row in 0..<few {
          for k in 0..<part.k {
            own[part.transposedA ? k * partStride + row : row * partStride + k] = a[place(top + row, k)]
          }
        }
        var expected = [Scalar](repeating: 7, count: few * strides.c)
        multiply(level, part, own, b, into: &expected)
        let isSame = result[top * strides.c..<(top + few) * strides.c].withUnsafeBytes { result in
          expected.withUnsafeBytes { result.elementsEqual($0) }
        }
        #expect(isSame, "\(whole.testDescription) from row \(top)")
      }
      for row in 0..<whole.m { a[place(row, 1)] = 0 }
      for column in 0..<whole.n { b[whole.transposedB ? column * strides.b + 1 : strides.b + column] = .infinity }
      multiply(level, whole, a, b, into: &result)
      #expect(result[..<((whole.m - 1) * strides.c)].allSatisfy { $0.isFinite }, "\(whole.testDescription)")
    }
  #endif

  /// A value that is not finite shows in its own rows and columns of the result, and in no other.
  @Test(arguments: KernelTests.levels) func faultsStayInTheirRowsAndColumns(_ level: KernelTests.Level) {
    for (m, n, k) in [(11, 50, 9), (3, 2, 5), (20, 2, 7), (9, 17, 300)] {
      for bad in [Float.nan, .infinity, -.infinity] {
        var a = [Float](repeating: 1, count: m * k)
        var b = [Float](repeating: 0.5, count: k * n)
        a[(m - 1) * k + k - 1] = bad
        b[n - 1] = bad
        var result = [Float](repeating: 0, count: m * n)
        multiply(level, Case(m: m, n: n, k: k), a, b, into: &result)
        for row in 0..<m {
          for column in 0..<n {
            let isBad = row == m - 1 || column == n - 1
            #expect(result[row * n + column].isFinite != isBad, "\(bad) at \(row), \(column) of \(m)x\(n)x\(k)")
          }
        }
      }
    }
  }

  @Test(arguments: KernelTests.levels) func anEmptySumIsZero(_ level: KernelTests.Level) {
    for (m, n) in [(1, 5), (9, 50), (20, 2)] {
      for accumulates in [false, true] {
        var result = [Float](repeating: 7, count: m * n)
        multiply(level, Case(m: m, n: n, k: 0, accumulates: accumulates), [1], [1], into: &result)
        #expect(result.allSatisfy { $0 == (accumulates ? 7 : 0) })
      }
    }
  }

  /// A single row skips its zeros: the same bits as among other rows.
  #if !canImport(Darwin)
    @Test(arguments: KernelTests.levels) func zerosOfOneRowAreLeftOut(_ level: KernelTests.Level) {
      for (n, k) in [(50, 9), (1_030, 300), (7, 2)] {
        for share in [2, 3, 40] {
          var a = RandomStream.normals(2 * k, seed: 1)
          for index in a.indices where index % share != 0 { a[index] = 0 }
          let b = RandomStream.normals(k * n, seed: 2)
          var both = [Float](repeating: 0, count: 2 * n)
          var one = [Float](repeating: 0, count: n)
          multiply(level, Case(m: 2, n: n, k: k), a, b, into: &both)
          multiply(level, Case(m: 1, n: n, k: k), a, b, into: &one)
          #expect(one == Array(both[..<n]))
          // Skipped elements are not read, however many others there are.
          let unread = (0..<k).first { a[$0] == 0 } ?? 0
          var holed = b
          for column in 0..<n { holed[unread * n + column] = .infinity }
          multiply(level, Case(m: 1, n: n, k: k), a, holed, into: &one)
          #expect(one == Array(both[..<n]))
        }
      }
    }
  #endif

  /// Unless they are flushed, see `Denormals`.
  @Test(arguments: KernelTests.levels) func denormalsCount(_ level: KernelTests.Level) {
    let tiny = Float.leastNonzeroMagnitude * 3
    var result = [Float](repeating: 0, count: 9 * 17)
    multiply(
      level, Case(m: 9, n: 17, k: 4), [Float](repeating: tiny, count: 36), [Float](repeating: 2, count: 68),
      into: &result)
    #if !canImport(Darwin)
      #expect(result.allSatisfy { $0 == tiny * 8 })
    #endif
  }
}
