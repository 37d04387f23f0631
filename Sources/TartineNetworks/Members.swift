import TartineEngine
import TartineKernels
import TartinePlatform

/// Members of an ensemble in one network: all layers that follow share their weights between the members, and each member scales
/// the columns of its input by factors of its own, and has an output layer of its own.
///
/// ```swift
/// Network { Members(8); Dense(256); ReLU(); Dropout(keep: 0.9); Dense(256); ReLU() }
/// ```
///
/// With a ``MemberScale`` before and after each dense layer it is TabM; without, as here, its mini form. The loss is the mean of
/// the members' losses; a prediction is the mean of their predictions.
///
/// **Shapes**: [rows, n] → [members × rows, n], one member's rows after the other's; the scales r are [members, n].
///
/// **Source**: Gorishniy, Kotelnikov, Babenko, *TabM: advancing tabular deep learning with parameter-efficient ensembling*, 2025,
/// §3.2 and §3.3.
///
/// **Differs from**: all members see the same batch; in later versions of the authors' code each has its own order of the rows.
public struct Members: EngineLayer, StackLayer {
  /// The distribution of the scales before training.
  public enum Scales: String, Hashable, Sendable, Codable, CaseIterable {
    /// 1 or −1 with even chances: for columns that are inputs themselves.
    case signs
    /// normal(0, 1): for embedded columns.
    case normal
  }

  /// `"members"`.
  public static let kind = "members"
  /// The number of members.
  public let count: Int
  /// The distribution of the scales before training.
  public let scales: Scales

  /// - Parameters:
  ///   - count: the number of members, from 2 to 1024.
  ///   - scales: the distribution of the scales before training.
  public init(_ count: Int, scales: Scales = .signs) {
    self.count = count
    self.scales = scales
  }
  private enum CodingKeys: String, CodingKey { case count, scales }
  /// Decodes; the distribution of the scales is optional.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    count = try values.decode(Int.self, forKey: .count)
    scales = try values.decodeName(Scales.self, forKey: .scales, default: .signs)
  }

  /// Returns the input shape; the number of rows is multiplied by ``count``.
  public func outputShape(for input: Shape) throws -> Shape {
    try input.requireVector()
    return input
  }
  /// The scales r, which are not penalized.
  public func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    let initializer: Initializer = scales == .signs ? .signs : .normal(standardDeviation: 1)
    return [Parameter("scale", shape: [count, input.count], initializer: initializer, isPenalized: false)]
  }
  /// Checks the number of members.
  public var problem: String? { (2...1024).contains(count) ? nil : "count must be from 2 to 1024, not \(count)" }
  /// False: the mean of the members' predictions is not linear in the input.
  public var isLinear: Bool { false }
  /// That of what follows: the scales have a mean square of 1.
  public var precedingGain: Activation? { nil }

  package var copies: Int { count }
  package func describe(in stack: inout HiddenStack) { stack.members = count }

  package func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.append(place) { MemberScaleOperation(place, number: $0, input: $1[0]) }
  }
}

/// Each member's own scale and shift of each column, y = r x + b.
///
/// **Shapes**: [members × rows, n] → [members × rows, n]; r, b [members, n].
///
/// **Source**: Wen, Tran, Ba, *BatchEnsemble*, 2020, eq. 5: a dense layer between two of these has a weight matrix of its own for each
/// member, W ∘ (r sᵀ).
public struct MemberScale: EngineLayer {
  /// `"memberScale"`.
  public static let kind = "memberScale"
  /// Whether b is learned.
  public let bias: Bool

