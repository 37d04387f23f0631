import Tartine

/// The data, and the training of an arm, shared by the experiments.
struct Lab: Sendable {
  /// The built-in digits, or MNIST.
  let images: Dataset
  let isMNIST: Bool

  init(mnist folder: String?) throws {
    images = try folder.map { try ImageFolder(idx: $0).train } ?? .digits()
    isMNIST = folder != nil
  }

  /// The number of train images.
  enum Amount { case few, many }

  /// Digits: 359 or 1 078 train rows, 359 dev rows, the rest for test. MNIST: 600 or 6 000, 1 800, the rest.
  func split(_ amount: Amount = .many, seed: UInt64) throws -> Split {
    let shares: SplitRule =
      switch (amount, isMNIST) {
      case (.few, false): .shares(train: 0.2, dev: 0.2, test: 0.6)
      case (.many, false): .shares(train: 0.6, dev: 0.2, test: 0.2)
      case (.few, true): .shares(train: 0.01, dev: 0.03, test: 0.96)
      case (.many, true): .shares(train: 0.1, dev: 0.03, test: 0.87)
      }
    return try images.split(shares, seed: seed)
  }
}

/// Hidden layers of these widths with these options; keep is given for each layer in turn.
func stack(
  _ widths: [Int], norm: Bool = false, activation: any Layer = ReLU(), keep: [Double] = [],
  initializer: InitializerRule = .automatic
) -> Recipe {
  Recipe {
    Flatten()
    for (place, width) in widths.enumerated() {
      Dense(width, initializer: initializer)
      if norm { BatchNorm() }
      activation
      if place < keep.count { Dropout(keep: keep[place]) }
    }
  }
  // Generated columns as they are, and the last epoch's weights, so that arms train equally long.
  .bins(0).keeping(.last).batchSize(32)
}

/// `1e-3, 3e-3, …`: learning rates from `first` on, each √10 times the one before.
func grid(from first: Double, count: Int) -> [Double] {
  let halves = [1.0, 3.0]
  return (0..<count).map { place in
    (0..<place / 2).reduce(first * halves[place % 2]) { rate, _ in rate * 10 }
  }
}

/// The learning rates for gradient descent and momentum, and for Adam and RMSProp: equally many.
let descentRates = grid(from: 1e-2, count: 6)
let adamRates = grid(from: 1e-4, count: 6)

extension Recipe {
  /// Trains on one thread.
  func run(_ split: Split, _ seed: UInt64, observers: [any TrainingObserver] = []) throws -> Run {
    try train(on: split, seed: seed, threads: 1, observers: observers)
  }
}

/// The run with the lowest dev loss over a list of values; values that diverge are skipped.
///
/// - Parameter score: The score to minimize.
func bestRun(
  _ values: [Double], on split: Split, _ seed: UInt64, by score: (Run) -> Double = { $0.dev.loss },
  _ recipe: (Double) -> Recipe
) throws -> Run {
  var best: (score: Double, run: Run)?
  var failure: (any Error)?
  for value in values {
    do {
      let run = try recipe(value).run(split, seed)
      let score = score(run)
      if score < best?.score ?? .infinity { best = (score, run) }
    } catch let error as DivergenceError {
      failure = error
    }
  }
  guard let best else { throw failure ?? RecipeFailure() }
  return best.run
}

/// No value has a finite score.
struct RecipeFailure: Error {}

extension Run {
  /// The number of epochs until the loss is this low; one more than the number of epochs if it never is.
  func epochs(to loss: Double, of part: KeyPath<EpochRecord, PartRecord>) -> Double {
    Double(history.first { $0[keyPath: part].loss <= loss }?.epoch ?? history.count + 1)
  }

  /// The train error in percent.
  var trainError: Double { 100 * (train.error ?? .nan) }
  /// The dev error in percent.
  var devError: Double { 100 * (dev.error ?? .nan) }
  /// The test error in percent.
  func testError() throws -> Double { 100 * (try test().error ?? .nan) }
  /// The generalization gap: test loss less train loss.
  func gap() throws -> Double { try test().loss - train.loss }
}
