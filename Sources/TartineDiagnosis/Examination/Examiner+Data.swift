import TartineData
import TartineFiles
import TartineTraining

extension Examiner {
  // MARK: Findings of the inspection

  func checkData() {
    let kinds: [DataWarning.Kind: Fault.Name] = [
      .leakingColumn: .leakingColumn, .duplicatesAcrossSplit: .duplicatesAcrossSplit,
      .differentDistribution: .differentDistribution, .identifierColumn: .identifierColumn,
      .constantColumn: .constantColumn, .unfitTest: .unfitTest,
    ]
    for warning in found.inspection.warnings {
      let column = warning.column.map { "'\($0)': " } ?? ""
      let name = kinds[warning.name].flatMap { warning.isFault ? $0 : nil }
      found.checks.append(
        Check(
          warning.name.rawValue, name == nil ? .undecided : .fault, column + warning.evidence, action: warning.action))
      guard let name, !found.faults.contains(where: { $0.name == name }) else { continue }
      found.faults.append(Fault(name: name, evidence: column + warning.evidence, action: warning.action))
    }
  }

  /// Whether two sets come from clearly different sources.
  func isDifferent(_ first: String, _ second: String) -> Bool {
    found.inspection.sameDistribution.contains { $0.first == first && $0.second == second && $0.isClear }
  }

  // MARK: Faults of the data

  /// - Parameter better: The better of the recipe's training and the reference's.
  func findDataFaults(_ better: Attempt, _ delta: Double) {
    let folds =
      hasTime(for: better.seconds * 5, to: "compute out-of-fold predictions") ? judge(by: better.recipe) : nil
    // A few outlying targets hide everything that is learned from a mean of squares.
    if let folds { findOutliers(folds) }
    if !found.faults.contains(where: { $0.name == .outlyingTargets }), isBlind(folds ?? better.run?.dev, delta) {
      found.faults.append(
        Fault(
          name: .noSignal,
          evidence:
            "neither this network nor the reference recipe is better than the constant baseline",
          action: "look for columns that are related to the target"))
      // What a setting seems to gain was chosen on the same dev rows, and is luck.
      found.faults.removeAll { $0.gain != nil }
      return
    }
    if let folds { findLabelNoise(folds) }
    findRareClass(folds ?? found.runs.first?.dev)
    findTooFewRows(better, folds)
  }

  /// Whether nothing that matters was learned: predictions are hardly better than the constant baseline, and
  /// neither are probabilities, which are informative even if a rare class is never predicted.
  private func isBlind(_ judged: Evaluation?, _ delta: Double) -> Bool {
    guard let judged else { return false }
    let gain = Estimate.fall(
      from: Baseline.outcomes(of: judged), to: judged.outcomes, isNumber: split.task == .regression,
      cases: judged.cases)
    // If there is a signal, several hundred rows mostly show it significantly.
    let isBlind = gain.low <= 0 && gain.high < 2 * delta && !isInOrder(judged)
    found.checks.append(
      Check(
        "signal", isBlind ? .fault : gain.low > 0 ? .fine : .undecided, interval: gain,
        "out-of-fold predictions are better than the constant baseline by \(unit.difference(gain))"
      ))
    guard isBlind else { return false }
    let metrics = Metrics(judged)
    // A rare class that is never predicted is a fault of its own.
    guard !metrics.byClass.contains(where: { Self.isRare($0, metrics.byClass) }) else { return false }
    guard let area = metrics["roc-auc"] ?? metrics["roc-auc-macro"] else { return true }
    return area.low <= 0.5 && area.high < 0.65
  }

  /// Whether predicted numbers increase with the true ones: a few outliers hide this in a mean of squares.
  private func isInOrder(_ judged: Evaluation) -> Bool {
    guard split.task == .regression else { return false }
    let order = HypothesisTest.rankCorrelation(judged.predictions, judged.truths)
    return order * Double(judged.rowCount).squareRoot() > 3
  }

  /// A few outlying targets that account for most of the squared error.
  private func findOutliers(_ judged: Evaluation) {
    guard let warning = found.inspection.warnings.first(where: { $0.name == .outlyingTargets }) else { return }
    let sorted = judged.outcomes.sorted(by: >)
    let most = sorted.prefix(max(1, sorted.count / 50)).reduce(0, +) / max(sorted.reduce(0, +), .leastNormalMagnitude)
    guard most > 0.5 else { return }
    found.faults.append(
      Fault(
        name: .outlyingTargets,
        evidence:
          "\(Text.fixed(most * 100, decimals: 0)) % of the squared error comes from one row in 50: \(warning.evidence)",
        action: warning.action))
  }