  /// - Parameter bias: whether b is learned.
  public init(bias: Bool = false) { self.bias = bias }
  private enum CodingKeys: String, CodingKey { case bias }
  /// Decodes; without a bias by default.
  public init(from decoder: any Decoder) throws {
    bias = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Bool.self, forKey: .bias) ?? false
  }

  /// Returns the input shape.
  public func outputShape(for input: Shape) throws -> Shape { input }
  package func parameters(for input: Shape, copies: Int, before next: Successors) -> [Parameter] {
    let shape: Shape = [copies, input.count]
    return [Parameter("scale", shape: shape, initializer: .constant(1), isPenalized: false)]
      + (bias ? [Parameter("bias", shape: shape, initializer: .constant(0), isPenalized: false)] : [])
  }
  /// True.
  public var isLinear: Bool { true }
  /// That of what follows.
  public var precedingGain: Activation? { nil }

  package func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.append(place) { MemberScaleOperation(place, number: $0, input: $1[0]) }
  }
}

/// y = r_k x + b_k for member k, cut by columns. Its input has the rows of each member, or one set of rows that all of them read.
struct MemberScaleOperation: Operation {
  let name: String
  let number, input, width: Int
  private let members: Int
  /// Whether all members read the same rows.
  private let isFirst: Bool
  private let scale: TensorSpan
  private let bias: TensorSpan?
  private var cut = ColumnCut(width: 1, multiplyAdds: 1)

  init(_ place: PlacedLayer, number: Int, input: Int) {
    name = place.name
    self.number = number
    self.input = input
    width = place.outputShape.count
    members = place.copies
    isFirst = place.inputCopies < place.copies
    scale = place.parameters[0].span
    bias = place.parameters.count > 1 ? place.parameters[1].span : nil
  }

  var inputs: [Int] { [input] }
  var learns: Bool { true }
  var inputGradient: InputGradientPlace { .propagated }

  mutating func plan(_ plan: inout OperationPlan) {
    cut = ColumnCut(width: width, multiplyAdds: plan.batch * width * max(1, plan.widthAbove))
  }

  func parts(rows: Int) -> Int { cut.parts }
  func block(_ part: Int, rows: Int) -> Block { cut.block(part, rows: rows) }
  func results(_ frame: borrowing Frame) -> [UnsafeMutableRawPointer] { [frame.values[number + 1]] }

  func forward(_ part: Int, _ block: Block, _ frame: borrowing Frame) {
    switch frame.precision {
    case .float32: forward(Float.self, block.columns, frame)
    case .float64: forward(Double.self, block.columns, frame)
    }
  }

  private func forward<Scalar: EngineScalar>(_: Scalar.Type, _ columns: Range<Int>, _ frame: borrowing Frame) {
    let rows = frame.rows
    let x: UnsafeMutablePointer<Scalar> = matrix(frame.values[input], columns)
    let y: UnsafeMutablePointer<Scalar> = matrix(frame.values[number + 1], columns)
    let r: UnsafeMutablePointer<Scalar> = matrix(frame.weight(scale), columns)
    let b: UnsafeMutablePointer<Scalar>? = bias.map { matrix(frame.weight($0), columns) }
    for member in 0..<members {
      let r = r + member * width
      for row in 0..<rows {
        let x = x + (isFirst ? row : member * rows + row) * width
        let y = y + (member * rows + row) * width
        if let b = b.map({ $0 + member * width }) {
          for column in 0..<columns.count { y[column] = r[column] * x[column] + b[column] }
        } else {
          for column in 0..<columns.count { y[column] = r[column] * x[column] }
        }
      }
    }
  }

  func propagate(to value: Int, _ block: Block, adding: Bool, _ frame: borrowing Frame) {
    switch frame.precision {
    case .float32: propagate(Float.self, to: value, block, adding, frame)
    case .float64: propagate(Double.self, to: value, block, adding, frame)
    }
  }

