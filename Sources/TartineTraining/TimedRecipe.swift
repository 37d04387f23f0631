import TartineData
import TartineNetworks

extension Recipe {
  /// Returns the automatic recipe in the size that the time allows, by the measured time of its steps.
  ///
  /// Of these the first whose usual number of epochs takes at most the time: eight members with a ``refit``, eight members without,
  /// four members, one network. Where even that takes more, it is trained for fewer epochs. From twice the time of the usual
  /// epochs on there are more seeds, at most eight (``seeds``); the rest is for more epochs.
  ///
  /// - Parameters:
  ///   - seconds: The time of the training.
  ///   - split: The data, a table.
  ///   - refits: Whether the recipe refits; nil: where the time allows it.
  ///   - keepsSeeds: Whether the number of seeds stays as it is.
  ///   - threads: The number of threads, by default that of the processors.
  /// - Returns: The recipe, or this one where its network is not the automatic one, or the data are images.
  package func sized(
    for seconds: Double, on split: Split, refits: Bool? = nil, keepsSeeds: Bool = false, threads: Int? = nil
  ) throws -> Recipe {
    guard hasAutomaticNetwork, case .table = split.dataset.inputs else { return self }
    let again = Double(split.trainCount + split.devCount) / Double(max(1, split.trainCount))
    let prepared = PreparedSplits(split)
    // No more than a small part of the time is for measuring.
    let most = 0.01 * seconds
    var smallest = self
    let (many, some) = (Self.tabularMembers, Self.automaticMembers)
    for (members, refit) in [
      (many, refits ?? true), (many, refits ?? false), (some, refits ?? false), (1, refits ?? false),
    ] {
      var recipe = self
      recipe.network = Self.automatic(members: members).network
      recipe.refit = refit
      smallest = recipe
      if members == 1 { break }
      let trainer = try Trainer(
        recipe.minutes(nil), split: split, prepared: prepared, threads: threads, measures: .dev, observers: [])
      let whole = try trainer.secondsOfAll(within: most) * (refit ? 1 + again : 1)
      guard whole * Double(seeds) <= seconds else { continue }
      if keepsSeeds || seeds > 1 { return recipe }
      let networks = min(8, Int(seconds / (2 * whole)))
      let atOnce = min(max(1, networks), trainer.threads)
      recipe.seeds = max(1, networks / atOnce * atOnce)
      return recipe
    }
    return smallest
  }
}

extension Trainer {
  /// About how long all epochs take, by some first steps and an evaluation; the network is trained a little.
  fileprivate func secondsOfAll(within most: Double) throws -> Double {
    let start = ContinuousClock.now
    var (steps, warm) = (0, start)
    while steps < 24 {
      let next = try advance()
      steps += 1
      // The first steps meet cold caches.
      if steps == 3 { warm = .now }
      if next.record != nil && cut.count > 1 || steps > 4 && (ContinuousClock.now - start).inSeconds > most { break }
    }
    let measured = steps > 3 ? Double(steps - 3) / (ContinuousClock.now - warm).inSeconds : 0
    let each = measured > 0 ? 1 / measured : (ContinuousClock.now - start).inSeconds / Double(max(1, steps))
    return (each * Double(cut.count) + secondsOfEvaluations) * Double(recipe.epochs ?? 1)
  }
}
