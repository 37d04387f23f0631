import ArgumentParser
import Tartine

struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune",
    abstract: "Searches for better hyperparameters, and evaluates the winner with fresh seeds.",
    discussion: """
      Trains the recipe with different values of the hyperparameters of a search space, one trial per \
      processor. The default sampler is Bayesian optimization in a trust region around the best trial so \
      far. The best trials are retrained with fresh seeds, since the best score of many is optimistic; the \
      winner is evaluated on the test set, once.

        tartine tune titanic.csv --target Survived
        tartine tune houses.csv --target price --budget 10m
        tartine tune houses.csv --target price --space space.json --stop median
        tartine tune --study tunes/houses-1/study.db --trials 400
        tartine tune new.csv --target price --again tunes/houses-1/study.db

      --study continues a study up to a total number of trials; --again tries an old study's best trials on \
      new data. A study is a file that Optuna can open as well, as in optuna-dashboard \
      sqlite:///tunes/houses-1/study.db; several processes can work on one study. best.json is the winner's \
      recipe, for tartine train --recipe.

      The flags of the recipe, such as --hidden, --epochs and --lr, are those of tartine train; tartine \
      tune --help-hidden lists them.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe", visibility: .hidden) var recipe: RecipeOptions
  @OptionGroup(title: "Search") var options: SearchOptions

  func run() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let budget = try options.budget.map { try Budget.seconds($0) }
    let job = try TuningJob(data: data, recipe: recipe, options: options)
    let total = options.trials ?? (budget == nil ? Self.defaultTrials : nil)
    Files.onInterrupt(
      say: "stopped; finished trials are kept. To continue: \(Shell.program) tune "
        + "\(job.goingOn(options, total))",
      removing: job.folder.path)
    let finished = try job.study.trials().count { $0.state.isFinished }
    if let trials = options.trials, finished >= trials {
      Files.warn(
        "the study has \(finished) trials already, and --trials is the total, so none is added; for \(trials) more: --trials "
          + "\(finished + trials)")
    }
    let final = (candidates: options.finalists, seeds: options.freshSeeds)
    let display = TuningDisplay(
      job, isQuiet: options.json, already: finished, total: total,
      seconds: budget)
    display.begin(job)
    try job.tuner.run(job.study, upTo: total, for: budget, leavingTimeFor: final, progress: display.show)
    var winner: Winner?
    var problem: String?
    do {
      let trials = try job.study.trials()
      let stage = finalStage(job, trials, left: budget.map { $0 - (clock.now - start).inSeconds })
      winner = try job.tuner.winner(
        of: trials, in: job.study.space, candidates: stage.finalists, seeds: stage.seeds,
        including: job.before, progress: display.show)
    } catch let error as DivergedWinner {
      // The search is reported all the same.
      problem = "\(error)"
    }
    // First of all, count the evaluation of the test set, before anything else can fail.
    let openings = try job.note(winner)
    display.training()
    let model = try winner.map { try $0.best.recipe.train(on: job.split).model }
    display.end()
    if let problem { Files.warn(problem) }
    let result = try TuningResult(
      job.study, job.tuner, job.sampler, winner: winner, before: job.before, testOpenings: openings)
    let seconds = (clock.now - start).inSeconds
    try job.folder.write(result, job, model, seconds: seconds)
    if options.json {
      try Files.print(try JSON.text(TuneFolder.Written(result, job.folder, seconds: seconds)) + "\n")
    } else {
      try Files.print(TuningText(result, job, seconds: seconds).text)
    }
  }

  /// Returns the number of finalists and of fresh seeds, fewer if the remaining time is short.
  private func finalStage(_ job: TuningJob, _ trials: [Trial], left: Double?) -> (finalists: Int, seeds: Int) {
    var (finalists, seeds) = (options.finalists, options.freshSeeds)
    guard let left else { return (finalists, seeds) }
    while job.tuner.finalSeconds(trials, candidates: finalists, seeds: seeds) > 1.2 * left, finalists > 2 || seeds > 2 {
      if seeds > 3 || finalists <= 2 { seeds -= 1 } else { finalists -= 1 }
    }
    if (finalists, seeds) != (options.finalists, options.freshSeeds) {
      Files.warn(
        "for lack of time the best \(finalists) are retrained with \(seeds) seeds, not "
          + "\(options.finalists) with "
          + "\(options.freshSeeds); allow more with --budget.")
    }
    return (finalists, seeds)
  }

  /// The number of trials if neither `--trials` nor `--budget` is given.
  private static let defaultTrials = 64
}
