import TartineData
import TartineTraining

extension Examiner {
  func checkBaseline(_ base: Attempt, _ reference: Attempt?) {
    let gain = Estimate.fall(
      from: baseline.outcomes, to: base.outcomes, isNumber: split.task == .regression, cases: cases)
    let other = reference.map { ", the reference recipe \(unit.text($0.score))" } ?? ""
    let check = Check(
      "baseline", gain.low > 0 ? .fine : gain.high < 0.1 * baseline.score ? .fault : .undecided, interval: gain,
      "the constant baseline has \(unit.text(baseline.score)) on dev, this network \(unit.text(base.score))" + other)
    found.checks.insert(check, at: 0)
    found.baselineDoubt = check.verdict == .fine ? nil : check
  }

  /// The minimum share of the difference to the reference that a faulty setting accounts for.
  private static let share = 0.3

  /// A recipe whose deficit to the reference is below these shares, of its own error and of what can be
  /// learned, is not the best but has no fault.
  private static let grave = (ofError: 0.2, ofLearnable: 0.02)

  /// Finds the setting that makes the recipe worse than the reference.
  ///
  /// - Parameter base: The mean of the recipe's seeds.
  func findTrouble(_ base: Attempt, _ reference: Attempt, _ delta: Double) {
    let deficit = leastGain(of: reference, over: base)
    let reading = Reading(deficit, worth: delta)
    found.checks.append(
      Check(
        "reference", reading == .present ? .fault : reading == .absent ? .fine : .undecided, interval: deficit,
        "the reference recipe is \(unit.change(deficit))"))
    let isGrave =
      reading == .present && deficit.value > Self.grave.ofError * base.score
      && deficit.low > Self.grave.ofLearnable * (baseline.score - reference.score)
    if isGrave {
      findCures(base, reference, deficit, delta)
      if learnsByHeart, !found.faults.contains(where: { $0.gain != nil }) { nameOverfitting(deficit) }
      if !found.faults.contains(where: { $0.gain != nil }) { findDamage(base, reference, deficit) }
      // The reference was trained, and fixes whatever is wrong.
      found.prescriptions.append(
        Examination.Remedy(
          "the automatic recipe, with all settings chosen automatically", why: "it was tried, and trains well",
          gain: deficit,
          recipe: reference.recipe))
      return
    }
    findSuspected(base, reference, delta)
    if !found.faults.contains(where: { $0.gain != nil }) { findOverfitting(base, delta) }
  }

  /// Tries what the signals point at, even if the deficit is small: a fault if its change significantly gains
  /// what matters.
  private func findSuspected(_ base: Attempt, _ reference: Attempt, _ delta: Double) {
    let suspects = suspects
    guard !suspects.isEmpty else { return }
    let alterations = Alteration.all(recipe, towards: reference.recipe, rate: defaultRate, signals: signals).filter {
      suspects.contains($0.fault)
    }
    tryAll(alterations, over: base, delta) { $0.value > delta }
  }

  /// Tries one change after the other, and reports those that significantly help, best first.
  ///
  /// - Parameter isCure: Whether a significant gain is large enough for a fault.
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
      tried.gain.value * Self.weight(of: tried.alteration.fault) * (tried.alteration.isOfWholeNetwork ? 0.5 : 1)
    }
    for (alteration, gain) in tried.sorted(by: { weighed($0) > weighed($1) }) {
      // Another network helps whatever is wrong in it, so it is the fault only if nothing in it is.
      let isExplained = alteration.isOfWholeNetwork && found.faults.contains { $0.gain != nil }
      let isCure =
        gain.low > 0 && isCure(gain) && !isExplained
        && !(learnsByHeart && Self.underfits.contains(alteration.fault))
      found.checks.append(
        Check(
          alteration.fault.rawValue, isCure ? .fault : gain.high < delta ? .fine : .undecided, interval: gain,
          "with \(alteration.what) dev is \(unit.change(gain))"))
      if gain.low > 0 {
        found.prescriptions.append(
          Examination.Remedy(
            alteration.what, why: "it was tried: this setting alone reduces the dev error", gain: gain,
            recipe: alteration.recipe))
      }
      if isCure { add(alteration, gain, base) }
    }
  }

  /// The faults that the checks before this one point at.
  private var suspects: Set<Fault.Name> {
    var names: Set<Fault.Name> = []
    if let fault = signals?.fault { names.insert(fault) }
    for check in found.checks where check.verdict != .fine { names.formUnion(check.suspects) }
    return names
  }

  /// The faults of a network that does not even fit the train set.
  private static let underfits: Set<Fault.Name> = [
    .learningRateTooLow, .trainedTooShort, .tooSmallNetwork, .largeBatches, .tooMuchRegularization, .vanishingGradients,
  ]

  /// Whether the network overfits: other changes that lower the dev error, such as a higher learning rate,
  /// then do so by hindering it from memorizing the train set.
  private var learnsByHeart: Bool {
    guard let run = found.runs.first, found.diagnosis?.variance.reading == .present else { return false }
    return run.train.score < 0.25 * run.dev.score
  }

  /// Reports overfitting if no single setting fixes it: the reference recipe regularizes more.
  private func nameOverfitting(_ deficit: Estimate) {
    found.faults.append(
      Fault(
        name: .tooLittleRegularization,
        evidence:
          "it has memorized the training set, no single setting fixes that, and with the automatic recipe the dev error falls by "
          + unit.difference(deficit),
        action: "use the automatic recipe", gain: deficit))
  }

  /// Tries more regularization on a network that trains as well as the reference but memorizes the training
  /// set.
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
        action: "use \(alteration.what)", gain: gain))
  }

  /// Changes one setting after the other to that of the reference: the one that reduces most of the error was
  /// the fault.
  private func findCures(_ base: Attempt, _ reference: Attempt, _ deficit: Estimate, _ delta: Double) {
    let alterations = Alteration.all(recipe, towards: reference.recipe, rate: defaultRate, signals: signals)
    tryAll(alterations, over: base, delta) { $0.value > Self.share * deficit.value }
  }

  /// Orders changes with about the same effect: first those that the signals point at, last those that help
  /// whatever is wrong.
  static func weight(of fault: Fault.Name) -> Double {
    switch fault {
    case .vanishingGradients, .explodingGradients: 1.3
    case .trainedTooShort, .learningRateTooLow, .tooSmallNetwork: 0.85
    default: 1
    }
  }

  /// If no single setting fixes it, several are wrong: finds those that alone make the reference recipe fail.
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
          "the reference recipe is worse with \(damage.what) by \(unit.difference(loss))"))
      guard isRuin, !found.faults.contains(where: { $0.name == damage.fault }) else { continue }
      found.faults.append(
        Fault(
          name: damage.fault,
          evidence: (base.divergence.map { "\($0); " } ?? "")
            + "in the reference recipe, \(damage.what) alone raises the dev error by \(unit.difference(loss))",
          action: "leave that setting out, so that it is chosen automatically", gain: loss))
    }
  }
}
