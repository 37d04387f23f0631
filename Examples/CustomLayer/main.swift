// A custom layer outside the package: y = x · s(a) + b, with a and b learned for each column.
import Tartine

struct Gate: RowLayer {
  static let kind = "gate"

  func outputShape(for input: Shape) throws -> Shape { input }

  func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [
      Parameter("openness", shape: input, initializer: .constant(0), isPenalized: false),
      Parameter("shift", shape: input, initializer: .constant(0), isPenalized: false),
    ]
  }

  private func share<Scalar: EngineScalar>(_ a: Scalar) -> Scalar {
    // Not the logistic function but a cheap approximation, a / (1 + |a|), moved to (0, 1).
    (1 + a / (1 + abs(a))) / 2
  }

  func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    let (a, b) = (pass.parameter(0), pass.parameter(1))
    for row in 0..<pass.input.count {
      for column in 0..<pass.input.width {
        pass.output[row, column] = pass.input[row, column] * share(a[column]) + b[column]
      }
    }
  }

  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    let a = pass.parameter(0)
    let (da, db) = (pass.parameterGradient(0), pass.parameterGradient(1))
    for column in 0..<pass.input.width {
      var (sum, product): (Scalar, Scalar) = (0, 0)
      for row in 0..<pass.input.count {
        sum += pass.outputGradient[row, column]
        product += pass.outputGradient[row, column] * pass.input[row, column]
        pass.inputGradient?[row, column] = pass.outputGradient[row, column] * share(a[column])
      }
      da[column] = product / (2 * (1 + abs(a[column])) * (1 + abs(a[column])))
      db[column] = sum
    }
  }
}

LayerRegistry.register(Gate.self)  // so that model files with this layer can be opened

let split = try Dataset.digits().split(seed: 1)
let recipe = Recipe {
  Flatten(); Dense(64); Gate(); ReLU()
}
let run = try recipe.epochs(20).train(on: split, seed: 1)
print(run.model.graph)
print(run.diagnosis.ladderText)
try run.model.save(to: "gate.safetensors")
print(try Model("gate.safetensors").predict(Dataset.digits()).count, "rows predicted by the reopened model")
