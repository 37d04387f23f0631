import TartineData
import TartineTraining

extension Examiner {
  // MARK: What inspection saw

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

  /// Whether two parts come from clearly different sources.
  func isDifferent(_ first: String, _ second: String) -> Bool {
    found.inspection.sameDistribution.contains { $0.first == first && $0.second == second && $0.isClear }
  }

  // MARK: What is left to the data

  /// - Parameter better: of the recipe's training and one that is known to train.
  func findDataFaults(_ better: Attempt, _ delta: Double) {
    let folds =
      hasTime(for: better.seconds * 5, to: "judge each row by networks of the others") ? judge(by: better.recipe) : nil
    // A few far targets hide all that is learned from a mean of squares.
    if let folds { findOutliers(folds) }
    if !found.faults.contains(where: { $0.name == .outlyingTargets }), isBlind(folds ?? better.run?.dev, delta) {
      found.faults.append(
        Fault(
          name: .noSignal,
          evidence:
            "neither this network nor one that is known to train is better than an answer that looks at nothing",
          action: "look for columns that have to do with the target"))
      return
    }
    if let folds { findLabelNoise(folds) }
    findRareClass(folds ?? found.runs.first?.dev)
    findTooFewRows(better, folds)
  }

  /// Whether surely nothing was learned that matters: answers are hardly better than one that looks at nothing, and nor are
  /// probabilities, which say something even where one class is so rare that it is never the answer.
  private func isBlind(_ judged: Evaluation?, _ delta: Double) -> Bool {
    guard let judged else { return false }
    let gain = Estimate.fall(
      from: Baseline.outcomes(of: judged), to: judged.outcomes, isNumber: split.task == .regression,
      cases: split.groupByRow.map(judged.cases))
    // Where there is anything to see, most of several hundred rows surely show it.
    let isBlind = gain.low <= 0 && gain.high < 2 * delta && !isInOrder(judged)
    found.checks.append(
      Check(
        "signal", isBlind ? .fault : gain.low > 0 ? .fine : .undecided, interval: gain,
        "on rows that they did not see networks are better than an answer that looks at nothing by \(unit.difference(gain))"
      ))
    guard isBlind else { return false }
    let metrics = Metrics(judged)
    // A class that is never the answer since it is rare has a name of its own.
    guard !metrics.byClass.contains(where: { Self.isRare($0, metrics.byClass) }) else { return false }
    guard let area = metrics["roc-auc"] ?? metrics["roc-auc-macro"] else { return true }
    return area.low <= 0.5 && area.high < 0.65
  }

  /// Whether numbers that are answered rise with those that are true: a few far ones hide that from a mean of squares.
  private func isInOrder(_ judged: Evaluation) -> Bool {
    guard split.task == .regression else { return false }
    let order = HypothesisTest.rankCorrelation(judged.predictions, judged.truths)
    return order * Double(judged.rowCount).squareRoot() > 3
  }

  /// A few targets far from all others, which most of the squared error is of.
  private func findOutliers(_ judged: Evaluation) {
    guard let warning = found.inspection.warnings.first(where: { $0.name == .outlyingTargets }) else { return }
    let sorted = judged.outcomes.sorted(by: >)
    let most = sorted.prefix(max(1, sorted.count / 50)).reduce(0, +) / max(sorted.reduce(0, +), .leastNormalMagnitude)
    guard most > 0.5 else { return }
    found.faults.append(
      Fault(
        name: .outlyingTargets,
        evidence:
          "\(Text.fixed(most * 100, decimals: 0)) % of the squared error is of one row in 50: \(warning.evidence)",
        action: warning.action))
  }

  /// Each row of train and dev judged by a network that never saw it; nil where there can be no folds.
  private func judge(by recipe: Recipe) -> Evaluation? {
    // The past is not judged by what came after it.
    if case .time = split.method { return nil }
    progress("judging each row by networks of the others")
    var judged: Evaluation?
    tolerate("each row by networks of the others") {
      judged = try recipe.crossValidate(on: split, folds: Self.folds, threads: threads).pooled
    }
    return judged
  }

  private static let folds = 4

  /// With more than this share of the error of whoever looks at nothing, there is much left to learn; of a root, whose square is
  /// that share.
  private static let poorShare = (share: 0.15, root: 0.39)
  /// A quarter of the rows must make the error larger by this share of it; a root falls half as fast as what is below it.
  private static let steepness = (share: 0.36, root: 0.23)
  /// Of fewer rows than can be judged, those that it learned from make this share of the error of others, and a quarter of them
  /// makes it larger by that one.
  private static let byHeart = (train: 0.2, fall: 0.1)