  /// The gradient with respect to x: r_k g_k, summed over the members where all read the same rows.
  private func propagate<Scalar: EngineScalar>(
    _: Scalar.Type, to value: Int, _ block: Block, _ adding: Bool, _ frame: borrowing Frame
  ) {
    guard let gradient = frame.gradients[number + 1], let target = frame.gradients[value] else { return }
    let (rows, count) = (frame.rows, block.columns.count)
    let g: UnsafeMutablePointer<Scalar> = matrix(gradient, block.columns)
    let dx: UnsafeMutablePointer<Scalar> = matrix(target, block.columns)
    let r: UnsafeMutablePointer<Scalar> = matrix(frame.weight(scale), block.columns)
    for row in block.rows {
      let dx = dx + row * width
      if !adding { dx.update(repeating: 0, count: count) }
      for member in isFirst ? 0..<members : row / rows..<row / rows + 1 {
        let (g, r) = (g + (isFirst ? member * rows + row : row) * width, r + member * width)
        for column in 0..<count { dx[column] += r[column] * g[column] }
      }
    }
  }

  func differentiate(_ part: Int, _ block: Block, _ frame: borrowing Frame) -> Double {
    switch frame.precision {
    case .float32: differentiate(Float.self, block.columns, frame)
    case .float64: differentiate(Double.self, block.columns, frame)
    }
  }

  /// The gradients of r, Σ x g, and of b, Σ g, over each member's rows.
  private func differentiate<Scalar: EngineScalar>(
    _: Scalar.Type, _ columns: Range<Int>, _ frame: borrowing Frame
  ) -> Double {
    guard let gradient = frame.gradients[number + 1] else { return 0 }
    let (rows, count) = (frame.rows, columns.count)
    let x: UnsafeMutablePointer<Scalar> = matrix(frame.values[input], columns)
    let g: UnsafeMutablePointer<Scalar> = matrix(gradient, columns)
    let dr: UnsafeMutablePointer<Scalar> = matrix(frame.gradient(of: scale), columns)
    let db: UnsafeMutablePointer<Scalar>? = bias.map { matrix(frame.gradient(of: $0), columns) }
    for member in 0..<members {
      let dr = dr + member * width
      dr.update(repeating: 0, count: count)
      for row in 0..<rows {
        let x = x + (isFirst ? row : member * rows + row) * width
        let g = g + (member * rows + row) * width
        for column in 0..<count { dr[column] += x[column] * g[column] }
      }
      guard let db = db.map({ $0 + member * width }) else { continue }
      db.update(repeating: 0, count: count)
      for row in 0..<rows {
        let g = g + (member * rows + row) * width
        for column in 0..<count { db[column] += g[column] }
      }
    }
    let squares = frame.kernels.pointee.sum_of_squares!
    return squares(dr, members, count, width) + (db.map { squares($0, members, count, width) } ?? 0)
  }

  /// The first of these columns of a matrix of this width.
  private func matrix<Scalar: EngineScalar>(
    _ start: UnsafeMutableRawPointer, _ columns: Range<Int>
  ) -> UnsafeMutablePointer<Scalar> {
    start.assumingMemoryBound(to: Scalar.self) + columns.lowerBound
  }
}

/// The members' output layers: Z_k = X_k W_k + b_k.
///
/// **Shapes**: [members × rows, n] → [members × rows, units]; W [members, n, units], b [members, units].
struct MemberDense: EngineLayer, UnitLayer {
  static let kind = "memberDense"
  let units: Int

  func with(units: Int) -> any Layer { MemberDense(units: units) }
  func outputShape(for input: Shape) throws -> Shape { [units] }
  func parameters(for input: Shape, copies: Int, before next: Successors) -> [Parameter] {
    let weights = InitializerRule.automatic.initializer(fanIn: input.count, fanOut: units, before: next.gain)
    return [
      Parameter("weight", shape: [copies, input.count, units], initializer: weights, isPenalized: true),
      Parameter("bias", shape: [copies, units], initializer: .constant(0), isPenalized: false),
    ]
  }
  var isLinear: Bool { true }

  func lower(_ place: PlacedLayer, into program: inout ProgramBuilder) {
    program.append(place) { MemberDenseOperation(place, number: $0, input: $1[0]) }
  }
}

