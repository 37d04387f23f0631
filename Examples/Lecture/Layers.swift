import Synchronization
import Tartine

/// A layer that is written once for both scalars.
protocol Generic: CustomLayer {
  func compute<Scalar>(_ pass: LayerPass<Scalar>)
  func differentiate<Scalar>(_ pass: LayerPass<Scalar>)
}

extension Generic {
  func outputShape(for input: Shape) throws -> Shape { input }
  func forward(_ pass: LayerPass<Float>) { compute(pass) }
  func forward(_ pass: LayerPass<Double>) { compute(pass) }
  func backward(_ pass: LayerPass<Float>) { differentiate(pass) }
  func backward(_ pass: LayerPass<Double>) { differentiate(pass) }

  /// Where the layer changes nothing on the way down.
  func differentiate<Scalar>(_ pass: LayerPass<Scalar>) { pass.inputGradient?.copy(pass.outputGradient) }
}

/// Each column times a number of its own: undoes the standardization that the library does.
struct Scale: Generic {
  static let kind = "scale"
  let factors: [Double]

  func compute<Scalar>(_ pass: LayerPass<Scalar>) { scale(pass.input, into: pass.output) }
  func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    if let below = pass.inputGradient { scale(pass.outputGradient, into: below) }
  }

  private func scale<Scalar>(_ rows: Rows<Scalar>, into output: Rows<Scalar>) {
    for row in 0..<rows.count {
      for column in 0..<rows.width {
        output[row, column] = rows[row, column] * Scalar(factors[column % factors.count])
      }
    }
  }
}

/// What is predicted differs from what was trained on: factor · x + offset, in predictions alone.
struct Shifted: Generic {
  static let kind = "shifted"
  let factor, offset: Double

  func compute<Scalar>(_ pass: LayerPass<Scalar>) {
    guard !pass.isTraining else { return pass.output.copy(pass.input) }
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width {
        pass.output[row, column] = pass.input[row, column] * Scalar(factor) + Scalar(offset)
      }
    }
  }
}

/// The mistake that dropout's users are warned of: one half of the units in every step, or units dropped in predictions.
struct WrongDropout: Generic {
  static let kind = "wrongDropout"
  /// Whether predictions drop too, rows differing; if not, training drops the same units in every step.
  let inPredictions: Bool
  let seed: UInt64

  func compute<Scalar>(_ pass: LayerPass<Scalar>) { mask(pass.input, pass.isTraining, into: pass.output) }
  func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    if let below = pass.inputGradient { mask(pass.outputGradient, true, into: below) }
  }

  private func mask<Scalar>(_ rows: Rows<Scalar>, _ isTraining: Bool, into output: Rows<Scalar>) {
    guard isTraining != inPredictions else { return output.copy(rows) }
    for row in 0..<rows.count {
      for column in 0..<rows.width {
        // A hash is enough: half of the units, whichever.
        var bits = (UInt64(column) &+ UInt64(inPredictions ? row : 0) << 20 &+ seed << 40) &* 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ bits >> 31) &* 0xbf58_476d_1ce4_e5b9
        output[row, column] = bits >> 63 == 0 ? 0 : 2 * rows[row, column]
      }
    }
  }
}

/// Changes nothing, and notes the root mean square of the first gradient that comes by.
struct GradientGauge: Generic {
  static let kind = "gradientGauge"
  let id: Int

  func compute<Scalar>(_ pass: LayerPass<Scalar>) { pass.output.copy(pass.input) }
  func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    pass.inputGradient?.copy(pass.outputGradient)
    let rows = pass.outputGradient
    Notebook.shared.withLock { notes in
      guard notes[id] == nil else { return }
      var sum = 0.0
      for row in 0..<rows.count {
        for column in 0..<rows.width { sum += Double(rows[row, column]) * Double(rows[row, column]) }
      }
      notes[id] = Notebook(steps: 1, reading: (sum / Double(rows.count * rows.width)).squareRoot())
    }
  }
}

/// Adds a learned number to each column, and notes the way that these numbers go: a few parameters in place of all.
struct Trail: Generic {
  static let kind = "trail"
  let id: Int

  func parameters(for input: Shape) -> [Parameter] {
    [Parameter("shift", shape: input, initializer: .constant(0), isPenalized: false)]
  }

  func compute<Scalar>(_ pass: LayerPass<Scalar>) {
    let shift = pass.parameter(0)
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width { pass.output[row, column] = pass.input[row, column] + shift[column] }
    }
    guard pass.isTraining else { return }
    Notebook.shared.withLock { notes in notes[id, default: Notebook(width: shift.count)].follow(shift) }
  }

  func differentiate<Scalar>(_ pass: LayerPass<Scalar>) {
    pass.inputGradient?.copy(pass.outputGradient)
    let gradient = pass.parameterGradient(0)
    for column in 0..<gradient.count {
      var sum: Scalar = 0
      for row in 0..<pass.outputGradient.count { sum += pass.outputGradient[row, column] }
      gradient[column] = sum
    }
  }
}

/// What a gauge or a trail has seen. Layers are values, so it lies outside of them.
struct Notebook: Sendable {
  static let shared = Mutex<[Int: Notebook]>([:])
  private static let count = Atomic<Int>(0)

  /// A number that no other layer has.
  static func page() -> Int { count.add(1, ordering: .relaxed).newValue }
  static func read(_ id: Int) -> Notebook { shared.withLock { $0.removeValue(forKey: id) } ?? Notebook(width: 0) }

  private(set) var steps = 0
  private(set) var reading = 0.0
  private var place: [Double]
  private(set) var length = 0.0
  /// How far the second pass found the parameters from where they began, as their largest move.
  private(set) var firstStep = 0.0

  init(width: Int) { place = Array(repeating: 0, count: width) }
  init(steps: Int, reading: Double) { (self.steps, self.reading, place) = (steps, reading, []) }

  mutating func follow<Scalar: EngineScalar>(_ values: UnsafeBufferPointer<Scalar>) {
    var square = 0.0
    for column in 0..<values.count {
      let step = Double(values[column]) - place[column]
      square += step * step
      if steps == 1 { firstStep = max(firstStep, abs(step)) }
      place[column] += step
    }
    length += square.squareRoot()
    steps += 1
  }

  /// The distance from start to end, as a share of the way that was gone.
  var directness: Double {
    length > 0 ? place.reduce(0) { $0 + $1 * $1 }.squareRoot() / length : 0
  }
}