  /// The out-of-fold predictions for train and dev; nil if there can be no folds.
  private func judge(by recipe: Recipe) -> Evaluation? {
    // The past is not predicted from the future.
    if case .time = split.method { return nil }
    progress("computing out-of-fold predictions")
    var judged: Evaluation?
    tolerate("out-of-fold predictions") {
      judged = try recipe.crossValidate(on: split, folds: Self.folds, threads: threads).pooled
    }
    return judged
  }

  private static let folds = 4

  /// Above this share of the constant baseline's error, there is much left to learn; for a root, the root of
  /// that share.
  private static let poorShare = (share: 0.15, root: 0.39)
  /// The increase of the error with a quarter of the rows, as a share of it; a root grows half as fast.
  private static let steepness = (share: 0.36, root: 0.23)
  /// For fewer rows than out-of-fold predictions need: the train error as a share of the out-of-fold error,
  /// and the increase with a quarter of the rows.
  private static let byHeart = (train: 0.2, fall: 0.1)

  /// Finds variance that only more rows can reduce: with a quarter of them the error is much higher.
  private func findTooFewRows(_ better: Attempt, _ folds: Evaluation?) {
    let poor = split.task == .regression ? Self.poorShare.root : Self.poorShare.share
    guard found.faults.isEmpty, let run = better.run, let folds, folds.score > poor * baseline.score,
      run.train.score < 0.7 * folds.score,
      hasTime(for: 3 * better.seconds, to: "train on a quarter of the rows")
    else { return }
    progress("training on a quarter of the rows")
    var part: Evaluation?
    tolerate("a quarter of the rows") {
      part = try better.recipe.crossValidate(on: split, folds: Self.folds, share: 0.25, threads: threads).pooled
    }
    guard let few = part else { return }
    let fall = Estimate.fall(
      from: few.outcomes, to: folds.outcomes, isNumber: split.task == .regression,
      cases: folds.cases)
    let least = split.task == .regression ? Self.steepness.root : Self.steepness.share
    // With very few rows nothing is certain except that the train set was memorized.
    let isByHeart =
      folds.rowCount < Self.fewestJudged && run.train.score < Self.byHeart.train * folds.score
      && fall.value > Self.byHeart.fall * few.score
    let isSteep = isByHeart || fall.low > 0 && fall.value > least * few.score
    let evidence =
      "trained on a quarter of the rows, networks have an error of \(unit.text(few.score)), on all rows of \(unit.text(folds.score)); "
      + "the train error is \(unit.text(run.train.score))"
    found.checks.append(
      Check(
        "quarter-of-the-rows", isSteep ? .fault : .fine, interval: fall, evidence, action: isSteep ? "more rows" : nil)
    )
    guard isSteep else { return }
    found.faults.append(
      Fault(name: .tooLittleData, evidence: evidence, action: "more rows"))
  }

  /// Networks trained on fewer rows are not confident, and neither are those hardly better than the constant
  /// baseline.
  private static let fewestJudged = 200
  private static let leastLearned = 0.3
  /// If the most confident quarter has this share of the mean error, errors do not depend on confidence; with
  /// two classes it is larger.
  private static let noisyShare = (two: 0.7, more: 0.5)

  /// Finds label noise: randomly wrong labels also occur among the most confident predictions.
  private func findLabelNoise(_ pooled: Evaluation) {
    guard split.task.isClassification else { return }
    let blind = Baseline.outcomes(of: pooled).reduce(0, +) / Double(max(1, pooled.rowCount))
    guard pooled.meanOutcome < (1 - Self.leastLearned) * blind else { return }
    let suspects = LabelErrors(pooled, of: split.dataset)
    found.labels = suspects
    let count = pooled.outputNames.count
    let probabilities = pooled.classProbabilities
    let sureness = pooled.outcomes.indices.map { probabilities[$0 * count..<($0 + 1) * count].max() ?? 0 }
    let order = pooled.outcomes.indices.sorted { a, b in
      sureness[a] == sureness[b] ? a < b : sureness[a] > sureness[b]
    }
    let surest = order.prefix(max(30, order.count / 4))
    let wrong = SampledFigure(
      outcomes: [surest.map { pooled.outcomes[$0] }], isNumber: false,
      cases: pooled.cases.map { cases in surest.map { cases[$0] } }
    ).rows
    // If classes merely overlap, the most confident rows have a far lower error than the others.
    let isNoisy =
      order.count >= Self.fewestJudged && wrong.low > 0.05
      && wrong.value > (count > 2 ? Self.noisyShare.more : Self.noisyShare.two) * pooled.meanOutcome
    found.checks.append(
      Check(
        "label-noise", isNoisy ? .fault : wrong.high < 0.05 ? .fine : .undecided, interval: wrong,
        "of the quarter of rows with the most confident out-of-fold predictions, \(unit.text(wrong.value)) (\(unit.range(wrong))) are labeled "
          + "differently; \(suspects.suspects.count) of \(suspects.rows) rows are suspect",
        action: isNoisy ? "look at the suspect rows first" : nil))
    // If the most confident predictions are right on the whole, those of one class may still be wrong.
    let confused = wrong.high < 0.05 ? confusedAnswer(pooled, sureness) : nil
    guard isNoisy || confused != nil else { return }
    let (rows, share) =
      confused.map { ("among the most confident predictions of '\($0.name)'", $0.wrong) }
      ?? ("among the most confident predictions", wrong)
    found.faults.append(
      Fault(
        name: .labelNoise,
        evidence: "even \(rows), \(unit.text(share.value)) (\(unit.range(share))) have another label",
        action: "have the suspect rows relabeled", size: wrong.value))
  }

