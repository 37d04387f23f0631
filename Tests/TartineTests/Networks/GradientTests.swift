import Foundation
import Synchronization
import Tartine
import Testing

/// Every gradient compared with central differences, in Double.
@Suite struct GradientTests {
  @Test(arguments: Activation.allCases) func activation(_ activation: Activation) throws {
    try check(Network(HiddenStack(hidden: [7, 5], activation: activation)), output: .softmax(classes: 3))
  }

  @Test(arguments: [Output.softmax(classes: 4), .sigmoid(labels: 1), .sigmoid(labels: 3), .identity(values: 2)])
  func outputs(_ output: Output) throws {
    try check(
      Network {
        Dense(6); Tanh()
      }, output: output)
  }

  @Test func batchNorm() throws {
    try check(
      Network {
        Dense(7); BatchNorm(); Tanh(); Dense(5); BatchNorm()
      }, output: .softmax(classes: 3))
  }

  /// The same step draws the same mask, so that the mask is fixed while differentiating.
  @Test func dropout() throws {
    try check(
      Network {
        Dropout(keep: 0.8); Dense(40); BatchNorm(); Tanh(); Dropout(keep: 0.5)
      },
      output: .identity(values: 2))
  }

  /// Orders of layers that the engine cannot fuse into one node.
  @Test func unusualOrders() throws {
    try check(
      Network {
        BatchNorm(); Dense(6, bias: true); BatchNorm(); Sigmoid(); Tanh(); BatchNorm(); Dropout(keep: 0.7)
        SELU(); Dense(4, bias: false)
      }, output: .softmax(classes: 3))
  }

  @Test func normsOfRows() throws {
    try check(
      Network {
        LayerNorm(); Dense(12); GroupNorm(groups: 3); PReLU(); Dense(6); RMSNorm(); ELU(alpha: 0.7);
        LayerNorm(epsilon: 0.1)
      }, output: .softmax(classes: 3))
  }

  @Test func residualBlocks() throws {
    try check(
      Network {
        Residual {
          Dense(5); Tanh()
        }
        Dense(8); GELU()
        Residual {
          BatchNorm(); SiLU(); Dense(6); Tanh(); Dense(8); Dropout(keep: 0.8)
        }
        Residual {
          LayerNorm(); Dense(8)
        }
        BatchNorm(); Tanh()
      }, output: .softmax(classes: 3))
  }

  /// A custom layer at the start and at the end of a block; a nested block.
  @Test func residualBlocksOfRowLayers() throws {
    try check(
      Network {
        Dense(6); PReLU()
        Residual {
          Swirl(); Swirl()
        }
        Residual {
          Dense(6)
          Residual {
            Tanh(); Dense(6)
          }
          Swirl()
        }
      }, output: .identity(values: 2))
  }

  @Test func noise() throws {
    try check(
      Network {
        GaussianNoise(standardDeviation: 0.3); Dense(6); Tanh(); GaussianNoise(standardDeviation: 0.1)
      }, output: .softmax(classes: 3))
  }

  @Test func embeddings() throws {
    let layout = InputLayout(numbers: [0, 4], categories: [1..<4, 5..<8])
    try check(
      Network {
        NumberEmbedding(frequencies: 4, dimension: 2, standardDeviation: 0.5);
        CategoryEmbedding(dimension: 2, moreThan: 2)
        Dense(6); Tanh()
      }, output: .softmax(classes: 3), inputs: 8, layout: layout)
  }

  @Test(arguments: [Output.softmax(classes: 4), .sigmoid(labels: 2), .identity(values: 2)])
  func mixedRows(_ output: Output) throws {
    try check(
      Network {
        Dense(6); Tanh()
      }, output: output, mixup: 0.7)
  }

  @Test func customLayer() throws {
    try check(
      Network {
        Dense(6); Swirl(); Tanh(); Swirl()
      }, output: .softmax(classes: 3))
  }

  @Test func customLayerFirst() throws {
    try check(
      Network {
        Swirl(); Swirl(); Dense(4); ReLU()
      }, output: .sigmoid(labels: 2))
  }

