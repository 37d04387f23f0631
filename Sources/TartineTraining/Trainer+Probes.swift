import TartineData
import TartineEngine
import TartineNetworks

/// Measurements on a training without completing it.
extension Trainer {
  /// Takes a step at each of these learning rates, in place of the recipe's, and returns the losses of the
  /// batches; fewer if one is not finite. Overwrites the trained weights.
  package func losses(at rates: [Double]) -> [Double] {
    var losses: [Double] = []
    var epoch = 0
    while losses.count < rates.count {
      epoch += 1
      var stream = RandomStream(seed: recipe.seed, purpose: .shuffle, step: epoch)
      stream.shuffle(order)
      step.begin(rows(0), of: trainRows, epoch: epoch)
      for batch in 0..<cut.count where losses.count < rates.count {
        let result = step.run(
          step: losses.count, rate: rates[losses.count], next: batch + 1 < cut.count ? rows(batch + 1) : nil)
        guard result.isFinite else { return losses }
        losses.append(result.loss)
      }
    }
    return losses
  }

  /// A unit may be 0 for each of so few rows and yet be useful.
  private static let fewestSignalRows = 50

  /// The signals of each layer, over at most so many dev rows from all over the file, or train rows if dev
  /// has hardly any, for the current weights or a model's. Labels are not smoothed in the loss.
  package func signals(rows count: Int, of model: Model? = nil) -> (layers: [LayerSignals], loss: Double) {
    let part = devRows.rowCount < Self.fewestSignalRows ? trainRows : devRows
    let all = part.rowCount
    let rows = all > count ? part.subset((0..<count).map { $0 * all / count }) : part
    return SignalProbe(
      graph, output: preparation.target.output(for: recipe.loss), loss: recipe.loss.unsmoothed, rows: rows,
      weights: model?.networks[0].weights ?? step.weights, workers: workers
    ).measure()
  }

  /// The mean unweighted loss of a model on dev, before the temperature is applied.
  package func devLoss(of model: Model) -> Double {
    Evaluator(
      graph: graph, target: preparation.target, loss: recipe.loss, networks: model.networks, workers: workers
    ).evaluate(devRows.unweighted).loss
  }

  /// The update ratio of each layer's weights over the first steps at the recipe's learning rate: the size of
  /// a step's change relative to the weights. Overwrites the trained weights.
  package func updateRatios(steps: Int) -> [(layer: String, ratio: Double)] {
    let spans = graph.layers.filter { $0.layer is any UnitLayer }.compactMap { layer in
      layer.parameters.first { $0.name == layer.name + ".weight" }.map { (layer.name, $0.span) }
    }
    func values(_ span: TensorSpan) -> [Float] {
      let start = step.weights.base.assumingMemoryBound(to: Float.self) + span.offset
      return Array(UnsafeBufferPointer(start: start, count: span.count))
    }
    func size(_ values: some Sequence<Float>) -> Double {
      values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let before = spans.map { values($0.1) }
    _ = losses(at: [Double](repeating: recipe.optimizer.learningRate.peak, count: steps))
    return zip(spans, before).map { span, old in
      let moved = size(zip(values(span.1), old).map { $0 - $1 })
      return (span.0, moved / max(size(old), .leastNormalMagnitude) / Double(steps))
    }
  }
}
