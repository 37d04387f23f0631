import Foundation
import TartineKernels
import Tartine
import Testing

/// Each dispatch level of this processor, compared with plain Swift in Double.
@Suite struct KernelTests {
  struct Level: CustomTestStringConvertible, Sendable {
    let index: Int
    var testDescription: String { String(cString: tartine_kernels_at(Int32(index), TARTINE_FLOAT32).pointee.name) }
  }

  static let levels = (0..<Int(tartine_kernels_count())).map(Level.init(index:))
  static let sizes = [1, 2, 7, 15, 16, 17, 31, 33, 64, 100]

  private func kernels(_ level: Level, _ scalar: tartine_scalar) -> tartine_kernels {
    tartine_kernels_at(Int32(level.index), scalar).pointee
  }

  /// The activation by the C library.
  private func reference(_ activation: Activation, _ u: Double) -> Double {
    switch activation {
    case .identity: u
    case .relu: max(0, u)
    case .leakyReLU(let slope): u < 0 ? slope * u : u
    case .tanh: Foundation.tanh(u)
    case .sigmoid: 1 / (1 + exp(-u))
    case .gelu: u * 0.5 * erfc(-u / 2.0.squareRoot())
    case .silu: u / (1 + exp(-u))
    case .selu: u > 0 ? 1.0507009873554805 * u : 1.0507009873554805 * 1.6732632423543772 * expm1(u)
    case .elu(let alpha): u > 0 ? u : alpha * expm1(u)
    }
  }

