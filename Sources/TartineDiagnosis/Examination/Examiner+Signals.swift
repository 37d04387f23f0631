import TartineData
import TartineTraining
import TartinePlatform

extension Examiner {
  /// The maximum number of dev rows to take signals from.
  private static let signalRows = 10_000

  /// Measures the signals of the layers at initialization and after training.
  func takeSignals(_ base: Attempt) throws {
    let trainer = try Trainer(recipe, split: split, threads: threads, observers: [])
    let before = trainer.signals(rows: Self.signalRows)
    let after = base.run.map { trainer.signals(rows: Self.signalRows, of: $0.model) }
    found.signals = before.layers.enumerated().map { place, layer in
      Examination.LayerReport(
        layer: layer.name, start: Examination.LayerReport.Figures(layer),
        end: after.map { Examination.LayerReport.Figures($0.layers[place]) },
        epochs: watched.map { Examination.LayerReport.Epoch(epoch: $0.epoch, figures: .init($0.layers[place])) })
    }
    let dead = after?.layers.map(\.deadShare).max() ?? 0
    let weighted = before.layers.filter(\.hasWeights)
    if weighted.count > 2, let first = weighted.first, let last = weighted.dropLast().last, last.gradient > 0 {
      let ratio = first.gradient / last.gradient
      signals = SignalSummary(gradientRatio: ratio, deadShare: dead)
      found.checks.append(
        Check(
          "gradient-ratio", ratio < 1e-3 || ratio > 1e3 ? .fault : .fine, statistic: ratio,
          "at initialization the first layer's gradient is \(Text.significant(ratio, digits: 2)) times the last hidden layer's",
          action: ratio < 1e-3 ? "batch norm, ReLU, or another initialization" : nil,
          suspects: [.vanishingGradients, .explodingGradients, .badInitialization]))
    } else if after != nil {
      signals = SignalSummary(gradientRatio: 1, deadShare: dead)
    }
    if base.run != nil {
      found.checks.append(
        Check(
          "dead-units", dead > 0.5 ? .fault : .fine, statistic: dead,
          "in the layer with the most, \(Text.fixed(dead * 100, decimals: 0)) % of the ReLU units output 0 for every row",
          action: dead > 0.5 ? "a lower learning rate, He initialization, or leaky ReLU" : nil,
          suspects: [.deadUnits, .learningRateTooHigh, .badInitialization]))
    }
    let saturated = after?.layers.dropLast().map(\.saturatedShare).max() ?? 0
    if saturated > 0 {
      found.checks.append(
        Check(
          "saturation", saturated > 0.8 ? .undecided : .fine, statistic: saturated,
          "in the layer with the most, \(Text.fixed(saturated * 100, decimals: 0)) % of the activations are saturated, with a slope "
            + "near 0", action: saturated > 0.8 ? "smaller initial weights, batch norm, or ReLU" : nil))
    }
    checkInitialLoss(before.loss)
  }

  /// At initialization the loss is between that of the class shares and that of equal probabilities; for
  /// regression, that of the mean.
  private func checkInitialLoss(_ loss: Double) {
    let truths = target.truths(of: split.dataset, rows: split.train)
    guard [.automatic, .crossEntropy, .squared].contains(recipe.loss.kind), !truths.isEmpty else { return }
    let typical = truths.reduce(0.0) { sum, truth in
      // Half the variance of a standardized target.
      guard let classes = truth.classes else { return sum + 0.5 }
      guard recipe.outputBias == .prior else { return sum + log(Double(classes)) }
      let counts = Dictionary(grouping: truth.values) { $0 }.values.map {
        Double($0.count) / Double(truth.values.count)
      }
      return sum - counts.reduce(0) { $0 + $1 * log($1) }
    }
    found.checks.append(
      Check(
        "initial-loss", loss < 3 * typical + 0.5 ? .fine : .fault, statistic: loss,
        "at initialization the loss is \(Text.significant(loss, digits: 3)), and the constant baseline's "
          + Text.significant(typical, digits: 3), action: loss < 3 * typical + 0.5 ? nil : "smaller initial weights",
        suspects: [.badInitialization]))
  }
}
