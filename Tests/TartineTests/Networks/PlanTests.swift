import Tartine
import Testing

@Suite struct PlanTests {
  @Test func builderTakesIfElseAndFor() {
    func kinds(deep: Bool, wide: Bool) -> [String] {
      Network {
        Flatten()
        if deep {
          Dense(64)
          ReLU()
        }
        if wide { Dense(512) } else { Dense(8) }
        for units in [4, 2] {
          Dense(units)
          Dropout(keep: 0.5)
        }
      }.layers.map { layer in
        (layer as? Dense).map { "\($0.units)" } ?? type(of: layer).kind
      }
    }
    #expect(kinds(deep: true, wide: false) == ["flatten", "64", "relu", "8", "4", "dropout", "2", "dropout"])
    #expect(kinds(deep: false, wide: true) == ["flatten", "512", "4", "dropout", "2", "dropout"])
  }

  @Test func printsItselfAsATable() throws {
    let graph = try Network {
      Flatten(); Dense(128); BatchNorm(); ReLU(); Dense(16)
    }.graph(
      input: [28, 28, 1], outputs: 10)
    #expect(
      graph.description == """
        layer       output       parameters
        input       28 × 28 × 1            
        flatten1    784                   0
        dense1      128             100 352
        batchNorm1  128                 256
        relu1       128                   0
        dense2      16                2 064
        output      10                  170
        total                       102 842
        """)
    #expect(graph.parameterCount == 102_842)
  }

  @Test func aWrongShapeNamesLayerAndShapes() {
    let error = #expect(throws: ShapeError.self) {
      try Network {
        Flatten(); Dense(4); Rectangle(); Dense(3)
      }.graph(input: [6], outputs: 2)
    }
    #expect(error?.description == "layer rectangle1 takes an input of shape 2 × n, but gets 4: make it so.")
    let dense = #expect(throws: ShapeError.self) { try Network { Dense(4) }.graph(input: [8, 8, 1], outputs: 2) }
    #expect(
      dense?.description == "layer dense1 takes an input of shape n, but gets 8 × 8 × 1: insert Flatten() before it.")
  }

  /// Before the output layer an image becomes a row.
  @Test func imagesAreFlattenedAtTheEnd() throws {
    for layers in [[], [Dropout(keep: 0.9)], [ReLU(), GaussianNoise(standardDeviation: 0.1)]] as [[any Layer]] {
      let graph = try Network(layers: layers).graph(input: [4, 4, 1], outputs: 3)
      #expect(graph.layers.suffix(2).map(\.name) == ["flatten", "output"] && graph.parameterCount == 51)
    }
  }

  @Test func valuesOutOfRangeAreRefused() throws {
    let text = #"{"layers": [{"layer": "dense", "units": 0, "initializer": "he"}]}"#
    let network = try JSON.decode(Network.self, from: text)
    let error = #expect(throws: NetworkError.self) { try network.graph(input: [3], outputs: 1) }
    #expect(error?.description == "layer dense1: units must be from 1 to 1048576, not 0.")
  }

  @Test func biasGivesWayToBatchNorm() throws {
    let graph = try Network {
      Dense(4); BatchNorm(); Dense(3); ReLU()
    }.graph(input: [2], outputs: 1)
    #expect(
      graph.parameters.map(\.name) == [
        "dense1.weight", "batchNorm1.gamma", "batchNorm1.beta", "dense2.weight", "dense2.bias", "output.weight",
        "output.bias",
      ])
    #expect(graph.parameters.filter(\.isPenalized).map(\.name) == ["dense1.weight", "dense2.weight", "output.weight"])
  }

  @Test func initializerFollowsTheActivation() throws {
    func initializer(_ activation: any Layer) throws -> Initializer {
      try Network(layers: [Dense(8), BatchNorm(), activation]).graph(input: [50], outputs: 3).parameters[0].initializer
    }
    for layer in [ReLU(), LeakyReLU(), GELU(), SiLU()] as [any Layer] {
      #expect(try initializer(layer) == .he(fanIn: 50))
    }
    #expect(try initializer(Tanh()) == .xavier(fanIn: 50, fanOut: 8))
    #expect(try initializer(Sigmoid()) == .xavier(fanIn: 50, fanOut: 8))
    #expect(try initializer(SELU()) == .leCun(fanIn: 50))
  }

  @Test func drawsHaveTheirDeviation() throws {
    let graph = try Network {
      Dense(400); ReLU()
    }.graph(input: [300], outputs: 2)
    let arena = graph.makeInitialParameters(.float32, seed: 1)
    let weights = Array(graph.parameters[0].elements(Float.self, in: arena))
    let mean = weights.reduce(0.0) { $0 + Double($1) } / Double(weights.count)
    let variance = weights.reduce(0.0) { $0 + Double($1 * $1) } / Double(weights.count)
    // 120 000 draws: four standard errors.
    let deviation = (2.0 / 300).squareRoot()
    #expect(abs(mean) < 4 * deviation / 120_000.0.squareRoot())
    #expect(abs(variance / (deviation * deviation) - 1) < 4 * (2 / 120_000.0).squareRoot())
    // Tensors have their own streams, and all 64 bits of the seed count.
    let other = graph.makeInitialParameters(.float32, seed: 1 << 40 | 1)
    #expect(Array(graph.parameters[0].elements(Float.self, in: other)) != weights)
  }

  @Test func networksSurviveCoding() throws {
    let network = Network {
      Dense(8, bias: true); BatchNorm(epsilon: 1e-3); LeakyReLU(slope: 0.2); Dropout(keep: 0.9)
    }
    #expect(try JSON.convert(network, to: Network.self) == network)
    let stack = Network(HiddenStack(hidden: [4, 5], activation: .selu, batchNorm: true, keepProb: [0.5, 0.9]))
    let decoded = try JSON.convert(stack, to: Network.self)
    #expect(decoded == stack && decoded.stack == stack.stack)
    let unknown = #expect(throws: DecodingError.self) {
      try JSON.decode(Network.self, from: #"{"layers": [{"layer": "warp"}]}"#)
    }
    #expect(unknown.map { JSON.explain($0) }?.contains("there is no layer 'warp' here") == true)
  }

  struct Rectangle: RowLayer {
    static let kind = "rectangle"
    func outputShape(for input: Shape) throws -> Shape {
      throw ShapeError(got: input, expected: "2 × n", advice: "make it so.")
    }
    func forward<Scalar>(_ pass: LayerPass<Scalar>) {}
    func backward<Scalar>(_ pass: LayerPass<Scalar>) {}
  }
}
