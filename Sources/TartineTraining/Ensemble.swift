import Dispatch
import Synchronization
import TartineData
import TartineEngine
import TartineNetworks

/// The training of a recipe: of its network, or of one for each of its seeds, side by side; each again on train and dev together
/// if the recipe refits.
final class Ensemble {
  /// The recipe with all automatic settings resolved.
  let recipe: Recipe
  let trainers: [Trainer]
  private let split: Split
  private let threads: Int
  private let end: ContinuousClock.Instant?
  /// The number of networks that are trained at once.
  private let atOnce: Int

  /// - Parameters:
  ///   - observers: They follow the first network. If they stop it, the others stop after their current epoch.
  ///   - end: When the training ends, with its last evaluation; nil: after its epochs, or the recipe's minutes.
  init(
    _ recipe: Recipe, split: Split, threads: Int?, observers: [any TrainingObserver] = [],
    end: ContinuousClock.Instant? = nil
  ) throws {
    if let problem = recipe.problem { throw RecipeError(problem + ".") }
    self.end = recipe.minutes.map { end ?? .now + .seconds(60 * $0) }
    self.split = split
    self.threads = threads ?? Workers.processorCount
    let threads = self.threads
    atOnce = min(recipe.seeds, threads)
    let (prepared, each) = (PreparedSplits(split), threads / atOnce)
    trainers = try (0..<recipe.seeds).map { number in
      var one = recipe
      one.seed += UInt64(number)
      return try Trainer(
        one, split: split, prepared: prepared, threads: each, observers: number == 0 ? observers : [])
    }
    var resolved = trainers[0].recipe
    resolved.seeds = recipe.seeds
    self.recipe = resolved
  }

  // MARK: Training

  /// Trains all networks.
  ///
  /// - Parameter afterEpoch: Called with the number of the network after each epoch, to write a checkpoint; by several threads if
  ///   there are several networks.
  /// - Throws: `DivergenceError` of the first network that diverges; what `afterEpoch` throws.
  func run(afterEpoch: (Int, Trainer) throws -> Void = { _, _ in }) throws -> Run {
    let start = ContinuousClock.now
    let before = trainers.compactMap(\.secondsBefore).max() ?? 0
    let slots = end.map {
      Slots(from: start, to: $0 - .seconds(secondsOfFinish + before), networks: trainers.count, atOnce: atOnce)
    }
    let whole = split.with(train: (split.train + split.dev).sorted())
    let again = recipe.refit ? PreparedSplits(whole) : nil
    let refits = try sideBySide { number in
      let trainer = self.trainers[number]
      if let slots {
        let share = again == nil ? 1 : Double(self.split.trainCount) / Double(self.split.trainCount + whole.trainCount)
        trainer.limit(to: slots.end(of: number, share: share))
      }
      try trainer.run { trainer, _ in
        try afterEpoch(number, trainer)
        if number > 0, self.trainers[0].isStoppedByObserver { trainer.stop(because: "the first network was stopped") }
      }
      guard let again, !self.trainers[0].isStoppedByObserver else { return nil }
      return try trainer.refit(on: whole, prepared: again, end: slots?.end(of: number))
    }
    return finish(seconds: (ContinuousClock.now - start).inSeconds, refits: refits.compactMap { $0 })
  }

  /// The times at which networks end that are trained one round after the other.
  private struct Slots {
    let start: ContinuousClock.Instant
    let length: Double
    let atOnce: Int

    init(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant, networks: Int, atOnce: Int) {
      self.start = start
      self.atOnce = atOnce
      length = max(0, (end - start).inSeconds) / Double((networks + atOnce - 1) / atOnce)
    }

    func end(of number: Int, share: Double = 1) -> ContinuousClock.Instant {
      start + .seconds(length * (Double(number / atOnce) + share))
    }
  }

  /// The results of a function for each network, some at once; nil for those not reached after an error.
  /// - Throws: the first error.
  private func sideBySide(_ work: (Int) throws -> Trainer?) throws -> [Trainer?] {
    let shared = Mutex<(next: Int, failure: (any Error)?)>((0, nil))
    let results = UnsafeMutableBufferPointer<Trainer?>.allocate(capacity: trainers.count)
    results.initialize(repeating: nil)
    defer {
      results.deinitialize()
      results.deallocate()
    }
    withoutActuallyEscaping(work) { work in
      // Each network is trained, and its result written, by one thread.
      nonisolated(unsafe) let (work, results) = (work, results)
      let loop = { @Sendable (_: Int) in
        while true {
          let number = shared.withLock { shared -> Int? in
            guard shared.failure == nil, shared.next < results.count else { return nil }
            shared.next += 1
            return shared.next - 1
          }
          guard let number else { return }
          do {
            results[number] = try work(number)
          } catch {
            shared.withLock { $0.failure = $0.failure ?? error }
          }
        }
      }
      // A single network is trained on the caller's thread, with its observers.
      if atOnce == 1 { loop(0) } else { DispatchQueue.concurrentPerform(iterations: atOnce, execute: loop) }
    }
    if let failure = shared.withLock({ $0.failure }) { throw failure }
    return Array(results)
  }

  /// About how long ``finish(seconds:refits:)`` takes: the time of an evaluation of each network.
  private var secondsOfFinish: Double { trainers[0].secondsOfFinish * Double(trainers.count) }

  // MARK: Results

  /// The run of what has been trained.
  func finish(seconds: Double, refits: [Trainer] = []) -> Run {
    // A network without an epoch was not begun when the first was stopped.
    let trained = trainers.filter { !$0.history.isEmpty }
    let run = trainers[0].finish(seconds: seconds, with: Array(trained.dropFirst()), recipe: recipe)
    guard let first = refits.first, refits.count == trained.count else { return run }
    let (model, refit) = (run.model, first.keptModel(with: Array(refits.dropFirst())))
    return run.with(
      Model(
        recipe: model.recipe, preparation: refit.preparation, graph: refit.graph, epoch: model.epoch,
        networks: refit.networks, decision: model.decision, conformal: model.conformal),
      seconds: seconds)
  }
}