  /// Blocks that begin with a block: the input of the first has four readers.
  @Test func blocksThatBeginWithABlock() throws {
    try check(
      Network {
        Residual {
          Residual {
            Residual {
              Dense(5); BatchNorm(); Tanh(); Dropout(keep: 0.8)
            }
            Swirl()
          }
          Dense(5)
        }
        Dense(6); GELU()
        Residual {
          Residual {
            Dense(6); Tanh()
          }
          BatchNorm(); Dense(6); Dropout(keep: 0.7)
        }
      }, output: .softmax(classes: 3))
  }

  /// Branches of another width, and a value with three readers: two dense layers and a row layer.
  @Test func shortcutsWithLayers() throws {
    try check(
      Network {
        Dense(6); Tanh()
        Residual {
          Residual {
            LayerNorm(); Dense(6); Dropout(keep: 0.8)
          }
          Dense(9); BatchNorm(); SiLU(); Dense(4)
        } shortcut: {
          Dense(7); BatchNorm(); Tanh(); Dropout(keep: 0.9); Dense(4); LayerScale(scale: 0.5)
        }
        Residual {
          Tanh(); Dense(4)
        } shortcut: {
          PReLU(); Swirl()
        }
      }, output: .identity(values: 2))
  }

  /// Members with every kind of layer after them: their scales are read by a dense layer, by a norm, by a block; in one part, and
  /// in several.
  @Test(arguments: [Output.softmax(classes: 3), .sigmoid(labels: 2), .identity(values: 2)])
  func members(_ output: Output) throws {
    try check(
      Network {
        Members(3); Dense(6); BatchNorm(); Tanh(); Dropout(keep: 0.8)
        Residual {
          LayerNorm(); Dense(6); PReLU()
        } shortcut: {
          MemberScale(bias: true)
        }
        GaussianNoise(standardDeviation: 0.1)
      }, output: output)
    try check(
      Network {
        Dense(5); Tanh(); Members(11, scales: .normal); LayerNorm(); MemberScale(); Dense(4, bias: false)
        MemberScale(bias: true)
        SiLU()
      }, output: output)
    try check(
      Network {
        Dense(160); Tanh(); Members(4); Dense(160); LayerNorm(); Tanh(); MemberScale(bias: true); Dense(160); Tanh()
      }, output: output, inputs: 12, rows: 90, sampled: 20)
  }

  /// Large enough that rows are partitioned, for layers with and without parameters, and readers that share a value.
  @Test func cutRows() throws {
    try check(
      Network {
        Dense(300); LayerNorm(); PReLU()
        GaussianNoise(standardDeviation: 0.1)
        Residual {
          Residual {
            GroupNorm(groups: 4); Tanh()
          }
          Swirl(); RMSNorm()
        }
        Dense(20); Tanh()
      }, output: .softmax(classes: 3), inputs: 12, rows: 130, sampled: 30)
  }

  /// A last, smaller batch has fewer parts, and parts with fewer rows: its gradient is that of a network made for its size.
  @Test func aSmallerBatchAfterALargerOne() throws {
    let network = Network {
      Dense(300); LayerNorm(); PReLU(); RMSNorm(); Dense(8)
    }
    let graph = try network.graph(input: [12], outputs: 3)
    let inputs = RandomStream.normals(130 * 12, seed: 8)
    let data = PreparedRows.of(inputs, width: 12, targets: .labels((0..<Int32(130)).map { $0 % 3 }))
    func step(batch: Int) -> TrainingStep {
      TrainingStep(
        graph: graph, output: .softmax(classes: 3), optimizer: .gradientDescent(), penalty: .none, precision: .float64,
        batch: batch, seed: 1, workers: Workers(2), weights: graph.makeInitialParameters(.float64, seed: 3),
        state: graph.makeInitialState(.float64))
    }
    func gradient(_ step: TrainingStep, _ rows: Range<Int32>) -> [Double] {
      Array(rows).withUnsafeBufferPointer { rows in
        step.begin(rows, of: data)
        #expect(step.computeGradients(step: 0).isFinite)
      }
      return graph.parameters.flatMap { $0.doubles(in: step.gradients, .float64) }
    }
    let large = step(batch: 130)
    _ = gradient(large, 0..<130)
    for rows in [40..<57, 0..<1, 3..<66] as [Range<Int32>] {
      let own = gradient(step(batch: rows.count), rows)
      let scale = own.map(abs).max() ?? 0
      #expect(zip(gradient(large, rows), own).allSatisfy { abs($0 - $1) <= 1e-13 * scale }, "\(rows)")
    }
  }

