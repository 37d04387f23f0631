import Dispatch
import Synchronization
import TartineData
import TartineEngine
import TartineNetworks

/// The training of a recipe: of its network, or of one for each of its seeds, side by side; each again on train and dev together
/// if the recipe refits.
final class Ensemble: @unchecked Sendable {
  /// The recipe with all automatic settings resolved.
  let recipe: Recipe
  let trainers: [Trainer]
  private let split: Split
  private let threads: Int
  private let end: ContinuousClock.Instant?
  /// The number of networks that are trained at once.
  private let atOnce: Int
  private let shared = Mutex(Shared())

  /// What the networks know of each other.
  private struct Shared {
    var next = 0
    var failure: (any Error)?
    /// Whether an observer stopped the first.
    var isStopped = false
  }

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
    atOnce = min(recipe.seeds, threads, Workers.processorCount)
    let (prepared, each) = (PreparedSplits(split), threads / atOnce)
    trainers = try (0..<recipe.seeds).map { number in
      var one = recipe
      one.seed &+= UInt64(number)
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
    // Those of a resumed training: whole rounds, and what the last one had come to.
    let rounds = Double((trainers.count + atOnce - 1) / atOnce)
    let before =
      trainers.enumerated().compactMap { number, trainer in
        trainer.secondsBefore.map { $0 + Double(number / atOnce) * 60 * (recipe.minutes ?? 0) / rounds }
      }.max() ?? 0
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
        let reason = self.shared.withLock { shared -> String? in
          if number == 0 { shared.isStopped = trainer.isStoppedByObserver }
          return shared.isStopped
            ? "the first network was stopped" : shared.failure.map { _ in "another network failed" }
        }
        if let reason { trainer.stop(because: reason) }
      }
      guard let again, !self.shared.withLock({ $0.isStopped || $0.failure != nil }) else { return [] }
      return try self.refit(trainer, number, on: whole, prepared: again, end: slots?.end(of: number))
    }
    return finish(seconds: (ContinuousClock.now - start).inSeconds, refits: refits)
  }

  /// Trains a network again on train and dev; where there is a time limit, so often, each from another seed, that each time takes
  /// about as long as until the kept epoch.
  private func refit(
    _ trainer: Trainer, _ number: Int, on whole: Split, prepared: PreparedSplits, end: ContinuousClock.Instant?
  ) throws -> [Trainer] {
    guard let end else { return [try trainer.refit(on: whole, prepared: prepared)].compactMap { $0 } }
    let (start, reach) = (ContinuousClock.now, trainer.reachOfKeptEpoch)
    let left = max(0, (end - start).inSeconds)
    let count = min(Self.mostRefits, max(1, Int((1 / reach).rounded())))
    let each = min(left / Double(count), 2 * reach * left)
    return try (0..<count).compactMap { time in
      try trainer.refit(
        on: whole, prepared: prepared, seed: trainer.recipe.seed &+ UInt64(time * trainers.count),
        end: start + .seconds(each * Double(time + 1)))
    }
  }

  /// The most refits of a network in the time that is left.
  private static let mostRefits = 8

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

  /// The results of a function for each network, some at once; empty for those that were not begun when the first was stopped.
  /// - Throws: the first error.
  private func sideBySide(_ work: (Int) throws -> [Trainer]) throws -> [[Trainer]] {
    shared.withLock { $0 = Shared() }
    let results = UnsafeMutableBufferPointer<[Trainer]>.allocate(capacity: trainers.count)
    results.initialize(repeating: [])
    defer {
      results.deinitialize()
      results.deallocate()
    }
    withoutActuallyEscaping(work) { work in
      // Each network is trained, and its result written, by one thread.
      nonisolated(unsafe) let (work, results) = (work, results)
      let loop = { @Sendable (_: Int) in
        while true {
          let number = self.shared.withLock { shared -> Int? in
            guard shared.failure == nil, !shared.isStopped, shared.next < results.count else { return nil }
            shared.next += 1
            return shared.next - 1
          }
          guard let number else { return }
          do {
            results[number] = try work(number)
          } catch {
            self.shared.withLock { $0.failure = $0.failure ?? error }
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
  ///
  /// - Parameter refits: Those of each network; they are the model if there is one of each.
  func finish(seconds: Double, refits: [[Trainer]] = []) -> Run {
    // A network without an epoch was not begun when the first was stopped.
    let trained = trainers.filter { !$0.history.isEmpty }
    let run = trainers[0].finish(seconds: seconds, with: Array(trained.dropFirst()), recipe: recipe, threads: threads)
    guard refits.count == trained.count, refits.allSatisfy({ !$0.isEmpty }) else { return run }
    let all = Array(refits.joined())
    let (model, refit) = (run.model, all[0].keptModel(with: Array(all.dropFirst())))
    var recipe = model.recipe
    recipe.seeds = all.count
    return run.with(
      Model(
        recipe: recipe, preparation: refit.preparation, graph: refit.graph, epoch: model.epoch,
        networks: refit.networks, decision: model.decision, conformal: model.conformal),
      seconds: seconds)
  }
}
