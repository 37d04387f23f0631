import TartineData
import TartineDiagnosis
import TartineFiles
import TartineNetworks
import TartineOptimizers
import TartinePlatform
import TartineTraining

/// A change of a recipe that may lower its error, and why.
public struct Idea: Sendable {
  /// What a change works against, in the lecture's terms.
  public enum Aim: String, Sendable, Codable {
    /// The network cannot fit the train set.
    case bias
    /// It fits the train set better than new rows.
    case variance
    /// The weights are not where they could be.
    case optimization
  }

  /// The kind of change, as in `bigger-network`: what `--only` and `--except` name.
  public let name: String
  /// What it works against.
  public let aim: Aim
  /// The change, in a few words.
  public let what: String
  /// Why it should help.
  public let why: String
  /// The changed recipe.
  public let recipe: Recipe
  /// The change as settings of the recipe that it improves.
  public let settings: RecipeSettings
  /// The expected gain, in the unit of the error.
  public let gain: Double
  /// The expected seconds of one training.
  public let seconds: Double

  /// What makes two ideas one, whatever recipe they change.
  var key: String { "\(name): \(settings)" }
}

extension Idea {
  /// The kinds of ideas: what each works against, and the share of that part of the error that it removes where it helps, as a
  /// prior for the order in which ideas are tried. What is measured decides.
  private static let kinds: [(name: String, aim: Aim, share: Double)] = [
    ("automatic-recipe", .optimization, 0.2),
    ("lower-learning-rate", .optimization, 0.05), ("higher-learning-rate", .optimization, 0.05),
    ("better-optimizer", .optimization, 0.1), ("default-optimizer", .optimization, 0.05),
    ("cosine-decay", .optimization, 0.06), ("averaged-weights", .optimization, 0.02),
    ("default-initialization", .optimization, 0.08), ("standardize-inputs", .optimization, 0.2),
    ("shuffle", .optimization, 0.1), ("default-loss", .optimization, 0.1),
    ("equal-class-weights", .optimization, 0.1), ("smaller-batches", .optimization, 0.06),
    ("larger-batches", .optimization, 0.03),
    ("no-augmentation", .optimization, 0.06), ("finer-bins", .optimization, 0.03),
    ("batch-norm", .bias, 0.1), ("bigger-network", .bias, 0.08), ("train-longer", .bias, 0.08),
    ("less-regularization", .bias, 0.1),
    ("members", .variance, 0.15), ("augmentation", .variance, 0.3), ("more-dropout", .variance, 0.06),
    ("more-decay", .variance, 0.06), ("stronger-l2", .variance, 0.06), ("more-regularization", .variance, 0.1),
    ("smaller-network", .variance, 0.04), ("coarser-bins", .variance, 0.04), ("mixup", .variance, 0.04),
    ("label-smoothing", .variance, 0.02), ("linear-model", .variance, 0.05), ("early-stopping", .variance, 0.01),
  ]

  /// The names of all kinds of ideas.
  public static var names: [String] { kinds.map(\.name) }

  /// The ideas for a recipe, the most gain for a second of training first.
  ///
  /// - Parameters:
  ///   - run: A run of the recipe.
  ///   - seconds: The seconds that it took.
  ///   - linear: The recipe of the linear model, if it is one of the ideas.
  ///   - humanError: The reference for bias; nil: 0.
  static func all(for run: Run, seconds: Double, linear: Recipe?, humanError: Double?) -> [Idea] {
    let (recipe, split) = (run.recipe, run.split)
    let reference = recipe.automaticReference(on: split)
    let areImages = split.dataset.imageShape != nil
    var ideas = IdeaList(of: run, reference: reference, seconds: seconds, humanError: humanError)
    ideas.add("automatic-recipe", "the automatic recipe", "it trains well on most data", reference)
    for prescription in Prescription.againstBias(run) + Prescription.againstVariance(recipe, areImages: areImages) {
      ideas.add(prescription.name, prescription.what, prescription.why, prescription.recipe)
    }
    for alteration in Alteration.all(recipe, towards: reference, rate: nil, signals: nil)
    where !alteration.isOfWholeNetwork {
      guard let name = name(of: alteration.fault) else { continue }
      ideas.add(name, alteration.what, alteration.fault.reason, alteration.recipe)
    }
    ideas.addNear(recipe, isTable: !areImages, task: split.task)
    if let linear, !recipe.network.isLinear {
      ideas.add("linear-model", "the linear model", "it is simpler, and less likely to overfit", linear)
    }
    return ideas.ranked
  }

