import TartineData
import TartineEngine
import TartineFiles
import TartineNetworks
import TartineOptimizers

/// The training loop: epochs of steps, each epoch evaluated, the best or the last kept.
package final class Trainer {
  package let recipe: Recipe
  let preparation: Preparation
  let graph: LayerGraph
  private let split: Split
  let workers: Workers
  private let observers: [any TrainingObserver]

  let trainRows, devRows: PreparedRows
  /// The same rows for every seed, so that seeds can be compared.
  private lazy var trainSample = trainRows.subset(sampledTrainRows(split.devCount))
  private let measures: Measures
  let cut: BatchCut
  let step: TrainingStep
  private let evaluator: Evaluator
  /// The weights used for prediction: those of the last step, or their average.
  private let predicting: Arena
  /// The moving averages used for prediction.
  private let corrected: Arena
  private let statistics: NormStatistics?
  private let kept: (weights: Arena, state: Arena)
  /// The order of the train rows in the current epoch.
  let order: UnsafeMutableBufferPointer<Int32>
  private var epoch: Epoch?
  /// What intervals are made from.
  private var heldOut: HeldOutErrors
  private var progress: Checkpoint.Progress
  /// Whether an observer ended the training.
  private(set) var isStoppedByObserver = false
  /// The time limit, if there is one.
  private var clock: TrainingClock?
  /// The number of epochs that were finished before a resumption.
  private var firstEpoch = 0

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

  private static func warnOfDebugBuild() {
    #if DEBUG
      Files.warn(
        "this is a debug build, many times slower than a release build; build with: swift build -c release")
    #endif
  }

  /// - Throws: `RecipeError` for a loss or a decision that the output does not have.
  private static func check(_ recipe: Recipe, _ output: Output, _ task: LearningTask) throws {
    let problem =
      recipe.loss.problem(for: output) ?? recipe.decision.problem(for: output, isBinary: task == .binary)
    if let problem { throw RecipeError(problem + ".") }
  }

  /// - Throws: `RecipeError` for batches that the optimizer or a layer cannot use.
  private static func checkBatches(_ recipe: Recipe, _ cut: BatchCut, _ graph: LayerGraph, trainRows: Int) throws {
    if recipe.optimizer.algorithm == .lbfgs, cut.count > 1 {
      throw RecipeError(
        "lbfgs uses all \(trainRows) train rows in one batch; leave batchSize out, and set accumulation if "
          + "memory is low.")
    }
    let norms = graph.layers.filter { $0.layer is any NormalizingLayer && $0.layer.mixesRows }
    if norms.contains(where: { cut.smallest * $0.copies < 2 * recipe.accumulation }) {
      throw RecipeError(
        "batch norm needs at least two rows in every batch, and \(trainRows) train rows in batches of "
          + "\(recipe.batchSize ?? 1)\(recipe.accumulation > 1 ? ", each in \(recipe.accumulation) micro-batches," : "") leave "
          + "one with a single row; use larger batches or no batch norm.")
    }
  }

  /// - Throws: `RecipeError` for a network that does not fit in this machine's memory.
  private static func checkMemory(_ graph: LayerGraph, _ optimizer: Optimizer, networks: Int, batch: Int) throws {
    // Weights, gradients, the best epoch's copy, and the optimizer's state; all but the gradients are also in
    // a checkpoint.
    let copies = 2 + optimizer.arenas
    let bytes = graph.parameterElements.multipliedReportingOverflow(
      by: networks * (2 * copies + 1) * Precision.float32.size)
    let most = Workers.physicalMemory
    if bytes.overflow || bytes.partialValue > most {
      throw RecipeError(
        "\(networks == 1 ? "a network" : "\(networks) networks") of \(graph.parameterCount.grouped) parameters needs more than this machine's \(most >> 30) GiB of "
          + "memory to train; use fewer units.")
    }
    // Values and gradients of a pass.
    let width = graph.layers.reduce(0.0) { $0 + Double($1.copies * $1.outputShape.count) }
    guard width * Double(2 * batch * Precision.float32.size) > Double(most) else { return }
    throw RecipeError(
      "batches of \(batch) rows of this network need more than this machine's \(most >> 30) GiB of memory; use smaller "
        + "batches, more micro-batches, or fewer members or units.")
  }

  /// The most train rows that a finished training is evaluated on, unless dev is larger.
  private static let mostSampledRows = 10_000

  /// A fixed sample of the train set; a larger one includes the smaller.
  private func sampledTrainRows(_ count: Int) -> [Int] {
    var rows = Array(0..<split.trainCount)
    var stream = RandomStream(seed: split.seed, purpose: .sample)
    stream.shuffle(&rows)
    return rows.prefix(count).sorted()
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

  // MARK: Results

  /// The epoch whose weights are kept.
  var keptEpoch: Int { recipe.keeps == .last ? progress.epoch : progress.bestEpoch }

  /// The kept epoch's model; the initial one before the first epoch. With other trainers, which have other seeds, the mean of
  /// all.
  package func keptModel(decision: Decision = .default, with others: [Trainer] = [], recipe: Recipe? = nil) -> Model {
    let held = HeldOutErrors.ofMean([heldOut] + others.map(\.heldOut), of: preparation.target.task)
    var recipe = recipe ?? self.recipe
    // A time limit, not the recipe, ended it.
    if clock != nil { recipe.epochs = max(1, progress.epoch) }
    recipe.seeds = 1 + others.count
    return Model(
      recipe: recipe, preparation: preparation, graph: graph, epoch: keptEpoch,
      networks: ([self] + others).map(\.keptNetwork), decision: decision,
      conformal: held.scores(devRows, task: preparation.target.task))
  }

  private var keptNetwork: TrainedWeights {
    let network = TrainedWeights(weights: graph.makeParameterArena(.float32), state: graph.makeInitialState(.float32))
    network.weights.copy(from: kept.weights)
    network.state.copy(from: kept.state)
    return network
  }

  /// The decision chosen on the dev rows for the kept epoch.
  private func decide(with others: [Trainer] = []) -> Decision {
    guard recipe.decision != .none else { return .default }
    let evaluator = Evaluator(
      graph: graph, target: preparation.target, loss: recipe.loss,
      networks: ([self] + others).map { TrainedWeights(weights: $0.kept.weights, state: $0.kept.state) },
      workers: workers)
    return Decision(
      recipe.decision, logits: evaluator.logits(of: devRows), truths: evaluator.evaluate(devRows).truths,
      output: preparation.target.output(for: recipe.loss))
  }

  /// The kept epoch's error, or RMSE, on dev.
  package func devScore() -> Double {
    // Without a decision rule the figures of the epoch's evaluation hold.
    if recipe.decision == .none, progress.epoch > 0 {
      return progress.history[(recipe.keeps == .last ? progress.epoch : progress.bestEpoch) - 1].dev.score
    }
    return evaluator(of: keptModel(decision: decide())).evaluate(devRows.unweighted).score
  }

  /// The kept epoch's error on each dev row.
  package func devOutcomes() -> [Double] { devEvaluation().outcomes }

  /// The kept epoch's figures on dev.
  package func devEvaluation() -> Evaluation {
    evaluator(of: keptModel(decision: decide())).evaluate(devRows.unweighted)
  }

  private func evaluator(of model: Model, workers: Workers? = nil) -> Evaluator {
    Evaluator(
      graph: graph, target: preparation.target, loss: recipe.loss, networks: model.networks,
      workers: workers ?? self.workers, decision: model.decision, conformal: model.conformal)
  }

  /// The finished run, with the mean of other trainers' networks.
  ///
  /// - Parameter threads: The threads of all; nil: this trainer's.
  package func finish(
    seconds: Double, with others: [Trainer] = [], recipe: Recipe? = nil, threads: Int? = nil
  ) -> Run {
    let model = keptModel(decision: decide(with: others), with: others, recipe: recipe)
    let evaluator = evaluator(of: model, workers: threads.map { Workers($0) })
    // The loss that selects the epoch is weighted; the reported figures count each row once, as on the test
    // set.
    let train = trainRows.subset(sampledTrainRows(finishedTrainRows))
    let dev = devRows.unweighted
    return Run(
      model: model, split: split, history: progress.history, bestEpoch: progress.bestEpoch,
      stopReason: progress.stopReason, train: evaluator.evaluate(train.unweighted),
      dev: evaluator.evaluate(dev),
      devOfEach: others.isEmpty ? [] : ([self] + others).map { $0.devScore() }, seconds: seconds,
      threads: threads ?? workers.count, steps: progress.step, epochsTrained: progress.epoch - firstEpoch)
  }

  private var finishedTrainRows: Int { max(Self.mostSampledRows, split.devCount) }

  /// About how long the evaluations of ``finish(seconds:with:recipe:)`` take, with that of the test set, by the time of dev's.
  var secondsOfFinish: Double {
    let rows = min(split.trainCount, finishedTrainRows) + split.devCount + split.testCount
    return secondsOfDev * Double(rows) / Double(max(1, split.devCount))
  }

  /// About how long the evaluations after an epoch take.
  var secondsOfEvaluations: Double { 2 * secondsOfDev }

  private var secondsOfDev: Double {
    let start = ContinuousClock.now
    _ = evaluator.evaluate(devRows)
    return (ContinuousClock.now - start).inSeconds
  }

  // MARK: Checkpoints

  private var arenas: [(prefix: String, tensors: [PlacedTensor], arena: Arena)] {
    var list = [
      ("weights", graph.parameters, step.weights), ("best", graph.parameters, kept.weights),
      ("state", graph.state, step.state), ("bestState", graph.state, kept.state),
    ]
    if let first = step.updater.first { list.append(("first", graph.parameters, first)) }
    if let second = step.updater.second { list.append(("second", graph.parameters, second)) }
    if let third = step.updater.third { list.append(("third", graph.parameters, third)) }
    if let quasiNewton = step.quasiNewton {
      for (place, pair) in zip(quasiNewton.steps, quasiNewton.changes).enumerated() {
        list.append(("step\(place)", graph.parameters, pair.0))
        list.append(("change\(place)", graph.parameters, pair.1))
      }
    }
    if let average = step.updater.average { list.append(("average", graph.parameters, average)) }
    return list
  }

  package func checkpoint() -> Checkpoint {
    var tensors: [String: Safetensors.Tensor] = [:]
    for (prefix, list, arena) in arenas {
      for tensor in list { tensors[prefix + "." + tensor.name] = tensor.stored(from: arena, precision: .float32) }
    }
    tensors[HeldOutErrors.tensorName] = heldOut.stored
    return Checkpoint(progress: progress, tensors: tensors)
  }

  /// Restores the state of a checkpoint.
  /// - Throws: `RecipeError` where the checkpoint has another recipe, apart from fewer epochs.
  package func restore(_ checkpoint: Checkpoint, path: String) throws {
    var written = checkpoint.progress.recipe
    let isLonger = recipe.epochs ?? 0 > written.epochs ?? 0
    if isLonger { written.epochs = recipe.epochs }
    if recipe.optimizer.algorithm == .lbfgs { written.accumulation = recipe.accumulation }
    guard written == recipe else {
      throw RecipeError("'\(path)' was written with a different recipe from the one in its folder.")
    }
    for (prefix, list, arena) in arenas {
      for tensor in list {
        try tensor.restore(
          checkpoint.tensors[prefix + "." + tensor.name], into: arena, precision: .float32, path: path)
      }
    }
    heldOut.restore(checkpoint.tensors[HeldOutErrors.tensorName])
    progress = checkpoint.progress
    if isLonger { (progress.recipe, progress.stopReason) = (recipe, nil) }
    firstEpoch = progress.epoch
  }
}
