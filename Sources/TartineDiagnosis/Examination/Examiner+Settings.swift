import TartineData
import TartineTraining

extension Examiner {
  func checkBaseline(_ base: Attempt, _ reference: Attempt?) {
    let gain = Estimate.fall(
      from: baseline.outcomes, to: base.outcomes, isNumber: split.task == .regression, cases: cases)
    let other = reference.map { ", a recipe that is known to train \(unit.text($0.score))" } ?? ""
    found.checks.insert(
      Check(
        "baseline", gain.low > 0 ? .fine : gain.high < 0.1 * baseline.score ? .fault : .undecided, interval: gain,
        "an answer that looks at nothing has \(unit.text(baseline.score)) on dev, this network \(unit.text(base.score))"
          + other), at: 0)
  }

  /// A setting is at fault where it makes this share of what the other recipe is better by.
  private static let share = 0.3

  /// A recipe that loses less to another than these shares, of its own error, and surely of what can be learned, is not the
  /// best, and no failure either.
  private static let grave = (ofError: 0.2, ofLearnable: 0.02)

  /// Looks for the setting that keeps the recipe behind one that is known to train.
  ///
  /// - Parameter base: the mean of the recipe's seeds.
  func findTrouble(_ base: Attempt, _ reference: Attempt, _ delta: Double) {
    let deficit = leastGain(of: reference, over: base)
    let reading = Reading(deficit, worth: delta)
    found.checks.append(
      Check(
        "reference", reading == .present ? .fault : reading == .absent ? .fine : .undecided, interval: deficit,
        "a recipe that is known to train is \(unit.change(deficit))"))
    let isGrave =
      reading == .present && deficit.value > Self.grave.ofError * base.score
      && deficit.low > Self.grave.ofLearnable * (baseline.score - reference.score)
    if isGrave {
      findCures(base, reference, deficit, delta)
      if learnsByHeart, !found.faults.contains(where: { $0.gain != nil }) { nameOverfitting(deficit) }
      if !found.faults.contains(where: { $0.gain != nil }) { findDamage(base, reference, deficit) }
      // It is there, it was tried, and it mends whatever is wrong.
      found.prescriptions.append(
        Examination.Remedy(
          "the automatic recipe, in which all follows the rules", why: "it was tried: it is known to train",
          gain: deficit,
          recipe: reference.recipe))
      return
    }
    findSuspected(base, reference, delta)
    if !found.faults.contains(where: { $0.gain != nil }) { findOverfitting(base, delta) }
  }

  /// What signals speak against is tried, though it loses little: a fault if its change surely gains what matters.
  private func findSuspected(_ base: Attempt, _ reference: Attempt, _ delta: Double) {
    let suspects = suspects
    guard !suspects.isEmpty else { return }
    let alterations = Alteration.all(recipe, towards: reference.recipe, rate: usualRate, signals: signals).filter {
      suspects.contains($0.fault)
    }
    tryAll(alterations, over: base, delta) { $0.value > delta }
  }

  /// Tries one change after the other, and tells of those that surely help, the best first.
  ///
  /// - Parameter isCure: whether a sure gain is large enough for a fault.
  private func tryAll(
    _ alterations: [Alteration], over base: Attempt, _ delta: Double, isCure: (Estimate) -> Bool
  ) {
    var tried: [(alteration: Alteration, gain: Estimate)] = []
    for alteration in alterations
    where hasTime(for: seconds(of: alteration.recipe, base), to: "try \(alteration.what)") {
      progress("trying \(alteration.what)")
      if let made = attempt(alteration.recipe, alteration.what) {
        tried.append((alteration, leastGain(of: made, over: base)))
      }
    }
    func weighed(_ tried: (alteration: Alteration, gain: Estimate)) -> Double {
      tried.gain.value * Self.weight(of: tried.alteration.fault)
    }
    for (alteration, gain) in tried.sorted(by: { weighed($0) > weighed($1) }) {
      let isCure = gain.low > 0 && isCure(gain) && !(learnsByHeart && Self.underfits.contains(alteration.fault))
      found.checks.append(
        Check(
          alteration.fault.rawValue, isCure ? .fault : gain.high < delta ? .fine : .undecided, interval: gain,
          "with \(alteration.what) dev is \(unit.change(gain))"))
      if gain.low > 0 {
        found.prescriptions.append(
          Examination.Remedy(
            alteration.what, why: "it was tried: this setting alone brings the dev error down", gain: gain,
            recipe: alteration.recipe))
      }
      if isCure { add(alteration, gain, base) }
    }
  }