  /// The idea that mends a fault.
  private static func name(of fault: Fault.Name) -> String? {
    switch fault {
    case .learningRateTooHigh: "lower-learning-rate"
    case .learningRateTooLow: "higher-learning-rate"
    case .badSchedule: "cosine-decay"
    case .badOptimizer: "default-optimizer"
    case .trainedTooShort: "train-longer"
    case .largeBatches: "smaller-batches"
    case .smallBatches: "larger-batches"
    case .unshuffledRows: "shuffle"
    case .unscaledInputs: "standardize-inputs"
    case .harmfulAugmentation: "no-augmentation"
    case .badLoss: "default-loss"
    case .badWeights: "equal-class-weights"
    case .tooSmallNetwork: "bigger-network"
    case .badInitialization: "default-initialization"
    case .tooMuchRegularization: "less-regularization"
    case .tooLittleRegularization: "more-regularization"
    default: nil
    }
  }

  /// An accepted change, taken out of a recipe again; nil if that cannot be written as settings.
  init?(takingOut change: IdeaTrial, of recipe: Recipe, leaving rest: Recipe) {
    guard let settings = try? RecipeSettings(from: recipe, to: rest) else { return nil }
    (name, aim, what, why) = (change.name, change.aim, change.what, "what is not missed makes the recipe simpler")
    (self.recipe, self.settings, gain, seconds) = (rest, settings, 0, 0)
  }

  static func kind(_ name: String) -> (aim: Aim, share: Double)? {
    kinds.first { $0.name == name }.map { ($0.aim, $0.share) }
  }
}

/// Ideas for one recipe, each recipe once.
private struct IdeaList {
  private let run: Run
  private let seconds: Double
  private let base, reference: Recipe
  private let gaps: [Idea.Aim: Double]
  private var ideas: [Idea] = []
  /// What a change is worth that leads away from a recipe that trains well on most data.
  private static let away = 0.3

  init(of run: Run, reference: Recipe, seconds: Double, humanError: Double?) {
    (self.run, self.seconds) = (run, seconds)
    (base, self.reference) = (
      run.recipe.fixed(trainRows: run.split.trainCount), reference.resolved(trainRows: run.split.trainCount)
    )
    let floor = humanError ?? 0
    gaps = [
      .bias: max(0, run.train.score - floor), .variance: max(0, run.dev.score - max(floor, run.train.score)),
      .optimization: max(0, run.dev.score - floor),
    ]
  }

  /// The most gain for the work first; of equal ones in the order in which they were added. Beside its own training an idea costs
  /// about one of the reference's, so that a tiny network is not tuned for long before a better one is tried. Measured seconds would change the
  /// order from one time to the next.
  var ranked: [Idea] {
    ideas.enumerated().sorted {
      let (one, two) = (value($0.element), value($1.element))
      return one == two ? $0.offset < $1.offset : one > two
    }.map(\.element)
  }

  private func value(_ idea: Idea) -> Double { idea.gain / (work(idea.recipe) + work(reference)) }

  /// About how long a training takes: as long as the recipe's own, and more for more work, at the recipe's speed, or 10 billion
  /// multiplications a second. The smallest trainings spend their time on other things.
  private func seconds(of recipe: Recipe) -> Double {
    let (own, other) = (base.work(rows: run.split.trainCount), recipe.work(rows: run.split.trainCount))
    return max(0.01, seconds + (other - own) * min(seconds / own, 1e-10))
  }

  /// The work of a training over that of the recipe's own.
  private func work(_ recipe: Recipe) -> Double {
    recipe.work(rows: run.split.trainCount) / base.work(rows: run.split.trainCount)
  }

  /// How far a recipe is from the reference: the number of settings that differ, and the powers of ten between the learning rates.
  private func distance(_ recipe: Recipe) -> Double {
    let keys = (try? RecipeSettings(from: reference, to: recipe))?.list.count ?? 10
    let rates = recipe.optimizer.learningRate.peak / reference.optimizer.learningRate.peak
    return Double(keys) + (recipe.optimizer.algorithm == reference.optimizer.algorithm ? abs(log10(rates)) : 0)
  }

  mutating func add(_ name: String, _ what: String, _ why: String, _ recipe: Recipe) {
    let rows = run.split.trainCount
    let recipe = recipe.fixed(trainRows: rows)
    guard recipe.problem == nil, recipe != base, !ideas.contains(where: { $0.recipe == recipe }),
      let kind = Idea.kind(name), let settings = try? RecipeSettings(from: base, to: recipe),
      // A list of layers may not allow the change.
      (try? recipe.network.graph(
        input: run.model.preparation.inputShape, layout: run.model.preparation.inputLayout,
        outputs: run.model.graph.outputWidth)) != nil
    else { return }
    ideas.append(
      Idea(
        name: name, aim: kind.aim, what: what, why: why, recipe: recipe, settings: settings,
        gain: kind.share * (gaps[kind.aim] ?? 0) * (distance(recipe) > distance(base) ? Self.away : 1),
        seconds: seconds(of: recipe)))
  }

  private mutating func add(_ name: String, _ what: String, _ why: String, _ change: (inout Recipe) -> Void) {
    var recipe = base
    change(&recipe)
    add(name, what, why, recipe)
  }

