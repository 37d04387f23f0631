import Foundation
import Tartine
import Testing

/// A program that uses an extension point wrongly ends with a sentence, in a release build too.
@Suite struct RegistrationTests {
  struct Doubling: RowLayer {
    static let kind = "doubling"
    func outputShape(for input: Shape) throws -> Shape { input }
    func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {
      for row in 0..<pass.input.count {
        for column in 0..<pass.input.width { pass.output[row, column] = 2 * pass.input[row, column] }
      }
    }
    func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {}
  }
  struct Halving: RowLayer {
    static let kind = "doubling"
    func outputShape(for input: Shape) throws -> Shape { input }
    func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) { pass.output.copy(pass.input) }
    func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {}
  }
  /// Reads a parameter that it does not have.
  struct Greedy: RowLayer {
    static let kind = "greedy"
    func outputShape(for input: Shape) throws -> Shape { input }
    func forward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) { pass.output[0, 0] = pass.parameter(1)[0] }
    func backward<Scalar: EngineScalar>(_ pass: LayerPass<Scalar>) {}
  }
  struct CrossEntropy: CustomLoss {
    static let name = "cross-entropy"
    static let isForNumbers = false
    func evaluate<Scalar: EngineScalar>(
      _ outputs: UnsafeMutableBufferPointer<Scalar>, target: LossTarget<Scalar>
    ) -> Double { 0 }
  }

  private func said(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  @Test func aTypeIsRegisteredAsOftenAsOneLikes() throws {
    LayerRegistry.register(Doubling.self)
    LayerRegistry.register(Doubling.self)
    let network = Network(layers: [Doubling()])
    #expect(try JSON.decode(Network.self, from: JSON.text(network)) == network)
  }

  @Test func twoTypesOfOneName() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      LayerRegistry.register(Doubling.self)
      LayerRegistry.register(Halving.self)
    }
    #expect(said(result).contains("'doubling' is registered already, as the name of Doubling"))
  }

  @Test func aNameOfThePackage() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      Loss.register(CrossEntropy.self)
    }
    #expect(said(result).contains("'cross-entropy' is a built-in"), "\(said(result))")
  }

  @Test func aParameterThatIsNotThere() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = try Network(layers: [Greedy()]).checkGradients(input: [3])
    }
    #expect(said(result).contains("there is no parameter 1: the layer lists 0, counted from 0"), "\(said(result))")
  }

  @Test func shapesThatDiffer() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let numbers: [Float] = [1, 2, 3, 4, 5, 6]
      numbers.withUnsafeBufferPointer { Rows($0, width: 3).copy(Rows($0, width: 2)) }
    }
    #expect(said(result).contains("a matrix of 3 × 2 is no matrix of 2 × 3"), "\(said(result))")
    let other = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let numbers: [Float] = [1, 2, 3, 4, 5, 6]
      numbers.withUnsafeBufferPointer { _ = Rows($0, width: 4) }
    }
    #expect(said(other).contains("6 elements are no matrix with rows of 4"), "\(said(other))")
  }
}
