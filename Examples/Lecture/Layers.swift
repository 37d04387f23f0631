import Synchronization
import Tartine

/// A layer that keeps the shape, and leaves the gradient unchanged.
protocol Identity: RowLayer {}

extension Identity {
  func outputShape(for input: Shape) throws -> Shape { input }
  func backward<Scalar>(_ pass: LayerPass<Scalar>) { pass.inputGradient?.copy(pass.outputGradient) }
}

/// Multiplies each column by a constant: undoes the library's standardization.
struct Scale: Identity {
  static let kind = "scale"
  let factors: [Double]

  func forward<Scalar>(_ pass: LayerPass<Scalar>) { scale(pass.input, into: pass.output) }
  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
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

/// A distribution shift in prediction only: factor · x + offset.
struct Shifted: Identity {
  static let kind = "shifted"
  let factor, offset: Double

  func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    guard !pass.isTraining else { return pass.output.copy(pass.input) }
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width {
        pass.output[row, column] = pass.input[row, column] * Scalar(factor) + Scalar(offset)
      }
    }
  }
}

/// Common mistakes with dropout: the same half of the units in every step, or units dropped in prediction.
struct WrongDropout: Identity {
  static let kind = "wrongDropout"
  /// Whether prediction drops units too, with a mask for each row; if not, training drops the same units in
  /// every step.
  let inPredictions: Bool
  let seed: UInt64

  func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    mask(pass.input, of: pass, pass.isTraining, into: pass.output)
  }
  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    if let below = pass.inputGradient { mask(pass.outputGradient, of: pass, true, into: below) }
  }

  private func mask<Scalar>(
    _ rows: Rows<Scalar>, of pass: LayerPass<Scalar>, _ isTraining: Bool, into output: Rows<Scalar>
  ) {
    guard isTraining != inPredictions else { return output.copy(rows) }
    for row in 0..<rows.count {
      for column in 0..<rows.width {
        // A hash is enough: any half of the units.
        let number = UInt64(inPredictions ? pass.firstRow + row : 0)
        var bits = (UInt64(column) &+ number << 20 &+ seed << 40) &* 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ bits >> 31) &* 0xbf58_476d_1ce4_e5b9
        output[row, column] = bits >> 63 == 0 ? 0 : 2 * rows[row, column]
      }
    }
  }
}

/// An identity layer that records the root mean square of the first gradient it sees.
struct GradientGauge: Identity {
  static let kind = "gradientGauge"
  let id: Int
  /// It sees the whole batch at once.
  var mixesRows: Bool { true }

  func forward<Scalar>(_ pass: LayerPass<Scalar>) { pass.output.copy(pass.input) }
  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
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

/// Adds a learned number to each column, and records the path of these numbers: a few parameters in place of
/// all.
struct Trail: Identity {
  static let kind = "trail"
  let id: Int
  /// It sees the whole batch at once.
  var mixesRows: Bool { true }

  func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("shift", shape: input, initializer: .constant(0), isPenalized: false)]
  }

  func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    let shift = pass.parameter(0)
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width { pass.output[row, column] = pass.input[row, column] + shift[column] }
    }
    guard pass.isTraining else { return }
    Notebook.shared.withLock { notes in notes[id, default: Notebook(width: shift.count)].follow(shift) }
  }

  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    pass.inputGradient?.copy(pass.outputGradient)
    let gradient = pass.parameterGradient(0)
    for column in 0..<gradient.count {
      var sum: Scalar = 0
      for row in 0..<pass.outputGradient.count { sum += pass.outputGradient[row, column] }
      gradient[column] = sum
    }
  }
}

/// The recordings of a gauge or a trail. Layers are values, so they are stored outside.
struct Notebook: Sendable {
  static let shared = Mutex<[Int: Notebook]>([:])
  private static let count = Atomic<Int>(0)

  /// A unique number for each layer.
  static func page() -> Int { count.add(1, ordering: .relaxed).newValue }
  static func read(_ id: Int) -> Notebook { shared.withLock { $0.removeValue(forKey: id) } ?? Notebook(width: 0) }

  private(set) var steps = 0
  private(set) var reading = 0.0
  private var place: [Double]
  private(set) var length = 0.0
  /// The largest change of a parameter between the start and the second pass.
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

  /// The distance from start to end, as a share of the path length.
  var directness: Double {
    length > 0 ? place.reduce(0) { $0 + $1 * $1 }.squareRoot() / length : 0
  }
}