  /// Shortcuts over rows in several parts: the loss of a training pass is that of the predictor's logits.
  @Test func predictionAgreesWithTraining() throws {
    let network = Network {
      Dense(300); LayerNorm(); GELU()
      Residual {
        RMSNorm(); Dense(40); PReLU()
      } shortcut: {
        LayerScale(scale: 0.5); Dense(40); Tanh()
      }
      Residual {
        Residual {
          GroupNorm(groups: 4); SiLU()
        } shortcut: {
          Swirl()
        }
        Dense(40)
      }
    }
    let graph = try network.graph(input: [12], outputs: 3)
    let inputs = RandomStream.normals(130 * 12, seed: 8)
    let data = PreparedRows.of(inputs, width: 12, targets: .labels((0..<Int32(130)).map { $0 % 3 }))
    let weights = graph.makeInitialParameters(.float64, seed: 3)
    let state = graph.makeInitialState(.float64)
    let step = TrainingStep(
      graph: graph, output: .softmax(classes: 3), optimizer: .gradientDescent(), penalty: .none, precision: .float64,
      batch: 130, seed: 1, workers: Workers(2), weights: weights, state: state)
    let trained = Array(Int32(0)..<130).withUnsafeBufferPointer { rows in
      step.begin(rows, of: data)
      return step.computeGradients(step: 0).loss
    }
    let losses = Mutex([Double](repeating: .nan, count: 130))
    for workers in [1, 2] {
      let predictor = Predictor(
        graph: graph, output: .softmax(classes: 3), precision: .float64,
        networks: [TrainedWeights(weights: weights, state: state)], workers: Workers(workers))
      predictor.run(data) { _, rows, logits in
        let logits = logits.assumingMemoryBound(to: Double.self)
        for (place, row) in rows.enumerated() {
          let z: [Double] = (0..<3).map { logits[place * 3 + $0] }
          let sum: Double = z.map { exp($0) }.reduce(0, +)
          let loss = log(sum) - z[row % 3]
          losses.withLock { $0[row] = loss }
        }
      }
      let predicted = losses.withLock { $0.reduce(0, +) } / 130
      #expect(abs(predicted - trained) < 1e-12 * trained)
    }
  }

  /// Embeddings with rows that are partitioned.
  @Test func cutEmbeddings() throws {
    let layout = InputLayout(numbers: Array(0..<60), categories: [60..<64, 64..<72])
    try check(
      Network {
        NumberEmbedding(frequencies: 3, dimension: 2, standardDeviation: 0.5)
        CategoryEmbedding(dimension: 2, moreThan: 2)
        Dense(6); Tanh()
      }, output: .softmax(classes: 3), inputs: 72, rows: 130, sampled: 30, layout: layout)
  }

  /// Large enough that products are partitioned.
  @Test func cutColumns() throws {
    try check(
      Network {
        Dense(300); BatchNorm(); Tanh(); Dropout(keep: 0.9); Dense(150); Tanh()
      },
      output: .softmax(classes: 3), inputs: 40, rows: 120, sampled: 40)
  }

