import Tartine
import Testing

@Suite struct GradientCheckTests {
  @Test func aRightLayerPasses() throws {
    let network = Network {
      Dense(6); Swirl(); Tanh(); Swirl()
    }
    let checks = try network.checkGradients(input: [5])
    #expect(checks.count == 7 && checks[0].parameter == "input.gamma" && checks.allSatisfy(\.passes), "\(checks)")
  }

  @Test func aWrongOneIsNamed() throws {
    let network = Network {
      Dense(6); Wrong(); Tanh()
    }
    let checks = try network.checkGradients(input: [5], output: .identity(values: 2))
    #expect(checks.filter { !$0.passes }.map(\.parameter).contains { $0.contains("wrong") }, "\(checks)")
  }

  /// A gradient that is added to what was there before, a factor that is 1 at first and forgotten, and an input gradient that is
  /// wrong below the first parameters.
  @Test(arguments: ["keeps", "forgets", "misleads"]) func commonMistakesAreFound(_ what: String) throws {
    let checks = try Network {
      Faulty(what: what); Dense(4)
    }.checkGradients(input: [5])
    let wrong = checks.filter { !$0.passes }.map(\.parameter)
    #expect(wrong == (what == "keeps" ? ["input.gamma", "faulty1.weight"] : ["input.gamma"]), "\(checks)")
    #expect(try Network(layers: [Faulty(what: "")]).checkGradients(input: [5]).allSatisfy(\.passes))
  }

  /// A layer that centers the batch and does not say so.
  @Test func aLayerThatMixesRowsIsFound() {
    let error = #expect(throws: NetworkError.self) {
      try Network(layers: [Faulty(what: "mixes")]).checkGradients(input: [5])
    }
    #expect(error?.description.contains("mixesRows") == true)
  }

  /// A custom loss, with right and with wrong derivatives.
  @Test(arguments: [1.0, 2]) func lossesAreChecked(_ factor: Double) throws {
    let checks = try Network(layers: [Dense(4), Tanh()]).checkGradients(
      input: [3], output: .identity(values: 2), loss: Loss(.custom(Quartic(factor: factor))))
    #expect(checks.allSatisfy(\.passes) == (factor == 1))
    #expect(throws: RecipeError.self) {
      try Network(layers: []).checkGradients(input: [3], loss: Loss(.custom(Quartic(factor: 1))))
    }
  }

  /// Invalid layers are refused when the graph is built: names that are aliases, two tensors of one name, invalid shapes.
  @Test func whatCannotBeIsRefused() throws {
    func error(_ layer: some Layer) -> String {
      (#expect(throws: NetworkError.self) { try Network(layers: [layer]).graph(input: [3], outputs: 1) })?.description
        ?? ""
    }
    #expect(error(Swish()).contains("'swish' is an alias of the built-in 'silu'"))
    #expect(error(Doubled()).contains("two of its tensors are named 'w'"))
    #expect(error(Hidden(layer: 1)).contains("codes a property as 'layer'"))
    #expect(error(Renamed(depth: 1)).contains("codes a property as 'layer'"))
    for shape in [[0], [-2]] { #expect(error(Shaped(shape: shape)).contains("each size must be at least 1")) }
    #expect(error(Shaped(shape: [1 << 40, 1 << 40])).contains("more than 2⁴⁰ elements"))
    #expect(Loss(.custom(MeanAbsolute())).problem?.contains("an alias of the built-in 'absolute'") == true)
  }
}

/// y = w x, with one mistake.
private struct Faulty: RowLayer {
  static let kind = "faulty"
  let what: String

  func outputShape(for input: Shape) throws -> Shape { input }
  func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("weight", shape: input, initializer: .constant(1), isPenalized: true)]
  }
  func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    for column in 0..<pass.input.width {
      var mean: Scalar = 0
      if what == "mixes" {
        for row in 0..<pass.input.count { mean += pass.input[row, column] / Scalar(pass.input.count) }
      }
      for row in 0..<pass.input.count {
        pass.output[row, column] = pass.parameter(0)[column] * (pass.input[row, column] - mean)
      }
    }
  }
  func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
    let sum = pass.parameterGradient(0)
    if what != "keeps" { sum.update(repeating: 0) }
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width {
        sum[column] += pass.outputGradient[row, column] * pass.input[row, column]
        var gradient = pass.outputGradient[row, column]
        if what != "forgets" { gradient *= pass.parameter(0)[column] }
        if what == "misleads" { gradient += 1 }
        if what == "keeps", let before = pass.inputGradient?[row, column] { gradient += before }
        pass.inputGradient?[row, column] = gradient
      }
    }
  }
}

/// (y − t)⁴ / 4.
private struct Quartic: CustomLoss {
  static let name = "quartic"
  static let isForNumbers = true
  let factor: Double
  func evaluate<Scalar: EngineScalar>(
    _ outputs: UnsafeMutableBufferPointer<Scalar>, target: LossTarget<Scalar>
  ) -> Double {
    guard case .values(let truths) = target else { return .nan }
    var loss = 0.0
    for place in outputs.indices {
      let difference = outputs[place] - truths[place]
      loss += Double(difference * difference * difference * difference) / 4
      outputs[place] = Scalar(factor) * difference * difference * difference
    }
    return loss
  }
}

private struct MeanAbsolute: CustomLoss {
  static let name = "mae"
  static let isForNumbers = true
  func evaluate<Scalar: EngineScalar>(
    _ outputs: UnsafeMutableBufferPointer<Scalar>, target: LossTarget<Scalar>
  ) -> Double { 0 }
}

/// A layer that is never computed.
private protocol Idle: RowLayer {}
extension Idle {
  func outputShape(for input: Shape) throws -> Shape { input }
  func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {}
  func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {}
}
private struct Swish: Idle { static let kind = "swish" }
private struct Hidden: Idle {
  static let kind = "hidden"
  let layer: Int
}
private struct Renamed: Idle {
  static let kind = "renamed"
  let depth: Int
  private enum CodingKeys: String, CodingKey { case depth = "layer" }
}
private struct Doubled: Idle {
  static let kind = "doubled"
  func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("w", shape: input, initializer: .constant(0), isPenalized: false)]
  }
  func state(for input: Shape) -> [StateTensor] { [StateTensor("w", shape: input)] }
}
private struct Shaped: Idle {
  static let kind = "shaped"
  let shape: [Int]
  func outputShape(for input: Shape) throws -> Shape { Shape(shape) }
}

/// y = 2 w x, with gradients that forget the factor of 2.
private struct Wrong: RowLayer {
  static let kind = "wrong"

  func outputShape(for input: Shape) throws -> Shape { input }
  func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("weight", shape: input, initializer: .constant(1), isPenalized: true)]
  }
  func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width {
        pass.output[row, column] = 2 * pass.parameter(0)[column] * pass.input[row, column]
      }
    }
  }

  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    for column in 0..<pass.input.width {
      pass.parameterGradient(0)[column] = (0..<pass.input.count).reduce(0) {
        $0 + pass.outputGradient[$1, column] * pass.input[$1, column]
      }
      for row in 0..<pass.input.count { pass.inputGradient?[row, column] = pass.outputGradient[row, column] }
    }
  }
}