  @Test(arguments: levels) func activationsInBothPrecisions(_ level: Level) {
    var inputs = stride(from: -30.0, through: 30, by: 0.37).map { $0 }
    inputs += [0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 80, -80, 300, -300]
    for activation in Activation.allCases {
      let expected = inputs.map { reference(activation, $0) }
      let double: [Double] = forward(kernels(level, TARTINE_FLOAT64), inputs, activation)
      let float: [Float] = forward(kernels(level, TARTINE_FLOAT32), inputs.map(Float.init), activation)
      for (index, truth) in expected.enumerated() {
        #expect(abs(double[index] - truth) <= 4e-15 * max(abs(truth), 1e-3), "\(activation) of \(inputs[index])")
        #expect(
          abs(Double(float[index]) - truth) <= 2e-6 * max(abs(truth), 1e-3), "\(activation) of \(inputs[index])")
      }
    }
  }

  private func forward<Scalar: EngineScalar>(
    _ kernels: tartine_kernels, _ inputs: [Scalar], _ activation: Activation
  ) -> [Scalar] {
    var z = inputs
    var a = inputs
    z.withUnsafeMutableBytes { z in
      a.withUnsafeMutableBytes { a in
        var sweep = tartine_sweep()
        sweep.rows = 1
        sweep.columns = inputs.count
        sweep.stride = inputs.count
        sweep.z = z.baseAddress
        sweep.a = a.baseAddress
        sweep.activation = activation.code
        sweep.slope = activation.slope
        kernels.forward(&sweep)
      }
    }
    return a
  }

  /// A non-finite value in the data must reach the loss, whatever is in between.
  @Test(arguments: levels) func notANumberPassesThroughEveryActivation(_ level: Level) {
    for activation in Activation.allCases {
      let float: [Float] = forward(kernels(level, TARTINE_FLOAT32), [1, .nan, 2], activation)
      #expect(!float[0].isNaN && float[1].isNaN && !float[2].isNaN, "\(activation)")
    }
  }

  @Test(arguments: levels) func statisticsOfOddSizes(_ level: Level) {
    for columns in Self.sizes {
      for rows in [1, 2, 9] {
        let stride = columns + 3
        var z = RandomStream.normals(rows * stride, seed: UInt64(columns)).map { Double($0) + 100 }
        var mean = [Double](repeating: -1, count: columns)
        var variance = mean
        z.withUnsafeMutableBytes { z in
          kernels(level, TARTINE_FLOAT64).column_statistics(
            z.baseAddress, rows, columns, stride, &mean, &variance)
        }
        for column in 0..<columns {
          let values = (0..<rows).map { z[$0 * stride + column] }
          let m = values.reduce(0, +) / Double(rows)
          let v = values.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(rows)
          #expect(abs(mean[column] - m) < 1e-11 && abs(variance[column] - v) < 1e-11)
        }
      }
    }
  }

  @Test(arguments: levels) func sumOfSquaresSeesEveryElement(_ level: Level) {
    let kernels = kernels(level, TARTINE_FLOAT32)
    for count in Self.sizes {
      var x = RandomStream.normals(count + 1, seed: 4)
      let expected = x.dropLast().reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(kernels.sum_of_squares(&x, 1, count, count) - expected) <= 1e-13 * expected)
      // 1e30 squared overflows a Float, but not a Double.
      x[count - 1] = 1e30
      #expect(kernels.sum_of_squares(&x, 1, count, count).isFinite)
      for bad in [Float.nan, .infinity, -.infinity] {
        x[count - 1] = bad
        #expect(!kernels.sum_of_squares(&x, 1, count, count).isFinite)
      }
    }
  }

  @Test(arguments: levels) func softmaxLossOfExtremeLogits(_ level: Level) {
    let kernels = kernels(level, TARTINE_FLOAT32)
    // Row by row: a common maximum over the batch would make the second row 0/0.
    var logits: [Float] = [1000, 0, -1000, -2000, -2001, -2002]
    var losses = [0.0, 0]
    var loss = Loss.automatic.lowered.kernel
    kernels.softmax_loss(&loss, &logits, [0, 1], nil, 2, 3, 2, &losses)
    #expect(abs(losses[0]) < 1e-6)
    let second: Double = 1 + log(1 + exp(-1) + exp(-2))
    #expect(abs(losses[1] - second) < 1e-6)
    #expect(logits.allSatisfy { $0.isFinite })
    #expect(abs(logits[3...].reduce(0, +)) < 1e-6)
    var far: [Float] = [500, -500]
    let targets: [Float] = [0, 1]
    kernels.sigmoid_loss(&loss, &far, targets, nil, 1, 2, 1, &losses)
    #expect(abs(losses[0] - 1000) < 1e-3)
    #expect(abs(far[0] - 1) < 1e-6 && abs(far[1] + 1) < 1e-6)
  }

  @Test(arguments: levels) func masksAreTheSameInAnyPart(_ level: Level) {
    let kernels = kernels(level, TARTINE_FLOAT32)
    let (rows, columns) = (5, 200)
    func mask(_ parts: [Range<Int>]) -> [UInt8] {
      var mask = [UInt8](repeating: 9, count: rows * columns)
      var z = [Float](repeating: 1, count: rows * columns)
      var a = z
      mask.withUnsafeMutableBufferPointer { mask in
        z.withUnsafeMutableBufferPointer { z in
          a.withUnsafeMutableBufferPointer { a in
            for part in parts {
              var sweep = tartine_sweep()
              sweep.rows = rows
              sweep.columns = part.count
              sweep.stride = columns
              sweep.z = UnsafeMutableRawPointer(z.baseAddress! + part.lowerBound)
              sweep.a = UnsafeMutableRawPointer(a.baseAddress! + part.lowerBound)
              sweep.mask = mask.baseAddress! + part.lowerBound
              sweep.keep = 49152
              sweep.first_column = part.lowerBound
              sweep.stream = tartine_stream(seed: 7, purpose: .dropout, layer: 2)
              sweep.stream.step = 3
              kernels.forward(&sweep)
            }
          }
        }
      }
      let gain = Float(65536.0 / 49152)
      let expected = mask.map { $0 == 1 ? gain : 0 }
      #expect(a == expected)
      return mask
    }
    let whole = mask([0..<columns])
    #expect(whole == mask([0..<16, 16..<80, 80..<81, 81..<200]))
    // All levels draw the same numbers.
    let kept = whole.reduce(0) { $0 + Int($1) }
    #expect(abs(Double(kept) / Double(rows * columns) - 0.75) < 0.06)
    // Field f of lane 0 decides column 8 f.
    let (low, high) = RandomStream.philox(
      counter: (0, 0, 3, RandomPurpose.dropout.rawValue | 2 << 8), key: (7, 0))
    let reference = (0..<8).map { field -> UInt8 in
      let pair = field < 4 ? low : high
      return UInt16(truncatingIfNeeded: pair >> UInt64(16 * (field % 4))) < 49152 ? 1 : 0
    }
    let drawn = (0..<8).map { whole[8 * $0] }
    #expect(drawn == reference)
  }

  @Test(arguments: levels) func gatherConvertsAndScales(_ level: Level) {
    let bytes: [UInt8] = (0..<60).map { UInt8($0) }
    var doubles = [Double](repeating: -1, count: 40)
    kernels(level, TARTINE_FLOAT64).gather_bytes(bytes, [2, 0], 2, 20, 0.5, &doubles)
    let rows = Array(40..<60) + Array(0..<20)
    #expect(doubles == rows.map { Double($0) / 2 })
    let floats: [Float] = (0..<21).map(Float.init)
    var out = [Float](repeating: -1, count: 14)
    kernels(level, TARTINE_FLOAT32).gather_floats(floats, [1, 2], 2, 7, &out)
    #expect(out == (7..<21).map(Float.init))
  }

  @Test(arguments: levels) func binsAreHeldBetweenZeroAndOne(_ level: Level) {
    // Bins from −1 to 0 and from 0 to 4 of the second column, from 10 to 12 of the first.
    let encoding = RowEncoding([.number, .number], bins: [(1, [-1, 0, 4]), (0, [10, 12])])
    let rows: [Float] = [11, -0.5, 9, 3, 1e30, -.infinity]
    var floats = [Float](repeating: 7, count: 15)
    var doubles = [Double](repeating: 7, count: 15)
    var lowered = encoding.lowered
    kernels(level, TARTINE_FLOAT32).gather_encoded(rows, [1, 0, 2], 3, &lowered, nil, &floats)
    kernels(level, TARTINE_FLOAT64).gather_encoded(rows, [1, 0, 2], 3, &lowered, nil, &doubles)
    #expect(floats == [9, 3, 1, 0.75, 0, 11, -0.5, 0.5, 0, 0.5, 1e30, -.infinity, 0, 0, 1])
    #expect(doubles == floats.map(Double.init))
  }

  @Test(arguments: levels) func categoriesBecomeOneHot(_ level: Level) {
    // A number, a category of 3, a number, a category of 2, and a bin of the second number.
    let encoding = RowEncoding(
      [.number, .category(elements: 3), .number, .category(elements: 2)], bins: [(2, [0, 2])])
    #expect(encoding.storedWidth == 4 && encoding.width == 8 && encoding.oneHot == nil)
    let rows: [Float] = [5, 2, 1, 0, 6, -1, 3, 1]
    var lowered = encoding.lowered
    var doubles = [Double](repeating: 7, count: 16)
    kernels(level, TARTINE_FLOAT64).gather_encoded(rows, [0, 1], 2, &lowered, nil, &doubles)
    #expect(doubles == [5, 0, 0, 1, 1, 1, 0, 0.5, 6, 0, 0, 0, 3, 0, 1, 1])
    // With the ones that the buffer holds, only those are cleared.
    var ones: [Int32] = [3, 5, -1, 6]
    kernels(level, TARTINE_FLOAT64).gather_encoded(rows, [1, 0], 2, &lowered, &ones, &doubles)
    #expect(doubles == [6, 0, 0, 0, 3, 0, 1, 1, 5, 0, 0, 1, 1, 1, 0, 0.5])
    #expect(ones == [-1, 6, 3, 5])
  }

  @Test(arguments: levels) func oneHotRowsPickWeights(_ level: Level) {
    let w: [Float] = (0..<12).map { Float($0) }
    var out: [Float] = [100, 100, 0, 200, 200, 0]
    kernels(level, TARTINE_FLOAT32).add_rows([0, 3, -1, 2], 2, 2, 2, w, 3, &out, 3)
    #expect(out == [109, 111, 0, 206, 207, 0])
    var gradient = [Float](repeating: 0, count: 4)
    let g: [Float] = [1, 2, 3, 4, 5, 6]
    kernels(level, TARTINE_FLOAT32).scatter_rows(
      [0, 3, -1, 2, 1, 2], 3, 2, 2, 1, 3, g, 2, &gradient, 2)
    #expect(gradient == [5, 6, 8, 10])
  }

  @Test(arguments: levels) func noUnitIsLongerThanTheBound(_ level: Level) {
    for columns in [1, 15, 64, 65, 130] {
      let (rows, stride) = (7, columns + 3)
      let start = RandomStream.normals(rows * stride, seed: 4).map(Double.init)
      var w = start
      kernels(level, TARTINE_FLOAT64).limit_columns(&w, rows, columns, stride, 2.5)
      for column in 0..<stride {
        let places = (0..<rows).map { $0 * stride + column }
        let length = places.reduce(0) { $0 + start[$1] * start[$1] }.squareRoot()
        let factor = column < columns && length > 2.5 ? 2.5 / length : 1
        for place in places { #expect(abs(w[place] - start[place] * factor) < 1e-12) }
      }
    }
  }

  @Test(arguments: levels) func optimizersOnOddCounts(_ level: Level) {
    for count in Self.sizes {
      let gradients = RandomStream.normals(count, seed: 2).map(Double.init)
      let start = RandomStream.normals(count, seed: 3).map(Double.init)
      var update = tartine_update()
      update.count = count
      update.gradient_scale = 0.5
      update.l1 = 0.01
      update.l2 = 0.02
      update.decay = 0.001
      update.rate = 0.1
      (update.keep1, update.gain1, update.keep2, update.gain2) = (0.9, 0.1, 0.99, 0.01)
      (update.use_first, update.use_gradient, update.correct2, update.epsilon) = (2, 0.3, 3, 1e-3)
      func run(
        _ sweep: (UnsafePointer<tartine_update>?) -> Void, hasFirst: Bool = true, hasLargest: Bool = false
      ) -> [Double] {
        var (w, m, s) = (start, gradients.map { $0 * 0.3 }, gradients.map { $0 * $0 })
        var largest = gradients.map { abs($0) }
        var g = gradients
        w.withUnsafeMutableBytes { w in
          m.withUnsafeMutableBytes { m in
            s.withUnsafeMutableBytes { s in
              g.withUnsafeMutableBytes { g in
                update.weights = w.baseAddress
                largest.withUnsafeMutableBytes { largest in
                  update.first = hasFirst ? m.baseAddress : nil
                  update.second = s.baseAddress
                  update.third = hasLargest ? largest.baseAddress : nil
                  update.gradients = UnsafeRawPointer(g.baseAddress)
                  sweep(&update)
                }
              }
            }
          }
        }
        return w
      }
      let table = kernels(level, TARTINE_FLOAT64)
      update.gradient_bound = .infinity
      let adam = run(table.adapt)
      let rmsprop = run(table.adapt, hasFirst: false)
      let amsgrad = run(table.adapt, hasLargest: true)
      let momentum = run(table.descend)
      let lion = run(table.lion)
      update.gradient_bound = 0.2
      let held = run(table.descend)
      func sign(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : 0 }
      for i in 0..<count {
        let penalties = 0.01 * sign(start[i]) + 0.02 * start[i]
        let g = 0.5 * gradients[i] + penalties
        let m = 0.9 * 0.3 * gradients[i] + 0.1 * g
        let s = 0.99 * gradients[i] * gradients[i] + 0.01 * g * g
        let shrunk = start[i] * 0.999
        let byAdam: Double = shrunk - 0.1 * (2 * m + 0.3 * g) / ((3 * s).squareRoot() + 1e-3)
        let byRMSProp: Double = shrunk - 0.1 * 0.3 * g / ((3 * s).squareRoot() + 1e-3)
        let byAMSGrad: Double = shrunk - 0.1 * (2 * m + 0.3 * g) / ((3 * max(s, abs(gradients[i]))).squareRoot() + 1e-3)
        let byLion: Double = shrunk - 0.1 * sign(2 * 0.3 * gradients[i] + 0.3 * g)
        let clipped = min(0.2, max(-0.2, 0.5 * gradients[i])) + penalties
        let byHeld: Double = shrunk - 0.1 * (2 * (0.9 * 0.3 * gradients[i] + 0.1 * clipped) + 0.3 * clipped)
        let byMomentum: Double = shrunk - 0.1 * (2 * m + 0.3 * g)
        #expect(abs(adam[i] - byAdam) < 1e-12)
        #expect(abs(rmsprop[i] - byRMSProp) < 1e-12)
        #expect(abs(momentum[i] - byMomentum) < 1e-12)
        #expect(abs(amsgrad[i] - byAMSGrad) < 1e-12)
        #expect(abs(lion[i] - byLion) < 1e-12)
        #expect(abs(held[i] - byHeld) < 1e-12)
      }
    }
  }
}
