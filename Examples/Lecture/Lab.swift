import Tartine

/// What the experiments share: data, and how an arm is trained.
struct Lab: Sendable {
  /// The built-in digits, or MNIST.
  let pictures: Dataset
  let isMNIST: Bool

  init(mnist folder: String?) throws {
    pictures = try folder.map { try ImageFolder(idx: $0).train } ?? .digits()
    isMNIST = folder != nil
  }

  /// How many pictures there are to train on.
  enum Amount { case few, many }

  /// Digits: 359 or 1 078 to train on, 359 to choose by, the rest to measure on. MNIST: 600 or 6 000, 1 800, the rest.
  func split(_ amount: Amount = .many, seed: UInt64) throws -> Split {
    let shares: SplitRule =
      switch (amount, isMNIST) {
      case (.few, false): .shares(train: 0.2, dev: 0.2, test: 0.6)
      case (.many, false): .shares(train: 0.6, dev: 0.2, test: 0.2)
      case (.few, true): .shares(train: 0.01, dev: 0.03, test: 0.96)
      case (.many, true): .shares(train: 0.1, dev: 0.03, test: 0.87)
      }
    return try pictures.split(shares, seed: seed)
  }
}

/// Hidden layers of these widths, each with what is asked for; keep is that of each layer in turn.
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
  // Generated columns as they are, and the last weights, so that arms train equally long.
  .bins(0).keeping(.last).batchSize(32)
}

/// `1e-3, 3e-3, …`: rates from `first` on, each √10 times the one before.
func grid(from first: Double, count: Int) -> [Double] {
  let halves = [1.0, 3.0]
  return (0..<count).map { place in
    (0..<place / 2).reduce(first * halves[place % 2]) { rate, _ in rate * 10 }
  }
}

/// What plain gradient descent and momentum choose from, and what Adam and RMSProp do: as many rates.
let descentRates = grid(from: 1e-2, count: 6)
let adamRates = grid(from: 1e-4, count: 6)

extension Recipe {
  /// Trained on one thread.
  func run(_ split: Split, _ seed: UInt64, observers: [any TrainingObserver] = []) throws -> Run {
    try train(on: split, seed: seed, threads: 1, observers: observers)
  }
}

/// The run with the lowest dev loss among those that a list of values gives; values by which it diverges are passed over.
///
/// - Parameter score: less is better.
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

/// No value gave a finite score.
struct RecipeFailure: Error {}

extension Run {
  /// Epochs until a part's loss is this low; one more than there were where it never is.
  func epochs(to loss: Double, of part: KeyPath<EpochRecord, PartRecord>) -> Double {
    Double(history.first { $0[keyPath: part].loss <= loss }?.epoch ?? history.count + 1)
  }

  /// In percent.
  var trainError: Double { 100 * (train.error ?? .nan) }
  /// In percent.
  var devError: Double { 100 * (dev.error ?? .nan) }
  /// In percent.
  func testError() throws -> Double { 100 * (try test().error ?? .nan) }
  /// How much more is lost on what was not trained on.
  func gap() throws -> Double { try test().loss - train.loss }
}
