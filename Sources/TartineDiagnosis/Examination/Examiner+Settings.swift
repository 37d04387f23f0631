import TartineData
import TartineTraining

extension Examiner {
  func checkBaseline(_ base: Attempt, _ reference: Attempt) {
    found.checks.insert(
      Check(
        "baseline", base.score < 0.9 * baseline.score ? .fine : .fault, statistic: baseline.score,
        "an answer that looks at nothing has \(unit.text(baseline.score)) on dev, this network \(unit.text(base.score)), "
          + "a recipe that is known to train \(unit.text(reference.score))"), at: 0)
  }

  /// A setting is at fault where it makes this share of what the other recipe is better by.
  private static let share = 0.3

  /// A recipe that loses less to another than these shares, of its own error and of what can be learned, is not the best, and
  /// no failure either.
  private static let grave = (ofError: 0.2, ofLearnable: 0.04)

  /// Looks for the setting that keeps the recipe behind one that is known to train.
  func findTrouble(_ base: Attempt, _ reference: Attempt, _ delta: Double) throws {
    let deficit = base.gain(of: reference)
    let reading = Reading(deficit, worth: delta)
    found.checks.append(
      Check(
        "reference", reading == .present ? .fault : reading == .absent ? .fine : .undecided, interval: deficit,
        "a recipe that is known to train is better by \(unit.difference(deficit))"))
    guard reading == .present, deficit.value > Self.grave.ofError * base.score,
      deficit.value > Self.grave.ofLearnable * (baseline.score - reference.score)
    else { return }
    try findCures(base, reference, deficit, delta)
    if !found.faults.contains(where: { $0.gain != nil }) { try findDamage(base, reference, deficit) }
  }

  /// Puts one setting after the other to what the reference has: what brings most of the error down was the fault.
  private func findCures(_ base: Attempt, _ reference: Attempt, _ deficit: Estimate, _ delta: Double) throws {
    var tried: [(alteration: Alteration, gain: Estimate)] = []
    for alteration in Alteration.all(recipe, towards: reference.recipe, signals: signals)
    where hasTime(for: max(base.seconds, 0.01) * 2) {
      progress("trying \(alteration.what)")
      tried.append((alteration, base.gain(of: try attempt(alteration.recipe))))
    }
    for (alteration, gain) in tried.sorted(by: { $0.gain.value > $1.gain.value }) {
      let isCure = gain.low > 0 && gain.value > Self.share * deficit.value
      found.checks.append(
        Check(
          alteration.fault.rawValue, isCure ? .fault : gain.high < delta ? .fine : .undecided, interval: gain,
          "with \(alteration.what) dev is better by \(unit.difference(gain))"))
      if gain.low > 0 {
        found.prescriptions.append(
          Examination.Remedy(
            what: alteration.what, why: "it was tried: this setting alone brings the dev error down", gain: gain,
            flags: alteration.flags, recipe: alteration.recipe))
      }
      guard isCure, !found.faults.contains(where: { $0.name == alteration.fault }) else { continue }
      found.faults.append(
        Fault(
          name: alteration.fault,
          evidence: (base.divergence.map { "\($0); " } ?? "")
            + "with \(alteration.what) the dev error falls by \(unit.difference(gain))",
          action: alteration.what, gain: gain))
    }
  }

  /// Where no one setting mends it, several are wrong: those that alone ruin a recipe that trains.
  private func findDamage(_ base: Attempt, _ reference: Attempt, _ deficit: Estimate) throws {
    for damage in Damage.all(recipe, into: reference.recipe, signals: signals)
    where hasTime(for: max(reference.seconds, 0.01) * 2) {
      progress("trying \(damage.what)")
      let loss = try attempt(damage.recipe).gain(of: reference)
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
