import TartineData
import TartineTraining

extension Examiner {
  func checkBaseline(_ base: Attempt, _ reference: Attempt?) {
    let gain = Estimate.fall(from: baseline.outcomes, to: base.outcomes, isNumber: split.task == .regression)
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
  private static let grave = (ofError: 0.25, ofLearnable: 0.02)

  /// Looks for the setting that keeps the recipe behind one that is known to train.
  func findTrouble(_ base: Attempt, _ reference: Attempt, _ delta: Double) {
    let deficit = gain(of: reference, over: base)
    let reading = Reading(deficit, worth: delta)
    found.checks.append(
      Check(
        "reference", reading == .present ? .fault : reading == .absent ? .fine : .undecided, interval: deficit,
        "a recipe that is known to train is better by \(unit.difference(deficit))"))
    guard reading == .present, deficit.value > Self.grave.ofError * base.score,
      deficit.low > Self.grave.ofLearnable * (baseline.score - reference.score)
    else { return findOverfitting(base, delta) }
    findCures(base, reference, deficit, delta)
    if !found.faults.contains(where: { $0.gain != nil }) { findDamage(base, reference, deficit) }
  }

  /// A network that trains as well as any here, but learns its rows by heart: whether more regularization than that helps.
  private func findOverfitting(_ base: Attempt, _ delta: Double) {
    guard let variance = found.diagnosis?.variance, variance.reading == .present, let gap = variance.difference,
      gap.value > 0.5 * base.score, base.score > 0.1 * baseline.score
    else { return }
    for alteration in Alteration.moreRegularization(recipe) where hasTime(for: 2 * seconds(of: alteration.recipe, base))
    {
      progress("trying \(alteration.what)")
      guard let tried = attempt(alteration.recipe) else { continue }
      let gain = gain(of: tried, over: base)
      let isCure =
        gain.low > Self.grave.ofLearnable * (baseline.score - base.score)
        && gain.value > Self.grave.ofError * base.score
      found.checks.append(
        Check(
          alteration.fault.rawValue, isCure ? .fault : gain.high < delta ? .fine : .undecided, interval: gain,
          "with \(alteration.what) dev is better by \(unit.difference(gain))"))
      if isCure { add(alteration, gain, base) }
    }
  }

  private func add(_ alteration: Alteration, _ gain: Estimate, _ base: Attempt) {
    guard !found.faults.contains(where: { $0.name == alteration.fault }) else { return }
    found.faults.append(
      Fault(
        name: alteration.fault,
        evidence: (base.divergence.map { "\($0); " } ?? "")
          + "with \(alteration.what) the dev error falls by \(unit.difference(gain))",
        action: alteration.what, gain: gain))
  }

  /// Puts one setting after the other to what the reference has: what brings most of the error down was the fault.
  private func findCures(_ base: Attempt, _ reference: Attempt, _ deficit: Estimate, _ delta: Double) {
    var tried: [(alteration: Alteration, gain: Estimate)] = []
    for alteration in Alteration.all(recipe, towards: reference.recipe, signals: signals)
    where hasTime(for: 2 * seconds(of: alteration.recipe, base)) {
      progress("trying \(alteration.what)")
      if let made = attempt(alteration.recipe) { tried.append((alteration, gain(of: made, over: base))) }
    }
    func weighed(_ tried: (alteration: Alteration, gain: Estimate)) -> Double {
      tried.gain.value * Self.weight(of: tried.alteration.fault)
    }
    for (alteration, gain) in tried.sorted(by: { weighed($0) > weighed($1) }) {
      let isCure = gain.low > 0 && gain.value > Self.share * deficit.value
      found.checks.append(
        Check(
          alteration.fault.rawValue, isCure ? .fault : gain.high < delta ? .fine : .undecided, interval: gain,
          "with \(alteration.what) dev is better by \(unit.difference(gain))"))
      if gain.low > 0 {
        found.prescriptions.append(
          Examination.Remedy(
            alteration.what, why: "it was tried: this setting alone brings the dev error down", gain: gain,
            recipe: alteration.recipe))
      }
      if isCure { add(alteration, gain, base) }
    }
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
    where hasTime(for: 2 * seconds(of: damage.recipe, base)) {
      progress("trying \(damage.what)")
      guard let ruined = attempt(damage.recipe) else { continue }
      let loss = gain(of: reference, over: ruined)
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
          action: "take what --recipe automatic has in its place", gain: loss))
    }
  }
}
