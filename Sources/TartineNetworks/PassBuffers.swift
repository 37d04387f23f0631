import TartineEngine
import TartineKernels

/// A node of a pass with its addresses.
enum PassStep {
  case fused(FusedStep)
  case custom(CustomAddresses)

  var parts: Int { if case .fused(let step) = self { step.cut.parts } else { 1 } }

  var input: UnsafeMutableRawPointer {
    switch self {
    case .fused(let step): step.input
    case .custom(let step): step.input
    }
  }

  var z: UnsafeMutableRawPointer {
    switch self {
    case .fused(let step): step.z
    case .custom(let step): step.output
    }
  }

  var output: UnsafeMutableRawPointer {
    switch self {
    case .fused(let step): step.output
    case .custom(let step): step.output
    }
  }

  /// The first node reads the batch, whose address changes.
  mutating func setInput(_ input: UnsafeMutableRawPointer, ones: OneHotRows?) {
    switch self {
    case .fused(var step):
      step.input = input
      step.ones = ones
      if step.weight == nil { step.z = input }
      self = .fused(step)
    case .custom(var step):
      step.input = input
      self = .custom(step)
    }
  }

  mutating func setAddedInput(_ input: UnsafeMutableRawPointer) {
    guard case .fused(var step) = self, step.addsInput else { return }
    step.addend = input
    self = .fused(step)
  }

  mutating func setMomentum(_ momentum: Double) {
    guard case .fused(var step) = self else { return }
    step.momentum = momentum
    self = .fused(step)
  }

  mutating func setSkipGradient(_ gradient: UnsafeMutableRawPointer?) {
    switch self {
    case .fused(var step):
      step.skipGradient = gradient
      self = .fused(step)
    case .custom(var step):
      step.skipGradient = gradient
      self = .custom(step)
    }
  }

  mutating func setStep(_ number: Int, progress: Double) {
    guard case .fused(var step) = self else { return }
    step.stream.step = UInt32(truncatingIfNeeded: number)
    if step.mask != nil {
      // A 16-bit random number decides.
      let kept = (1 - step.mostDropped * step.keepSchedule.share(at: progress)) * 65536
      step.keep = UInt32(max(1, kept.rounded()))
    }
    self = .fused(step)
  }
}

/// The addresses of a custom node.
struct CustomAddresses {
  var input: UnsafeMutableRawPointer
  let output: UnsafeMutableRawPointer
  let gradient: UnsafeMutableRawPointer
  let inputGradient: UnsafeMutableRawPointer?
  let width: Int
  let above: DenseAbove?
  /// The gradient of a node further up to which this one's output is added.
  var skipGradient: UnsafeMutableRawPointer?
}

/// The dense node that a gradient comes from.
struct DenseAbove {
  let weight, gradient: UnsafeMutableRawPointer
  let width: Int
}

/// The buffers of a training pass: planned, then linked to addresses.
struct PassBuffers {
  private struct Offsets {
    var z: Int?
    var output: Int?
    var gradient: Int?
    var mask: Int?
    /// mean, variance, inverse standard deviation, scale.
    var norm: [Int] = []
  }

  private var offsets: [Offsets] = []

  init(plan: NetworkPlan, precision: Precision, batch: Int, in layout: inout ArenaLayout) {
    let size = precision.size
    for (index, node) in plan.nodes.enumerated() {
      var place = Offsets()
      let isLast = index == plan.nodes.count - 1
      let elements = batch * node.width
      switch node {
      case .fused(let fused):
        if fused.weight != nil { place.z = layout.reserve(elements, size: size) }
        // Without a norm, activation or dropout the output is z, with the bias added in place.
        if fused.needsOutput { place.output = layout.reserve(elements, size: size) }
        if fused.keep < 1 { place.mask = layout.reserve(elements, size: 1) }
        if fused.norm != nil { place.norm = (0..<4).map { _ in layout.reserve(node.width, size: size) } }
      case .custom:
        place.output = layout.reserve(elements, size: size)
      }
      // The loss overwrites the logits with its gradient; a node without weights passes its own down.
      if !isLast, plan.nodes[index + 1].hasOwnInputGradient {
        place.gradient = layout.reserve(elements, size: size)
      }
      offsets.append(place)
    }
  }