  /// What the checks before this one speak against.
  private var suspects: Set<Fault.Name> {
    var names: Set<Fault.Name> = []
    if let fault = signals?.fault { names.insert(fault) }
    for check in found.checks where check.verdict != .fine {
      switch check.name {
      case "dead-units": names.formUnion([.deadUnits, .learningRateTooHigh, .badInitialization])
      case "gradient-ratio": names.formUnion([.vanishingGradients, .explodingGradients, .badInitialization])
      case "initial-loss": names.insert(.badInitialization)
      case "learning-rate-range":
        let rate = recipe.optimizer.learningRate.initial
        names.insert((usualRate ?? rate) < rate ? .learningRateTooHigh : .learningRateTooLow)
      case "seeds": names.insert(.learningRateTooHigh)
      default: break
      }
    }
    return names
  }

  /// Faults of a network that does not learn even the rows that it is given.
  private static let underfits: Set<Fault.Name> = [
    .learningRateTooLow, .trainedTooShort, .tooSmallNetwork, .largeBatches, .tooMuchRegularization, .vanishingGradients,
  ]

  /// Whether it has learned its rows, and those alone: what else lowers the dev error, as a higher rate may, does so by keeping it
  /// from that.
  private var learnsByHeart: Bool {
    guard let run = found.runs.first, found.diagnosis?.variance.reading == .present else { return false }
    return run.train.score < 0.25 * run.dev.score
  }

  /// No one setting mends it, and it has learned its rows: what the other recipe has, it lacks.
  private func nameOverfitting(_ deficit: Estimate) {
    found.faults.append(
      Fault(
        name: .tooLittleRegularization,
        evidence:
          "it has learned its rows by heart, which no one setting mends, and with the automatic recipe the dev error falls by "
          + unit.difference(deficit),
        action: "take the automatic recipe", gain: deficit))
  }

  /// A network that trains as well as any here, but learns its rows by heart: whether more regularization than that helps.
  private func findOverfitting(_ base: Attempt, _ delta: Double) {
    guard let variance = found.diagnosis?.variance, variance.reading == .present, let gap = variance.difference,
      gap.value > 0.5 * base.score, base.score > 0.1 * baseline.score
    else { return }
    tryAll(Alteration.moreRegularization(recipe), over: base, delta) { gain in
      gain.low > Self.grave.ofLearnable * (baseline.score - base.score) && gain.value > Self.grave.ofError * base.score
    }
  }

  private func add(_ alteration: Alteration, _ gain: Estimate, _ base: Attempt) {
    guard !found.faults.contains(where: { $0.name == alteration.fault }) else { return }
    found.faults.append(
      Fault(
        name: alteration.fault,
        evidence: (base.divergence.map { "\($0); " } ?? "")
          + "with \(alteration.what) the dev error falls by \(unit.difference(gain))",
        action: "take \(alteration.what)", gain: gain))
  }

  /// Puts one setting after the other to what the reference has: what brings most of the error down was the fault.
  private func findCures(_ base: Attempt, _ reference: Attempt, _ deficit: Estimate, _ delta: Double) {
    let alterations = Alteration.all(recipe, towards: reference.recipe, rate: usualRate, signals: signals)
    tryAll(alterations, over: base, delta) { $0.value > Self.share * deficit.value }
  }

  /// Where several mend it about as well: what signals speak for before all else, and last what helps whatever is wrong.
  static func weight(of fault: Fault.Name) -> Double {
    switch fault {
    case .vanishingGradients, .explodingGradients: 1.3
    case .trainedTooShort, .learningRateTooLow, .tooSmallNetwork: 0.85
    default: 1
    }
  }

  /// Where no one setting mends it, several are wrong: those that alone ruin a recipe that trains.
  private func findDamage(_ base: Attempt, _ reference: Attempt, _ deficit: Estimate) {
    for damage in Damage.all(recipe, into: reference.recipe, signals: signals)
    where hasTime(for: seconds(of: damage.recipe, base), to: "try \(damage.what)") {
      progress("trying \(damage.what)")
      guard let ruined = attempt(damage.recipe, damage.what) else { continue }
      let loss = ruined.gain(of: reference, seedVariance: 0, cases: cases)
      let isRuin = loss.low > 0 && loss.value > Self.share * deficit.value
      found.checks.append(
        Check(
          damage.fault.rawValue, isRuin ? .fault : .fine, interval: loss,
          "a recipe that is known to train is worse with \(damage.what) by \(unit.difference(loss))"))
      guard isRuin, !found.faults.contains(where: { $0.name == damage.fault }) else { continue }
      found.faults.append(
        Fault(
          name: damage.fault,
          evidence: (base.divergence.map { "\($0); " } ?? "")
            + "in a recipe that is known to train, \(damage.what) alone makes the dev error higher by \(unit.difference(loss))",
          action: "leave that setting out, so that it follows the rules", gain: loss))
    }
  }
}