  private func check(
    _ network: Network, output: Output, inputs: Int = 5, rows: Int = 9, sampled: Int? = nil,
    layout: InputLayout? = nil, mixup: Double = 0
  ) throws {
    let graph = try network.graph(input: [inputs], layout: layout, outputs: output.width)
    let weights = graph.makeInitialParameters(.float64, seed: 3)
    var stream = RandomStream(seed: 5, purpose: .test)
    // Biases away from 0, so that no unit is at a kink.
    for tensor in graph.parameters where !tensor.isPenalized {
      for index in 0..<tensor.count { tensor.elements(Double.self, in: weights)[index] += stream.uniform() }
    }
    let step = TrainingStep(
      graph: graph, output: output, optimizer: .gradientDescent(), penalty: .none, precision: .float64,
      batch: rows, seed: 11, workers: Workers(2), weights: weights, state: graph.makeInitialState(.float64),
      mixup: mixup
    )
    let targets: PreparedRows.Targets =
      output.takesLabels
      ? .labels((0..<rows).map { Int32($0 % output.width) })
      : .matrix(Arena.of((0..<rows * output.width).map { Float($0 % 2) }), width: output.width)
    let data = PreparedRows.of(RandomStream.normals(rows * inputs, seed: 8), width: inputs, targets: targets)
    let order = (0..<Int32(rows)).map { $0 }
    order.withUnsafeBufferPointer { step.begin($0, of: data) }
    let result = step.computeGradients(step: 4)
    #expect(result.isFinite)
    let analytic = graph.parameters.map { $0.doubles(in: step.gradients, .float64) }
    let squares = analytic.joined().reduce(0) { $0 + $1 * $1 }
    #expect(abs(result.gradientSquares - squares) <= 1e-12 * squares)

    for (tensor, gradient) in zip(graph.parameters, analytic) {
      let elements = tensor.elements(Double.self, in: weights)
      let scale = max(gradient.map(abs).max() ?? 0, 1e-3)
      let places =
        sampled.map { count in (0..<count).map { _ in stream.integer(below: tensor.count) } }
        ?? Array(0..<tensor.count)
      for place in places {
        let h = 1e-5
        let before = elements[place]
        elements[place] = before + h
        let up = step.computeGradients(step: 4).loss
        elements[place] = before - h
        let down = step.computeGradients(step: 4).loss
        elements[place] = before
        let difference = abs((up - down) / (2 * h) - gradient[place])
        #expect(difference <= 1e-6 * scale, "\(tensor.name)[\(place)]: off by \(difference)")
      }
    }
  }
}

/// A layer defined outside the package: yⱼ = wⱼ xⱼ² + sin xⱼ₊₁.
struct Swirl: RowLayer {
  static let kind = "swirl"

  func outputShape(for input: Shape) throws -> Shape { input }

  func parameters(for input: Shape, before next: Successors) -> [Parameter] {
    [Parameter("weight", shape: input, initializer: .normal(standardDeviation: 0.5), isPenalized: true)]
  }

  func forward<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, y, w) = (pass.input, pass.output, pass.parameter(0))
    for row in 0..<x.count {
      for column in 0..<x.width {
        let next = Double(x[row, (column + 1) % x.width])
        y[row, column] = w[column] * x[row, column] * x[row, column] + Scalar(sine(next))
      }
    }
  }

  func backward<Scalar>(_ pass: LayerPass<Scalar>) {
    let (x, g, w) = (pass.input, pass.outputGradient, pass.parameter(0))
    let dw = pass.parameterGradient(0)
    for column in 0..<x.width {
      dw[column] = (0..<x.count).reduce(0) { $0 + g[$1, column] * x[$1, column] * x[$1, column] }
    }
    guard let dx = pass.inputGradient else { return }
    for row in 0..<x.count {
      for column in 0..<x.width {
        let before = (column + x.width - 1) % x.width
        dx[row, column] =
          g[row, column] * 2 * w[column] * x[row, column]
          + g[row, before] * Scalar(sine(Double(x[row, column]) + Double.pi / 2))
      }
    }
  }
}

private func sine(_ x: Double) -> Double {
  // Taylor series after range reduction: exact enough for a test, and independent of the platform's library.
  let turn = 2 * Double.pi
  let r = x - (x / turn).rounded() * turn
  var term = r
  var sum = r
  for n in 1..<14 {
    term *= -r * r / Double((2 * n) * (2 * n + 1))
    sum += term
  }
  return sum
}