  /// The minimum number of predictions of a class.
  private static let fewestAnswered = 80
  /// If the most confident predictions of a class have this share of its mean error, its rows are mislabeled
  /// and not merely hard.
  private static let confusedShare = 0.75

  /// A class whose most confident predictions have another label about as often as all its predictions: one
  /// class's labels are wrong, and those of all others may be right.
  private func confusedAnswer(_ pooled: Evaluation, _ sureness: [Double]) -> (name: String, wrong: Estimate)? {
    guard pooled.rowCount >= Self.fewestJudged else { return nil }
    let byAnswer = Dictionary(grouping: pooled.outcomes.indices) { Int(pooled.predictions[$0]) }
    let found = byAnswer.compactMap { answer, rows -> (name: String, wrong: Estimate)? in
      guard rows.count >= Self.fewestAnswered else { return nil }
      let order = rows.sorted { sureness[$0] == sureness[$1] ? $0 < $1 : sureness[$0] > sureness[$1] }
      func share(_ rows: some Collection<Int>) -> Double {
        rows.reduce(0) { $0 + pooled.outcomes[$1] } / Double(rows.count)
      }
      let surest = order.prefix(max(30, order.count / 4))
      let wrong = Estimate.proportion(share(surest), of: surest.count)
      guard wrong.low > 0.15, wrong.value > Self.confusedShare * share(rows) else { return nil }
      return (pooled.outputNames[answer], wrong)
    }
    return found.max { ($0.wrong.value, $1.name) < ($1.wrong.value, $0.name) }
  }

  /// A class with less than this share of the rows, and less than this share of the largest class, is rare.
  private static let (rareShare, rareBesideLargest) = (0.05, 0.1)

  private static func isRare(_ one: ClassFigures, _ all: [ClassFigures]) -> Bool {
    let rows = all.reduce(0) { $0 + $1.support }
    let largest = all.map(\.support).max() ?? 0
    return one.support > 0 && one.support < rareShare * rows && one.support < rareBesideLargest * largest
  }

  /// A rare class that the network hardly ever predicts.
  private func findRareClass(_ judged: Evaluation?) {
    guard split.task.isClassification, let judged else { return }
    let byClass = ClassFigures.list(of: judged)
    let classes = judged.outputNames
    guard
      let (place, rarest) = byClass.enumerated().filter({ Self.isRare($0.element, byClass) }).min(by: {
        $0.element.support < $1.element.support
      })
    else { return }
    guard rarest.support >= 3 else {
      found.faults.append(
        Fault(
          name: .classImbalance,
          evidence:
            "the class '\(classes[place])' has \(Int(rarest.support)) of \(judged.rowCount) rows, too few to "
            + "learn or to measure", action: "more rows of it, or leave the class out"))
      return
    }
    let recall = Estimate.proportion(rarest.recall, of: Int(rarest.support))
    let others = byClass.enumerated().filter { $0.offset != place && $0.element.support > 0 }.map(\.element.recall)
    let typical = others.reduce(0, +) / Double(max(1, others.count))
    let isLost = recall.high < typical - 0.1
    let evidence =
      "the recall of the rarest class, '\(classes[place])', is \(Text.fixed(recall.value * 100, decimals: 0)) %, that of the "
      + "others \(Text.fixed(typical * 100, decimals: 0)) %"
    found.checks.append(Check("class-imbalance", isLost ? .fault : .fine, interval: recall, evidence))
    guard isLost else { return }
    found.faults.append(
      Fault(
        name: .classImbalance, evidence: evidence,
        action: split.task == .binary
          ? "\(OptionName.classWeights) balanced, or \(OptionName.threshold) f1" : "\(OptionName.classWeights) balanced"
      )
    )
  }
}