  /// Changes of single settings to values near their own.
  mutating func addNear(_ recipe: Recipe, isTable: Bool, task: LearningTask) {
    if recipe.optimizer.algorithm != .lbfgs {
      let rate = recipe.optimizer.learningRate.peak
      for (name, factor) in [("lower-learning-rate", 1.0 / 3), ("higher-learning-rate", 3.0)] {
        let other = Double(Text.significant(rate * factor, digits: 1)) ?? rate * factor
        add(name, "a learning rate of \(Text.significant(other, digits: 1))", "the best one depends on the data") {
          $0.optimizer.learningRate.peak = other
        }
      }
      add("averaged-weights", "an average of the weights", "it removes the noise of the last steps") {
        $0.optimizer.average = .exponential(beta: 0.999)
      }
      if let decay = recipe.optimizer.decay, decay > 0 {
        add(
          "less-regularization", "less weight decay, \(Text.significant(decay / 5, digits: 2))",
          "it lets the network fit more"
        ) {
          $0.optimizer.decay = Double(Text.significant(decay / 5, digits: 2)) ?? decay / 5
        }
      }
      if recipe.mixup == 0, task != .regression {
        add("mixup", "mixup of 0.2", "it smooths the function between the rows") { $0.mixup = 0.2 }
      }
    }
    if isTable {
      if recipe.preparation.bins != 64 {
        add("finer-bins", "64 bins for each number", "they let the function change quickly") {
          $0.preparation.bins = 64
        }
      }
      if recipe.preparation.bins != 16 {
        add("coarser-bins", "16 bins for each number", "they leave less to memorize") { $0.preparation.bins = 16 }
      }
      for members in [8, 16] where recipe.network.members < members && recipe.network.members * 4 >= members {
        var settings = RecipeSettings()
        settings.set("network.members", to: Double(members))
        if let more = try? settings.apply(to: recipe) {
          add("members", "\(members) members", "the mean of several networks varies less", more)
        }
      }
    }
    if recipe.network.hiddenUnits.max() ?? 0 > 16 {
      add("smaller-network", "half as many units", "it has less to memorize with") {
        $0.network = $0.network.scalingUnits(by: 0.5)
      }
    }
    if task.isClassification, recipe.loss.smoothing == 0 {
      add("label-smoothing", "label smoothing of 0.05", "it keeps the probabilities from certainty") {
        $0.loss.smoothing = 0.05
      }
    }
  }
}

extension Recipe {
  /// The recipe with its automatic settings resolved, so that they are the same in all splits; but L-BFGS takes all rows of each.
  func fixed(trainRows: Int) -> Recipe {
    var copy = resolved(trainRows: trainRows)
    if optimizer.algorithm == .lbfgs { (copy.batchSize, copy.accumulation) = (nil, 1) }
    return copy
  }

  /// The automatic recipe with the decision and seed of this one, and its loss where that is meant.
  fileprivate func automaticReference(on split: Split) -> Recipe {
    var reference = Recipe.automatic(for: split.dataset)
    (reference.decision, reference.seed) = (decision, seed)
    // What is asked for another figure than the mean or the likeliest class is meant.
    reference.loss.classWeights = loss.classWeights
    switch loss.kind {
    case .quantile, .poisson: reference.loss.kind = loss.kind
    default: break
    }
    return reference
  }

  /// About how much work a training is: steps, multiplications of a row, and what each step costs beside them.
  fileprivate func work(rows: Int) -> Double {
    let widths = [50] + network.hiddenUnits + [5]
    let products = zip(widths, widths.dropFirst()).reduce(0) { $0 + Double($1.0 * $1.1) }
    let batch = Double(max(1, min(batchSize ?? rows, rows)))
    let steps = Double(epochs ?? 1) * Double(rows) / batch
    let members = Double(network.members)
    // A step costs what its products do, and the update of the weights, as much as a few rows.
    return steps * (products * (batch * members + 30) + 20_000) * (optimizer.algorithm == .lbfgs ? 1.5 : 1)
  }
}

extension Fault.Name {
  /// Why a setting may be the fault.
  fileprivate var reason: String {
    switch self {
    case .learningRateTooHigh: "the steps may be too large to settle"
    case .learningRateTooLow: "the steps may be too small to get there"
    case .badSchedule: "small last steps settle in the minimum"
    case .badOptimizer: "it may hold the steps back"
    case .trainedTooShort: "the train error may still fall"
    case .largeBatches: "there may be too few steps"
    case .smallBatches: "the gradient of few rows is noisy"
    case .unshuffledRows: "batches of similar rows pull to and fro"
    case .unscaledInputs: "inputs of different scales need different steps"
    case .harmfulAugmentation: "it may change what the images mean"
    case .badLoss: "it may not be what the error asks for"
    case .badWeights: "they may ask for another error than the one measured"
    case .tooSmallNetwork: "it can fit more"
    case .badInitialization: "signals should keep their size from layer to layer"
    case .tooMuchRegularization: "it lets the network fit more"
    case .tooLittleRegularization: "it keeps the network from memorizing"
    default: "it may be what holds the training back"
    }
  }
}
