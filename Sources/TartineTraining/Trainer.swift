import TartineData
import TartineEngine
import TartineNetworks
import TartineOptimizers

/// The training loop: epochs of steps, each epoch evaluated, the best or the last kept.
package final class Trainer {
  package let recipe: Recipe
  let preparation: Preparation
  let graph: LayerGraph
  let split: Split
  let workers: Workers
  private let observers: [any TrainingObserver]

  let trainRows, devRows: PreparedRows
  /// The same rows for every seed, so that seeds can be compared.
  private lazy var trainSample = trainRows.subset(sampledTrainRows(split.devCount))
  private let measures: Measures
  let cut: BatchCut
  let step: TrainingStep
  let evaluator: Evaluator
  /// The weights used for prediction: those of the last step, or their average.
  private let predicting: Arena
  /// The moving averages used for prediction.
  private let corrected: Arena
  private let statistics: NormStatistics?
  let kept: (weights: Arena, state: Arena)
  /// The order of the train rows in the current epoch.
  let order: UnsafeMutableBufferPointer<Int32>
  private var epoch: Epoch?
  /// What intervals are made from.
  var heldOut: HeldOutErrors
  var progress: Checkpoint.Progress
  /// Whether an observer ended the training.
  private(set) var isStoppedByObserver = false
  /// The time limit, if there is one.
  private(set) var clock: TrainingClock?
  /// The number of epochs that were finished before a resumption.
  var firstEpoch = 0

  /// - Parameters:
  ///   - prepared: the prepared rows of the same split, shared between trainings.
  ///   - measures: the sets evaluated after an epoch.
  ///   - end: when the training ends; nil: after its epochs, or the recipe's minutes.
  ///   - reach: how far the schedules have come at the end.
  package init(
    _ recipe: Recipe, split: Split, prepared: PreparedSplits? = nil, threads: Int?, measures: Measures = .all,
    observers: [any TrainingObserver], end: ContinuousClock.Instant? = nil, reach: Double = 1
  ) throws {
    clock = (end ?? recipe.minutes.map { .now + .seconds(60 * $0) }).map { TrainingClock(end: $0, reach: reach) }
    Self.warnOfDebugBuild()
    if let problem = recipe.problem { throw RecipeError(problem + ".") }
    let rows = try (prepared ?? PreparedSplits(split)).rows(for: recipe)
    let networks = max(1, recipe.seeds)
    let recipe = recipe.seeds(1).resolved(trainRows: split.trainCount, width: rows.train.width)
    self.recipe = recipe
    self.split = split
    self.observers = observers
    self.measures = measures
    preparation = rows.preparation
    let output = preparation.target.output(for: recipe.loss)
    try Self.check(recipe, output, preparation.target.task)
    try split.test.check(preparation)
    graph = try recipe.network.graph(
      input: preparation.inputShape, layout: preparation.inputLayout, outputs: preparation.target.width)
    try Self.checkMemory(
      graph, recipe.optimizer, networks: networks,
      batch: ((recipe.batchSize ?? 1) + recipe.accumulation - 1) / recipe.accumulation)
    let weights = try RowWeights(split.dataset, recipe.loss, preparation.target, train: rows.train)
    trainRows = try weights.apply(to: rows.train)
    devRows = try weights.apply(to: rows.dev)
    cut = BatchCut(rows: split.trainCount, batchSize: recipe.batchSize ?? 1)
    try Self.checkBatches(recipe, cut, graph, trainRows: split.trainCount)
    workers = Workers(threads ?? Workers.processorCount)
    let room = trainRows.room(for: recipe.augmentation)
    if room == 0, !recipe.augmentation.isNone {
      throw RecipeError("augmentation applies to images, and these data are a table; leave it out.")
    }
    let state = graph.makeInitialState(.float32)
    let initial = graph.makeInitialParameters(.float32, seed: recipe.seed)
    if recipe.outputBias == .prior {
      graph.setOutputBias(to: trainRows, output: output, loss: recipe.loss, in: initial)
    }
    step = TrainingStep(
      graph: graph, output: output, loss: recipe.loss, optimizer: recipe.optimizer, penalty: recipe.penalty,
      precision: .float32, batch: cut.largest, shards: recipe.accumulation, seed: recipe.seed, workers: workers,
      weights: initial, state: state, augmentation: recipe.augmentation, room: room, mixup: recipe.mixup,
      oneHot: trainRows.oneHot)
    corrected = graph.makeInitialState(.float32)
    let average = recipe.optimizer.average
    predicting = average == nil ? step.weights : graph.makeParameterArena(.float32)
    let passRows = ((recipe.batchSize ?? 1) + recipe.accumulation - 1) / recipe.accumulation
    statistics =
      average == nil || graph.state.isEmpty
      ? nil
      : NormStatistics(
        graph: graph, output: output, rows: split.trainCount, batch: passRows, seed: recipe.seed, workers: workers,
        weights: predicting, state: corrected, oneHot: trainRows.oneHot)
    kept = (graph.makeParameterArena(.float32), graph.makeInitialState(.float32))
    kept.weights.copy(from: step.weights)
    evaluator = Evaluator(
      graph: graph, target: preparation.target, loss: recipe.loss,
      networks: [TrainedWeights(weights: predicting, state: corrected)], workers: workers)
    heldOut = HeldOutErrors(
      count: devRows.rowCount, cases: devRows.cases, seed: split.seed, keeps: recipe.keeps)
    order = .allocate(capacity: split.trainCount)
    _ = order.initialize(from: 0..<Int32(split.trainCount))
    progress = Checkpoint.Progress(
      epoch: 0, step: 0, bestEpoch: 0, bestLoss: .infinity, stopReason: nil, history: [], recipe: recipe)
  }

  deinit { order.deallocate() }

  /// The sets evaluated after an epoch. Figures that are not evaluated are NaN, and not checked for
  /// finiteness.
  package enum Measures {
    /// Train and dev.
    case all
    /// Dev alone.
    case dev
    /// Dev alone, and only after the last epoch, unless the recipe needs it.
    case devAtTheEnd
  }

  private func measuresDev(after epoch: Int) -> Bool {
    measures != .devAtTheEnd || epoch == recipe.epochs || progress.isTimeUp == true || step.quasiNewton?.isDone == true
      || progress.stopReason != nil
      || recipe.keeps == .best || recipe.earlyStopping != nil || recipe.optimizer.learningRate.followsDevLosses
  }

  private var totalSteps: Int { clock?.steps(after: progress.step) ?? cut.count * (recipe.epochs ?? 1) }

  package var threads: Int { workers.count }

  // MARK: Running

  /// Trains until the last epoch, or until an observer or early stopping ends it.
  ///
  /// - Parameter afterEpoch: called after each epoch is evaluated, to write a checkpoint.
  package func run(afterEpoch: (Trainer, EpochRecord) throws -> Void) throws {
    beginClock()
    announce(
      .began(
        TrainingOverview(
          graph: graph, recipe: recipe, rows: (split.trainCount, split.devCount, split.testCount),
          steps: cut.count * (recipe.epochs ?? 1), end: clock?.end, firstEpoch: progress.epoch + 1,
          bestEpoch: progress.bestEpoch, threads: workers.count)))
    while !isDone {
      let record = try finishEpoch()
      try afterEpoch(self, record)
    }
  }

  /// Starts the time, with the first evaluation, whose seconds are then known.
  private func beginClock() {
    guard clock != nil else { return }
    clock?.begin(after: progress.seconds ?? 0)
    if measures != .devAtTheEnd { timeEvaluation { _ = evaluator.evaluate(devRows) } }
  }

  /// The seconds of the training with a time limit that is resumed.
  var secondsBefore: Double? { progress.seconds }

  /// Sets the end of the time.
  func limit(to end: ContinuousClock.Instant) { clock = TrainingClock(end: end) }

  private func timeEvaluation(_ evaluate: () -> Void) {
    let start = ContinuousClock.now
    evaluate()
    clock?.evaluation = (ContinuousClock.now - start).inSeconds
  }

  /// Whether the last epoch is trained, the time is up, or the training has been stopped.
  var isDone: Bool {
    if progress.stopReason != nil { return true }
    return clock == nil ? progress.epoch >= recipe.epochs ?? 1 : progress.isTimeUp == true
  }

  /// Whether it was stopped before its last epoch.
  var isStopped: Bool { progress.stopReason != nil }
  /// Whether an epoch has begun.
  var isInEpoch: Bool { epoch != nil }
  /// The epochs so far.
  var history: [EpochRecord] { progress.history }

  /// Runs the remaining steps of the epoch, and ends it.
  func finishEpoch() throws -> EpochRecord {
    while true { if let record = try advance().record { return record } }
  }

  /// Runs one step; after the last of an epoch, also evaluates and ends the epoch.
  func advance() throws -> (step: StepView, record: EpochRecord?) {
    var current = epoch ?? beginEpoch(progress.epoch + 1)
    let schedule = recipe.optimizer.learningRate
    let total = totalSteps
    current.rate = schedule.rate(
      at: progress.step, of: total, epochSteps: cut.count, devLosses: current.devLosses)
    guard current.rate >= 0, current.rate.isFinite else {
      throw RecipeError(
        "the schedule gave a learning rate of \(current.rate) at step \(progress.step + 1); it must be a finite number of at "
          + "least 0.")
    }
    let next = current.batch + 1
    let result = step.run(
      step: progress.step, rate: current.rate, beta1: schedule.beta1(at: progress.step, of: total),
      progress: Double(progress.step) / Double(total), next: next < cut.count ? rows(next) : nil)
    guard result.isFinite else {
      throw divergence(step.findFault(), epoch: current.number, batch: rows(current.batch))
    }
    progress.step += 1
    current.loss += result.loss
    current.batch = next
    epoch = current
    let view = StepView(
      number: progress.step, epoch: current.number, loss: result.loss, learningRate: current.rate, step: step)
    if !observers.isEmpty {
      announce(.step(progress.step, loss: result.loss))
      for observer in observers { obey(observer.observe(view)) }
    }
    if clock?.isUp == true { progress.isTimeUp = true }
    return (view, next == cut.count || progress.isTimeUp == true ? try endEpoch(current) : nil)
  }

  /// An epoch that has begun.
  private struct Epoch {
    let number: Int
    let devLosses: [Double]
    var batch = 0
    var loss = 0.0
    var rate = 0.0
  }

  /// The rows of a batch of the epoch.
  func rows(_ batch: Int) -> UnsafeBufferPointer<Int32> { UnsafeBufferPointer(rebasing: order[cut[batch]]) }

  private func beginEpoch(_ number: Int) -> Epoch {
    for index in order.indices { order[index] = Int32(index) }
    if step.quasiNewton == nil, recipe.shuffle {
      var stream = RandomStream(seed: recipe.seed, purpose: .shuffle, step: number)
      stream.shuffle(order)
    }
    step.begin(rows(0), of: trainRows, epoch: number)
    return Epoch(number: number, devLosses: progress.history.map(\.dev.loss))
  }

  private func endEpoch(_ done: Epoch) throws -> EpochRecord {
    epoch = nil
    preparePrediction(after: done)
    var train: PartRecord?
    var evaluation: Evaluation?
    timeEvaluation {
      if measures == .all { train = PartRecord(evaluator.evaluate(trainSample)) }
      if measuresDev(after: done.number) { evaluation = evaluator.evaluate(devRows) }
    }
    let dev = evaluation.map { PartRecord($0) }
    guard train?.loss.isFinite ?? true, dev?.loss.isFinite ?? true else {
      throw divergence(
        PassFault(layer: "output", isInGradient: false), epoch: done.number,
        batch: UnsafeBufferPointer(start: nil, count: 0))
    }
    if let evaluation { heldOut.take(evaluation) }
    let record = EpochRecord(
      epoch: done.number, learningRate: done.rate,
      batchLoss: done.loss / Double(done.batch) + step.updater.penaltyCost(graph: graph),
      train: train ?? .unmeasured, dev: dev ?? .unmeasured)
    keep(record)
    return record
  }

  /// Adds an epoch to the history, keeps its weights if it is the best, and decides whether to go on.
  private func keep(_ record: EpochRecord) {
    progress.history.append(record)
    progress.epoch += 1
    progress.seconds = clock?.seconds
    if clock?.isUp == true { progress.isTimeUp = true }
    let isBest = record.dev.loss < progress.bestLoss
    if isBest {
      progress.bestLoss = record.dev.loss
      progress.bestEpoch = progress.epoch
    }
    if isBest || recipe.keeps == .last {
      kept.weights.copy(from: predicting)
      kept.state.copy(from: corrected)
    }
    announce(.epoch(record, isBest: isBest))
    if let patience = recipe.earlyStopping, progress.epoch - progress.bestEpoch >= patience {
      progress.stopReason = progress.stopReason ?? "the dev loss has not fallen for \(patience) epochs"
    }
    if step.quasiNewton?.isDone == true {
      progress.stopReason = progress.stopReason ?? "the train loss cannot be reduced further"
    }
  }

  /// Updates the weights used for prediction at the end of an epoch.
  private func preparePrediction(after done: Epoch) {
    // Weight averages cover every pass. Where the time is up, the last epoch is cut short.
    let passes = (done.number - 1) * step.passes(in: cut) + step.passes(in: cut, batches: done.batch)
    graph.correct(step.state, updates: passes, into: corrected, precision: .float32)
    guard let average = recipe.optimizer.average else { return }
    if case .stochastic(let start) = average {
      guard let count = averagedEpochs(after: done.number, from: start, average) else {
        return predicting.copy(from: step.weights)
      }
      progress.averaged = count
      step.updater.takeIntoMean(count: count)
    }
    step.updater.writeAverage(steps: progress.step, into: predicting)
    statistics?.estimate(trainRows)
  }

  /// The number of epochs in the mean of the weights with this one; nil before it begins.
  private func averagedEpochs(after epoch: Int, from start: Double, _ average: WeightAverage) -> Int? {
    guard let clock else { return average.epochs(after: epoch, of: recipe.epochs ?? 1) }
    let taken = progress.averaged ?? 0
    return taken > 0 || clock.share >= start ? taken + 1 : nil
  }

  private func announce(_ event: TrainingEvent) {
    for observer in observers { obey(observer.observe(event)) }
  }

  private func obey(_ decision: TrainingDecision) {
    guard case .stop(let reason) = decision else { return }
    stop(because: reason)
    isStoppedByObserver = true
  }

  func stop(because reason: String) { progress.stopReason = progress.stopReason ?? reason }

  private func divergence(
    _ fault: PassFault, epoch: Int, batch: UnsafeBufferPointer<Int32>
  ) -> DivergenceError {
    let rows = fault.isEverywhere ? [] : fault.rows
    return DivergenceError(
      step: progress.step + 1, epoch: epoch, layer: fault.layer,
      rows: rows.map { split.dataset.rowNumber(trainRows.origin[Int(batch[$0])]) }, isInGradient: fault.isInGradient,
      lastGood: progress.bestEpoch > 0 ? keptModel() : nil)
  }
}
