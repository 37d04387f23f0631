import Tartine
import Testing

@Suite struct InitializerTests {
  private func weights(
    _ rule: InitializerRule, inputs: Int = 300, units: Int = 400, activation: any Layer = ReLU(), seed: UInt64 = 1
  ) throws -> [Double] {
    let graph = try Network(layers: [Dense(units, initializer: rule), activation]).graph(input: [inputs], outputs: 2)
    return graph.parameters[0].doubles(in: graph.makeInitialParameters(.float64, seed: seed), .float64)
  }

  private func deviation(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  }

  /// 120 000 draws each: their standard deviation is off by at most 0.2 % in 95 of 100 cases.
  @Test func drawsHaveTheirDeviationAndShape() throws {
    let he = (2.0 / 300).squareRoot()
    let uniform = try weights(.heUniform)
    #expect(abs(deviation(uniform) / he - 1) < 0.01)
    let bound = he * 3.0.squareRoot()
    #expect(uniform.allSatisfy { abs($0) <= bound } && uniform.contains { abs($0) > 0.99 * bound })
    let xavier = (2.0 / 700).squareRoot()
    #expect(abs(deviation(try weights(.xavierUniform)) / xavier - 1) < 0.01)
    let truncated = try weights(.truncated)
    #expect(abs(deviation(truncated) / he - 1) < 0.01)
    // Keras' bound: two standard deviations of the distribution before truncation.
    let cut = 2 * he / 0.87962566103423978
    #expect(truncated.allSatisfy { abs($0) <= cut } && truncated.contains { abs($0) > 0.98 * cut })
    #expect(abs(deviation(try weights(.truncated, activation: Tanh())) / xavier - 1) < 0.01)
    #expect(abs(deviation(try weights(.normal(standardDeviation: 0.01))) / 0.01 - 1) < 0.01)
    #expect(try weights(.normal(standardDeviation: 0)).allSatisfy { $0 == 0 })
    #expect(try weights(.truncated) == truncated && weights(.truncated, seed: 2) != truncated)
  }

  /// WᵀW, or WWᵀ for a wide one, is the identity times the squared gain; sizes around a block's.
  @Test(arguments: [(40, 40), (90, 33), (31, 64), (100, 65), (1, 5), (5, 1)])
  func orthogonalMatricesAre(_ inputs: Int, _ units: Int) throws {
    let w = try weights(.orthogonal, inputs: inputs, units: units)
    let isTall = inputs >= units
    func element(_ vector: Int, _ place: Int) -> Double {
      isTall ? w[place * units + vector] : w[vector * units + place]
    }
    for a in 0..<min(inputs, units) {
      for b in 0...a {
        let product = (0..<max(inputs, units)).reduce(0.0) { $0 + element(a, $1) * element(b, $1) }
        #expect(abs(product - (a == b ? 2 : 0)) < 1e-12, "\(a), \(b): \(product)")
      }
    }
    let plain = try weights(.orthogonal, inputs: inputs, units: units, activation: Tanh())
    #expect(zip(w, plain).allSatisfy { abs($0 - 2.0.squareRoot() * $1) < 1e-12 })
  }

  @Test func rulesSurviveCoding() throws {
    for rule in InitializerRule.named.map(\.rule) + [.normal(standardDeviation: 0.01), .normal(standardDeviation: 0)] {
      #expect(try JSON.convert(Dense(3, initializer: rule), to: Dense.self) == Dense(3, initializer: rule))
    }
    func message(_ text: String) -> String {
      do {
        _ = try JSON.decode(Dense.self, from: #"{"units": 3, "initializer": \#(text)}"#)
        return ""
      } catch let error as DecodingError { return JSON.explain(error) } catch { return "\(error)" }
    }
    #expect(message(#""hee""#).contains("there is no initializer 'hee'; there are automatic, he"))
    #expect(message("-1").contains("at least 0, not -1"))
  }
}