  /// Variance that nothing but rows can mend: a quarter of them do far worse, and so more would do far better.
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
      cases: split.groupByRow.map(folds.cases))
    let least = split.task == .regression ? Self.steepness.root : Self.steepness.share
    // Of a handful nothing is sure, but that it was all learned by heart.
    let isByHeart =
      folds.rowCount < Self.fewestJudged && run.train.score < Self.byHeart.train * folds.score
      && fall.value > Self.byHeart.fall * few.score
    let isSteep = isByHeart || fall.low > 0 && fall.value > least * few.score
    let evidence =
      "networks of a quarter of the rows err by \(unit.text(few.score)), those of all by \(unit.text(folds.score)), and on the rows "
      + "that they learned from by \(unit.text(run.train.score))"
    found.checks.append(
      Check(
        "quarter-of-the-rows", isSteep ? .fault : .fine, interval: fall, evidence, action: isSteep ? "more rows" : nil)
    )
    guard isSteep else { return }
    found.faults.append(
      Fault(name: .tooLittleData, evidence: evidence, action: "more rows"))
  }

  /// Networks of fewer rows are sure of nothing, and nor are those that are hardly better than looking at nothing.
  private static let fewestJudged = 200
  private static let leastLearned = 0.3
  /// Where the surest quarter errs this share of the mean, errors are about anywhere; of two classes it is a larger one.
  private static let noisyShare = (two: 0.7, more: 0.5)

  /// Where networks are surest they still err: labels that are wrong at random are as wrong there as anywhere.
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
    let wrong = Estimate.proportion(
      surest.reduce(0) { $0 + pooled.outcomes[$1] } / Double(surest.count), of: surest.count)
    // Where classes merely overlap, the surest rows are far better than the others.
    let isNoisy =
      order.count >= Self.fewestJudged && wrong.low > 0.05
      && wrong.value > (count > 2 ? Self.noisyShare.more : Self.noisyShare.two) * pooled.meanOutcome
    found.checks.append(
      Check(
        "label-noise", isNoisy ? .fault : wrong.high < 0.05 ? .fine : .undecided, interval: wrong,
        "of the quarter of rows that networks of other rows are surest of, \(unit.text(wrong.value)) (\(unit.range(wrong))) are labelled "
          + "otherwise; \(suspects.suspects.count) of \(suspects.rows) rows are suspect",
        action: isNoisy ? "look at the suspect rows first" : nil))
    // Where the surest are right on the whole, one answer's may still be wrong.
    let confused = wrong.high < 0.05 ? confusedAnswer(pooled, sureness) : nil
    guard isNoisy || confused != nil else { return }
    let (rows, share) =
      confused.map { ("of the rows answered '\($0.name)' that networks are surest of", $0.wrong) }
      ?? ("where networks are surest", wrong)
    found.faults.append(
      Fault(
        name: .labelNoise,
        evidence: "even \(rows), \(unit.text(share.value)) (\(unit.range(share))) have another label",
        action: "have the suspect rows labelled again", size: wrong.value))
  }

  /// Fewer rows of an answer say nothing of it alone.
  private static let fewestAnswered = 80
  /// Where the surest of an answer's rows err this share of all of them, its rows are mislabelled and not merely hard.
  private static let confusedShare = 0.75

  /// An answer whose rows have another label as often where networks are surest as anywhere: one class's labels are wrong, and
  /// those of all others may be right.
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

  /// A class with less than this share of the rows, and than this one of the largest class's, is rare.
  private static let (rareShare, rareBesideLargest) = (0.05, 0.1)

  private static func isRare(_ one: ClassFigures, _ all: [ClassFigures]) -> Bool {
    let rows = all.reduce(0) { $0 + $1.support }
    let largest = all.map(\.support).max() ?? 0
    return one.support > 0 && one.support < rareShare * rows && one.support < rareBesideLargest * largest
  }

  /// A class that is rare, and that the network hardly ever finds.
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
    let usual = others.reduce(0, +) / Double(max(1, others.count))
    let isLost = recall.high < usual - 0.1
    let evidence =
      "of the rarest class, '\(classes[place])', \(Text.fixed(recall.value * 100, decimals: 0)) % are found, of the "
      + "others \(Text.fixed(usual * 100, decimals: 0)) %"
    found.checks.append(Check("class-imbalance", isLost ? .fault : .fine, interval: recall, evidence))
    guard isLost else { return }
    found.faults.append(
      Fault(
        name: .classImbalance, evidence: evidence,
        action: split.task == .binary ? "--class-weights balanced, or --threshold-for f1" : "--class-weights balanced")
    )
  }
}
