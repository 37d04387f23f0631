import Tartine

/// One kind of fault: how it is planted, its accepted names, and a twin with the same setting where it does
/// no harm.
struct Kind: Sendable {
  typealias Change = @Sendable (inout Specimen, inout RandomStream) -> Void

  let name: String
  /// Accepted names, the most common one first.
  let expected: [Fault.Name]
  /// The data on which it is a fault.
  let habitats: [Habitat]
  let plant: Change
  /// A twin: the same setting where it does no harm, on these data; nil if there is none.
  let twin: Twin?

  struct Twin: Sendable {
    let habitats: [Habitat]
    let change: Change
  }

  init(
    _ name: String, _ expected: [Fault.Name], on habitats: [Habitat], plant: @escaping Change,
    twinOn twinHabitats: [Habitat]? = nil, twin: Change? = nil
  ) {
    self.name = name
    self.expected = expected
    self.habitats = habitats
    self.plant = plant
    self.twin = twin.map { Twin(habitats: twinHabitats ?? habitats, change: $0) }
  }

  static let all = steps + networks + rows + columns

  /// Nothing is planted: recipes that train well, all different from the reference recipe.
  static let healthy = [
    Kind("healthy", [], on: Habitat.allCases, plant: { _, _ in }),
    Kind(
      "healthy-momentum", [], on: Habitat.allCases,
      plant: { it, _ in
        it.stack = HiddenStack(hidden: [64, 64, 64], batchNorm: true, keepProb: [0.9])
        it.recipe.optimizer = .momentum(learningRate: .cosine(from: 0.1))
      }),
    Kind(
      "healthy-tanh", [], on: Habitat.allCases,
      plant: { it, _ in
        it.stack = HiddenStack(hidden: [200], activation: .tanh)
        it.recipe.penalty = .l2(1e-4)
        it.recipe.optimizer = .adam(learningRate: .exponential(from: 3e-3, factor: 0.95))
      }),
  ]
}

extension Kind {
  /// Faults of the optimization.
  static let steps: [Kind] = [
    Kind(
      "rate-too-high", [.learningRateTooHigh], on: [.digits, .disk, .waves, .mnist, .housing, .blobs],
      plant: { it, _ in it.recipe.optimizer = .adam(learningRate: .cosine(from: 3)) },
      twinOn: [.digits, .disk, .mnist, .blobs],
      twin: { it, _ in
        it.recipe.optimizer = .gradientDescent(learningRate: .cosine(from: 3))
        it.stack.batchNorm = true
      }),
    Kind(
      "rate-too-low", [.learningRateTooLow], on: [.digits, .disk, .waves, .mnist, .housing, .blobs],
      plant: { it, _ in it.recipe.optimizer = .adam(learningRate: .constant(3e-6)) },
      twinOn: [.digits, .disk, .blobs],
      twin: { it, stream in
        // Many steps, and well-separated classes.
        it.table.separate(by: 6, &stream)
        it.recipe.optimizer = .adam(learningRate: .constant(3e-6))
        it.recipe.batchSize = 4
        it.recipe.epochs = 300
      }),
    Kind(
      "trained-too-short", [.trainedTooShort, .learningRateTooLow], on: [.digits, .disk, .waves, .mnist, .housing],
      plant: { it, _ in it.recipe.epochs = 1 },
      twinOn: [.digits, .disk, .blobs, .mnist],
      twin: { it, stream in
        it.table.separate(by: 6, &stream)
        it.recipe.epochs = 1
        it.recipe.batchSize = 2
      }),
    Kind(
      "rate-falls-too-soon", [.badSchedule, .learningRateTooLow], on: [.digits, .disk, .waves, .mnist, .blobs],
      plant: { it, _ in it.recipe.optimizer = .adam(learningRate: .exponential(from: 1e-3, factor: 0.1)) },
      twinOn: [.digits, .disk, .blobs, .mnist],
      twin: { it, stream in
        // Learned before the learning rate decays.
        it.table.separate(by: 6, &stream)
        it.recipe.optimizer = .adam(learningRate: .exponential(from: 1e-3, factor: 0.1))
        it.recipe.batchSize = 2
      }),
    Kind(
      "batch-of-all-rows", [.largeBatches, .trainedTooShort, .learningRateTooLow],
      on: [.disk, .waves, .housing, .blobs],
      plant: { it, _ in
        it.recipe.batchSize = 600
        it.recipe.epochs = 20
      },
      twin: { it, _ in
        it.recipe.batchSize = 600
        it.recipe.epochs = 800
        it.recipe.optimizer = .adam(learningRate: .cosine(from: 1e-2))
      }),
    Kind(
      "clipped-too-tight", [.badOptimizer, .learningRateTooLow], on: [.digits, .disk, .waves, .mnist],
      plant: { it, _ in
        it.recipe.optimizer = .momentum(learningRate: .cosine(from: 0.1)).clipped(.globalNorm(1e-3))
      },
      // Adam's steps do not depend on the scale of the gradients.
      twin: { it, _ in it.recipe.optimizer = it.recipe.optimizer.clipped(.globalNorm(1e-3)) }),
    Kind(
      "unshuffled-sorted", [.unshuffledRows], on: [.digits, .mnist, .blobs],
      plant: { it, _ in
        let place = it.table.targetPlace
        it.table.rows.sort { $0[place] < $1[place] }
        it.recipe.shuffle = false
        it.stack.batchNorm = true
      },
      twinOn: [.disk, .blobs, .waves, .mnist],
      twin: { it, _ in
        it.recipe.shuffle = false
        it.stack.batchNorm = true
      }),
  ]