/// One product for each member, which is a part of its own.
struct MemberDenseOperation: Operation {
  let name: String
  let number, input, inputWidth, width: Int
  private let members: Int
  private let weight, bias: TensorSpan

  init(_ place: PlacedLayer, number: Int, input: Int) {
    name = place.name
    self.number = number
    self.input = input
    inputWidth = place.inputShape.count
    width = place.outputShape.count
    members = place.copies
    (weight, bias) = (place.parameters[0].span, place.parameters[1].span)
  }

  var inputs: [Int] { [input] }
  var learns: Bool { true }
  var inputGradient: InputGradientPlace { .propagated }
  mutating func plan(_ plan: inout OperationPlan) {}

  /// Some members each, since the parts of an operation are limited in number.
  private var membersOfPart: Int { (members + Cut.mostParts - 1) / Cut.mostParts }
  func parts(rows: Int) -> Int { (members + membersOfPart - 1) / membersOfPart }
  func block(_ part: Int, rows: Int) -> Block {
    let own = part * membersOfPart..<min(members, (part + 1) * membersOfPart)
    return Block(
      rows: own.lowerBound * (rows / members)..<own.upperBound * (rows / members), columns: 0..<width)
  }

  private func weight(_ member: Int, _ frame: borrowing Frame) -> UnsafeMutableRawPointer {
    frame.weight(weight) + member * inputWidth * width * frame.size
  }

  func forward(_ part: Int, _ block: Block, _ frame: borrowing Frame) {
    let (size, rows) = (frame.size, frame.rows)
    for member in block.rows.lowerBound / rows..<block.rows.upperBound / rows {
      var sweep = makeSweep(member, frame)
      frame.kernels.pointee.product(
        false, false, rows, width, inputWidth, frame.values[input] + member * rows * inputWidth * size, inputWidth,
        weight(member, frame), width, false, sweep.z, width)
      frame.kernels.pointee.forward(&sweep)
    }
  }

  /// The addition of a member's bias.
  private func makeSweep(_ member: Int, _ frame: borrowing Frame) -> tartine_sweep {
    let z = frame.values[number + 1] + member * frame.rows * width * frame.size
    var sweep = tartine_sweep()
    (sweep.rows, sweep.columns, sweep.stride) = (frame.rows, width, width)
    (sweep.z, sweep.a) = (z, z)
    (sweep.activation, sweep.slope) = (Activation.identity.code, Activation.identity.slope)
    sweep.shift = UnsafeRawPointer(frame.weight(bias) + member * width * frame.size)
    return sweep
  }

  /// G_X = G_k W_kᵀ for a block, member by member.
  func propagate(to value: Int, _ block: Block, adding: Bool, _ frame: borrowing Frame) {
    guard let gradient = frame.gradients[number + 1], let target = frame.gradients[value] else { return }
    let (size, rows, columns) = (frame.size, frame.rows, block.columns)
    for member in 0..<members {
      let own = (member * rows..<(member + 1) * rows).clamped(to: block.rows)
      guard !own.isEmpty else { continue }
      frame.kernels.pointee.product(
        false, true, own.count, columns.count, width, gradient + own.lowerBound * width * size, width,
        weight(member, frame) + columns.lowerBound * width * size, width, adding,
        target + (own.lowerBound * inputWidth + columns.lowerBound) * size, inputWidth)
    }
  }

  /// The gradients of the biases of the part's members.
  func differentiate(_ part: Int, _ block: Block, _ frame: borrowing Frame) -> Double {
    guard let gradient = frame.gradients[number + 1] else { return 0 }
    let (size, rows, kernels) = (frame.size, frame.rows, frame.kernels)
    var squares = 0.0
    for member in block.rows.lowerBound / rows..<block.rows.upperBound / rows {
      let sum = frame.gradient(of: bias) + member * width * size
      var sweep = makeSweep(member, frame)
      sweep.gradient = gradient + member * rows * width * size
      sweep.gradient_sum = sum
      kernels.pointee.backward(&sweep)
      squares += kernels.pointee.sum_of_squares(sum, 1, width, width)
    }
    return squares
  }

