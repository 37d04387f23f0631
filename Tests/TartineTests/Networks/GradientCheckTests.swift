import Tartine
import Testing

@Suite struct GradientCheckTests {
  @Test func aRightLayerPasses() throws {
    let network = Network {
      Dense(6); Swirl(); Tanh(); Swirl()
    }
    let checks = try network.checkGradients(input: [5])
    #expect(checks.count == 6 && checks.allSatisfy(\.passes), "\(checks)")
  }

  @Test func aWrongOneIsNamed() throws {
    let network = Network {
      Dense(6); Wrong(); Tanh()
    }
    let checks = try network.checkGradients(input: [5], output: .identity(values: 2))
    #expect(checks.filter { !$0.passes }.map(\.parameter).contains { $0.contains("wrong") }, "\(checks)")
  }
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