  /// Resolves the addresses.
  func link(
    plan: NetworkPlan, precision: Precision, seed: UInt64, arena: Arena, weights: Arena, gradients: Arena,
    state: Arena, batch: Int, into steps: UnsafeMutableBufferPointer<PassStep>
  ) -> [CustomStep?] {
    let size = precision.size
    func at(_ span: TensorSpan?, in arena: Arena) -> UnsafeMutableRawPointer? {
      span.map { arena[$0.offset * size] }
    }
    // Forward: where each node's values are. The address of the first one's input is set at each pass.
    var below = arena.base
    for (index, node) in plan.nodes.enumerated() {
      let place = offsets[index]
      let step: PassStep
      switch node {
      case .fused(let fused):
        let z = place.z.map { arena[$0] } ?? below
        var linked = FusedStep(
          kernels: precision.kernels, size: size, inputWidth: fused.inputWidth, width: fused.width,
          input: below, z: z, output: place.output.map { arena[$0] } ?? z,
          activation: fused.activation.code, slope: fused.activation.slope)
        linked.weight = at(fused.weight, in: weights)
        linked.weightGradient = at(fused.weight, in: gradients)
        linked.bias = at(fused.bias, in: weights)
        linked.biasGradient = at(fused.bias, in: gradients)
        if let norm = fused.norm {
          linked.gamma = at(norm.gamma, in: weights)
          linked.beta = at(norm.beta, in: weights)
          linked.gammaGradient = at(norm.gamma, in: gradients)
          linked.betaGradient = at(norm.beta, in: gradients)
          linked.movingMean = at(norm.movingMean, in: state)
          linked.movingVariance = at(norm.movingVariance, in: state)
          linked.mean = arena[place.norm[0]]
          linked.variance = arena[place.norm[1]]
          linked.inverseDeviation = arena[place.norm[2]]
          linked.scale = arena[place.norm[3]]
          linked.epsilon = norm.layer.epsilon
          linked.momentum = norm.layer.momentum
          linked.averagesBiasedVariance = norm.layer.averages == .keras
        }
        if let mask = place.mask {
          linked.mask = arena[mask].assumingMemoryBound(to: UInt8.self)
          linked.mostDropped = 1 - fused.keep
          linked.keepSchedule = fused.keepSchedule
          linked.stream = tartine_stream(seed: seed, purpose: .dropout, layer: index)
        }
        if let source = fused.skipFrom {
          linked.addsInput = source < 0
          linked.addend = source < 0 ? arena.base : steps[source].output
        }
        let above = index + 1 < plan.nodes.count ? plan.nodes[index + 1].width : 0
        linked.cut = Cut(
          fused.width,
          multiplyAdds: batch * fused.width * max(fused.weight == nil ? 1 : fused.inputWidth, above))
        step = .fused(linked)
      case .custom(let node):
        step = .custom(
          CustomAddresses(
            input: below, output: arena[place.output ?? 0], gradient: below, inputGradient: nil,
            width: node.output.count, above: nil))
      }
      steps.initializeElement(at: index, to: step)
      below = step.output
    }
    linkGradients(plan: plan, arena: arena, steps: steps)
    return plan.nodes.enumerated().map { index, node -> CustomStep? in
      guard case .custom(let node) = node else { return nil }
      return CustomStep(node, number: index, seed: seed, weights: weights, gradients: gradients)
    }
  }

  /// Backward: where each node's gradient is, and which node it comes from.
  private func linkGradients(
    plan: NetworkPlan, arena: Arena, steps: UnsafeMutableBufferPointer<PassStep>
  ) {
    var gradient = steps[steps.count - 1].output
    for index in steps.indices.reversed() {
      var above: DenseAbove?
      if index + 1 < steps.count {
        if let own = offsets[index].gradient { gradient = arena[own] }
        if case .fused(let step) = steps[index + 1], let weight = step.weight, let g = step.gradient {
          above = DenseAbove(weight: weight, gradient: g, width: step.width)
        }
      }
      switch steps[index] {
      case .fused(var step):
        step.gradient = gradient
        step.weightAbove = above?.weight
        step.gradientAbove = above?.gradient
        step.widthAbove = above?.width ?? 0
        if step.addend != nil, index > 0 { step.inputGradient = offsets[index - 1].gradient.map { arena[$0] } }
        steps[index] = .fused(step)
      case .custom(let step):
        let below = index > 0 ? offsets[index - 1].gradient.map { arena[$0] } : nil
        steps[index] = .custom(
          CustomAddresses(
            input: step.input, output: step.output, gradient: gradient, inputGradient: below,
            width: step.width, above: above))
      }
    }
    for (index, node) in plan.nodes.enumerated() {
      guard case .fused(let fused) = node, let source = fused.skipFrom, source >= 0,
        case .fused(let sum) = steps[index]
      else { continue }
      steps[source].setSkipGradient(sum.gradient)
    }
  }
}

extension FusedNode {
  /// Whether the output is stored separately from z.
  var needsOutput: Bool { norm != nil || activation != .identity || keep < 1 || weight == nil }
}

extension Node {
  /// Whether the gradient with respect to the node's input is stored separately from that with respect to its
  /// output.
  var hasOwnInputGradient: Bool {
    if case .fused(let node) = self { node.weight != nil || node.skipFrom != nil } else { true }
  }
}