  var parameterParts: [TensorSpan] {
    (0..<members).map {
      TensorSpan(offset: weight.offset + $0 * inputWidth * width, count: inputWidth * width)
    }
  }

  /// dW_k = X_kᵀ G_k.
  func parameterGradient(_ part: Int, _ frame: borrowing Frame) -> Double {
    guard let gradient = frame.gradients[number + 1] else { return 0 }
    let (size, rows) = (frame.size, frame.rows)
    let result = frame.gradient(of: weight) + part * inputWidth * width * size
    frame.kernels.pointee.product(
      true, false, inputWidth, width, rows, frame.values[input] + part * rows * inputWidth * size, inputWidth,
      gradient + part * rows * width * size, width, false, result, width)
    return frame.kernels.pointee.sum_of_squares(result, 1, inputWidth * width, inputWidth * width)
  }

  var unitWeights: [UnitWeights] { parameterParts.map { UnitWeights(weight: $0, inputs: inputWidth, units: width) } }

  var signals: LayerSignals? { LayerSignals(name: name, width: width, activation: .identity, hasWeights: true) }
  func results(_ frame: borrowing Frame) -> [UnsafeMutableRawPointer] { [frame.values[number + 1]] }
}

extension Output {
  /// Replaces the members' logits, one member's rows after the other's, by the logits of their mean prediction, in place.
  ///
  /// log of the mean probability for classes, its log odds for labels, the log of the mean for rates.
  package func merge<Scalar: EngineScalar>(_ logits: UnsafeMutablePointer<Scalar>, rows: Int, members: Int) {
    let width = width
    for row in 0..<rows {
      let own = logits + row * width
      let step = rows * width
      switch self {
      case .identity:
        for place in 0..<width { own[place] = mean(of: members) { own[$0 * step + place] } }
      case .rate:
        for place in 0..<width { own[place] = logMean(of: members) { own[$0 * step + place] } }
      case .sigmoid:
        for place in 0..<width {
          // log σ(z) and log (1 − σ(z)).
          let yes = logMean(of: members) { -softplus(-own[$0 * step + place]) }
          let no = logMean(of: members) { -softplus(own[$0 * step + place]) }
          own[place] = yes - no
        }
      case .softmax:
        for member in 0..<members {
          let z = own + member * step
          let total = logSum(of: width) { z[$0] }
          for place in 0..<width { z[place] -= total }
        }
        for place in 0..<width { own[place] = logMean(of: members) { own[$0 * step + place] } }
      }
    }
  }

  private func mean<Scalar: EngineScalar>(of count: Int, _ value: (Int) -> Scalar) -> Scalar {
    var sum: Scalar = 0
    for index in 0..<count { sum += value(index) }
    return sum / Scalar(count)
  }

  private func logMean<Scalar: EngineScalar>(of count: Int, _ value: (Int) -> Scalar) -> Scalar {
    logSum(of: count, value) - Scalar(log(Double(count)))
  }

  /// log Σ eᶻ, shifted by the largest z.
  private func logSum<Scalar: EngineScalar>(of count: Int, _ value: (Int) -> Scalar) -> Scalar {
    var largest = value(0)
    for index in 1..<count { largest = max(largest, value(index)) }
    guard largest.isFinite else { return largest }
    var sum = 0.0
    for index in 0..<count { sum += exp(Double(value(index) - largest)) }
    return largest + Scalar(log(sum))
  }

  /// log(1 + eᶻ).
  private func softplus<Scalar: EngineScalar>(_ z: Scalar) -> Scalar {
    max(z, 0) + Scalar(log1p(exp(-abs(Double(z)))))
  }
}
