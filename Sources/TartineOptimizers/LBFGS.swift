import TartineEngine
import TartineNetworks

/// The L-BFGS optimizer: steps along −H g, with H estimated from the last ten changes of the weights and of
/// their gradient, and the step length from a line search.
///
/// It needs the loss of all rows, which must be the same each time it is evaluated.
///
/// **Source**: Nocedal and Wright, *Numerical optimization*, 2006: algorithm 7.4 for the direction, 3.5 and 3.6 with eq. 3.59
/// for the search, whose constants are c₁ = 10⁻⁴ and c₂ = 0.9.
package final class LBFGS {
  /// The number of changes in the memory.
  package static let memory = 10
  private static let enoughDecrease = 1e-4
  private static let enoughFlattening = 0.9
  private static let mostEvaluations = 25

  private let precision: Precision
  private let count: Int
  private let searches: Bool
  private let l2: Double
  private let penalized: [TensorSpan]
  private let weights, gradients: Arena
  /// The changes of the weights and of the gradient, oldest first; zeros where there are none yet.
  package private(set) var steps, changes: [Arena]
  private let direction: Arena
  private var origin, originGradient: Arena
  /// The loss and the cost, which is the loss with the penalty, at the current weights, whose gradient is in
  /// `gradients`; nil: not computed yet.
  private var current: (loss: Double, cost: Double)?
  /// Whether no step that lowers the cost was found.
  package private(set) var isDone = false

  package init(
    _ optimizer: Optimizer, penalty: Penalty, graph: LayerGraph, precision: Precision, weights: Arena, gradients: Arena
  ) {
    self.precision = precision
    self.weights = weights
    self.gradients = gradients
    count = graph.parameterElements
    searches = optimizer.variant != .torch
    l2 = penalty.l2
    penalized = graph.parameters.filter { $0.isPenalized || penalty.biases }.map(\.span)
    func make() -> Arena { graph.makeParameterArena(precision) }
    steps = (0..<Self.memory).map { _ in make() }
    changes = (0..<Self.memory).map { _ in make() }
    (direction, origin, originGradient) = (make(), make(), make())
  }

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - rate: the initial step length of the line search; in the first step at most 1/‖g‖₁.
  ///   - loss: computes the gradient and returns the loss; non-finite where either is not finite.
  /// - Returns: the loss before the step, without the penalty.
  package func step(rate: Double, loss: () -> Double) -> Double {
    let start = current ?? evaluate(loss)
    current = nil
    guard start.cost.isFinite else { return start.cost }
    let isFirst = hasNoMemory
    findDirection()
    origin.copy(from: weights)
    originGradient.copy(from: gradients)
    let slope = dot(originGradient, direction)
    guard slope < 0 else {
      // The memory is misleading, or this is the minimum.
      finishWithoutStep(start)
      return start.loss
    }
    let first = isFirst ? min(1, 1 / absoluteSum(originGradient)) * rate : rate
    if searches {
      guard search(from: start.cost, slope: slope, first: first, loss) else {
        finishWithoutStep(start)
        return start.loss
      }
    } else {
      move(first)
      current = evaluate(loss)
    }
    remember()
    return start.loss
  }

  private var hasNoMemory: Bool { dot(changes[Self.memory - 1], changes[Self.memory - 1]) == 0 }

  private func finishWithoutStep(_ start: (loss: Double, cost: Double)) {
    isDone = hasNoMemory
    weights.copy(from: origin)
    gradients.copy(from: originGradient)
    current = start
    for arena in steps + changes { precision.fill(arena.base, count: count, with: 0) }
  }

  // MARK: The direction

  private func findDirection() {
    direction.copy(from: gradients)
    var shares = [Double](repeating: 0, count: Self.memory)
    for place in steps.indices.reversed() {
      let curvature = dot(steps[place], changes[place])
      guard curvature > 0 else { continue }
      shares[place] = dot(steps[place], direction) / curvature
      add(changes[place], -shares[place], to: direction)
    }
    let newest = changes[Self.memory - 1]
    let size = dot(newest, newest)
    let scale = size > 0 ? dot(steps[Self.memory - 1], newest) / size : 1
    precision.kernels.pointee.blend(direction.base, direction.base, count, 0, -scale)
    for place in steps.indices {
      let curvature = dot(steps[place], changes[place])
      guard curvature > 0 else { continue }
      // The direction is already −q.
      add(steps[place], -shares[place] - dot(changes[place], direction) / curvature, to: direction)
    }
  }

  /// Adds the step to the memory, if the cost has positive curvature along it.
  private func remember() {
    let kernels = precision.kernels.pointee
    // The overwritten values are not needed before the next step.
    let (step, change) = (origin, originGradient)
    kernels.blend(step.base, weights.base, count, -1, 1)
    kernels.blend(change.base, gradients.base, count, -1, 1)
    guard dot(step, change) > 1e-10 else { return }
    (origin, originGradient) = (steps.removeFirst(), changes.removeFirst())
    steps.append(step)
    changes.append(change)
  }

  // MARK: The search

  private struct Point {
    var distance, cost, slope: Double
  }

  /// Moves to a point that satisfies the strong Wolfe conditions, or at least lowers the cost; returns
  /// whether there was one.
  private func search(from start: Double, slope: Double, first: Double, _ loss: () -> Double) -> Bool {
    let origin = Point(distance: 0, cost: start, slope: slope)
    func isHigh(_ point: Point) -> Bool {
      !(point.cost <= start + Self.enoughDecrease * point.distance * slope)
    }
    func isFlat(_ point: Point) -> Bool { abs(point.slope) <= -Self.enoughFlattening * slope }
    func visit(_ distance: Double) -> Point {
      move(distance)
      let (loss, cost) = evaluate(loss)
      current = (loss, cost)
      return Point(distance: distance, cost: cost, slope: cost.isFinite ? dot(gradients, direction) : .infinity)
    }
    var (low, high) = (origin, origin)
    var before = origin
    var distance = first
    var evaluations = 0
    while evaluations < Self.mostEvaluations {
      let point = visit(distance)
      evaluations += 1
      if isHigh(point) || (evaluations > 1 && point.cost >= before.cost) {
        (low, high) = (before, point)
        break
      }
      if isFlat(point) { return true }
      if point.slope >= 0 {
        (low, high) = (point, before)
        break
      }
      let least = point.distance + 0.01 * (point.distance - before.distance)
      let guess = Self.minimum(before, point)
      distance = guess.isNaN ? 2 * point.distance : min(10 * point.distance, max(least, guess))
      (low, before) = (point, point)
    }
    while evaluations < Self.mostEvaluations, abs(high.distance - low.distance) > 1e-12 * first {
      let width = high.distance - low.distance
      var share = high.cost.isFinite ? (Self.minimum(low, high) - low.distance) / width : 0.5
      // Near an end of the interval it gains little.
      share = share.isNaN ? 0.5 : min(0.9, max(0.1, share))
      let point = visit(low.distance + share * width)
      evaluations += 1
      if isHigh(point) || point.cost >= low.cost {
        high = point
      } else {
        if isFlat(point) { return true }
        if point.slope * width >= 0 { high = low }
        low = point
      }
    }
    return low.distance > 0 && visit(low.distance).cost < start
  }

  /// The minimum of the cubic through two points with their slopes.
  private static func minimum(_ a: Point, _ b: Point) -> Double {
    let d1 = a.slope + b.slope - 3 * (a.cost - b.cost) / (a.distance - b.distance)
    let square = d1 * d1 - a.slope * b.slope
    guard square >= 0 else { return .nan }
    let d2 = (b.distance > a.distance ? 1 : -1) * square.squareRoot()
    return b.distance - (b.distance - a.distance) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
  }

  private func move(_ distance: Double) {
    weights.copy(from: origin)
    add(direction, distance, to: weights)
  }

  /// Evaluates the loss and the cost, and the cost's gradient.
  private func evaluate(_ evaluate: () -> Double) -> (loss: Double, cost: Double) {
    let loss = evaluate()
    var cost = loss
    guard l2 > 0, cost.isFinite else { return (loss, cost) }
    let kernels = precision.kernels.pointee
    for span in penalized {
      let offset = span.offset * precision.size
      kernels.blend(gradients[offset], weights[offset], span.count, 1, l2)
      cost += l2 / 2 * kernels.sum_of_squares(weights[offset], 1, span.count, span.count)
    }
    return (loss, cost)
  }

  // MARK: Vectors

  private func add(_ vector: Arena, _ factor: Double, to sum: Arena) {
    precision.kernels.pointee.blend(sum.base, vector.base, count, 1, factor)
  }

  private func dot(_ a: Arena, _ b: Arena) -> Double {
    switch precision {
    case .float32: Self.dot(a, b, count, Float.self)
    case .float64: Self.dot(a, b, count, Double.self)
    }
  }

  private static func dot<Scalar: EngineScalar>(_ a: Arena, _ b: Arena, _ count: Int, _: Scalar.Type) -> Double {
    let (x, y) = (a.base.assumingMemoryBound(to: Scalar.self), b.base.assumingMemoryBound(to: Scalar.self))
    // Elements come in whole cache lines; four partial sums hide the latency of an addition.
    var sums = SIMD4<Double>()
    for index in stride(from: 0, to: count, by: 4) {
      for lane in 0..<4 { sums[lane] += Double(x[index + lane]) * Double(y[index + lane]) }
    }
    return sums.sum()
  }

  private func absoluteSum(_ a: Arena) -> Double {
    switch precision {
    case .float32:
      UnsafeBufferPointer(start: a.base.assumingMemoryBound(to: Float.self), count: count).reduce(0) {
        $0 + Double(abs($1))
      }
    case .float64:
      UnsafeBufferPointer(start: a.base.assumingMemoryBound(to: Double.self), count: count).reduce(0) { $0 + abs($1) }
    }
  }
}