  /// Faults of the network and its regularization.
  static let networks: [Kind] = [
    Kind(
      "zero-initialization", [.badInitialization], on: [.digits, .disk, .waves, .mnist, .blobs],
      plant: { it, _ in it.stack.initializer = .normal(standardDeviation: 0) },
      twinOn: [.titanic, .adult, .digits],
      twin: { it, stream in
        // Without hidden layers, there is no symmetry to break.
        if it.table.target == "answer" { it.table.separate(by: 6, &stream) }
        it.stack = HiddenStack(hidden: [], initializer: .normal(standardDeviation: 0))
      }),
    Kind(
      "huge-initialization", [.badInitialization, .explodingGradients], on: [.digits, .disk, .mnist, .blobs, .waves],
      plant: { it, _ in it.stack.initializer = .normal(standardDeviation: 10) },
      twinOn: [.digits, .disk, .blobs],
      twin: { it, _ in
        // Batch norm removes the scale, and steps are proportional to the weights.
        it.stack.initializer = .normal(standardDeviation: 10)
        it.stack.batchNorm = true
        it.recipe.optimizer = .adam(learningRate: .cosine(from: 0.3))
      }),
    Kind(
      "tiny-initialization-deep", [.badInitialization, .vanishingGradients], on: [.digits, .disk, .mnist, .blobs],
      plant: { it, _ in
        it.stack = HiddenStack(
          hidden: Array(repeating: 32, count: 8), activation: .tanh, initializer: .normal(standardDeviation: 0.01))
      },
      twinOn: [.digits, .mnist, .blobs],
      twin: { it, _ in
        it.stack = HiddenStack(
          hidden: Array(repeating: 32, count: 8), activation: .tanh, initializer: .normal(standardDeviation: 0.01),
          batchNorm: true)
      }),
    Kind(
      "sigmoid-stack", [.vanishingGradients], on: [.digits, .disk, .mnist, .blobs, .waves],
      plant: { it, _ in it.stack = HiddenStack(hidden: Array(repeating: 32, count: 8), activation: .sigmoid) },
      twin: { it, _ in
        it.stack = HiddenStack(hidden: Array(repeating: 64, count: 8), activation: .sigmoid, batchNorm: true)
        it.recipe.epochs = 80
      }),
    Kind(
      "dead-units", [.deadUnits, .learningRateTooHigh], on: [.digits, .mnist, .blobs],
      plant: { it, _ in it.recipe.optimizer = .momentum(learningRate: .constant(3)) },
      twin: { it, _ in
        it.recipe.optimizer = .momentum(learningRate: .cosine(from: 3))
        it.stack.batchNorm = true
      }),
    Kind(
      "too-small-network", [.tooSmallNetwork], on: [.digits, .disk, .waves, .mnist, .blobs],
      plant: { it, _ in it.stack = HiddenStack(hidden: [1]) },
      twinOn: [.adult, .titanic, .disk],
      twin: { it, stream in
        it.stack = HiddenStack(hidden: [1], activation: .tanh)
        it.recipe.epochs = 120
        // A plane is all there is to find.
        if it.table.target == "answer" {
          for row in it.table.rows.indices {
            let x = it.table.rows[row].compactMap(Double.init)
            it.table.rows[row][it.table.targetPlace] =
              x[0] + x[1] - x[2] + 0.3 * stream.normalPair().0 > 0 ? "above" : "below"
          }
        }
      }),
    Kind(
      "no-regularization", [.tooLittleRegularization, .tooLittleData], on: [.disk, .blobs, .waves],
      plant: { it, stream in
        // Noise columns, which an unregularized network memorizes.
        for number in 1...40 {
          let values = it.table.rows.indices.map { _ in "\(stream.normalPair().0)" }
          it.table.add("noise \(number)") { values[$0] }
        }
        it.recipe = Specimen.plain(hidden: [256, 256]).epochs(100).keeping(.last)
      },
      twinOn: [.digits, .mnist, .blobs],
      twin: { it, _ in it.recipe = Specimen.plain(hidden: [256, 256]).epochs(100).keeping(.last) }),
    Kind(
      "too-much-dropout", [.tooMuchRegularization], on: [.digits, .disk, .waves, .mnist, .blobs],
      plant: { it, _ in it.stack.keepProb = [0.1] },
      twinOn: [.digits, .disk, .blobs, .mnist],
      twin: { it, stream in
        // A tenth of many units is enough for well-separated classes.
        it.table.separate(by: 6, &stream)
        it.stack = HiddenStack(hidden: [512], keepProb: [0.1])
      }),
    Kind(
      "too-much-decay", [.tooMuchRegularization], on: [.digits, .disk, .waves, .mnist, .blobs],
      plant: { it, _ in it.recipe.penalty = .l2(0.3) },
      twinOn: [.digits, .disk, .blobs, .mnist],
      twin: { it, stream in
        // Batch norm compensates for the penalty, and classes are well separated.
        it.table.separate(by: 6, &stream)
        it.recipe.penalty = .l2(0.3)
        it.stack.batchNorm = true
      }),
    Kind(
      "too-much-noise", [.tooMuchRegularization], on: [.digits, .disk, .waves, .blobs],
      plant: { it, _ in it.stack.inputNoise = 4 },
      twinOn: [.digits, .disk, .blobs, .mnist],
      twin: { it, stream in
        it.table.separate(by: 6, &stream)
        it.stack.inputNoise = 4
      }),
    Kind(
      "batch-norm-on-tiny-batches", [.smallBatches], on: [.digits, .mnist, .disk, .blobs, .waves],
      plant: { it, _ in
        it.stack.batchNorm = true
        it.recipe.batchSize = 2
        it.recipe.epochs = 10
      },
      twin: { it, _ in
        it.recipe.batchSize = 2
        it.recipe.epochs = 15
        it.recipe.optimizer = .adam(learningRate: .cosine(from: 1e-3))
      }),
    Kind(
      "meaning-changed", [.harmfulAugmentation], on: [.digitImages, .arrows, .mnistImages],
      plant: { it, _ in
        it.recipe.augmentation.horizontalFlip = 0.5
        it.recipe.augmentation.verticalFlip = 0.5
        it.recipe.augmentation.rotation = 180
      },
      twinOn: [.digitImages, .mnistImages],
      twin: { it, _ in
        // A nought, a one and an eight are symmetric.
        guard case .images(var train, _) = it.data else { return }
        let kept = train.labels.indices.filter { [0, 1, 8].contains(train.labels[$0]) }
        train.pixels = kept.map { train.pixels[$0] }
        train.labels = kept.map { train.labels[$0] }
        it.data = .images(train, test: nil)
        it.recipe.augmentation.horizontalFlip = 0.5
        it.recipe.augmentation.verticalFlip = 0.5
        it.recipe.augmentation.rotation = 180
      }),
  ]
}
