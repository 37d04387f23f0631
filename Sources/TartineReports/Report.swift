import TartineData
import TartineDiagnosis
import TartineFiles
import TartineTraining

/// A self-contained HTML page about a run: verdict, error ladder, curves, network, recipe.
public struct Report {
  private let run: Run
  private let test: Evaluation?
  private let diagnosis: Diagnosis
  private let headline: [String]
  private let remarks: [String]
  private let title: String
  private let spelling: (RecipeSettings) -> String

  /// Creates a report of a run.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - test: The evaluation on the test set; nil shows the predictions on dev.
  ///   - diagnosis: The run's diagnosis.
  ///   - headline: The result, shown first.
  ///   - remarks: Sentences shown below the verdict.
  ///   - title: The page's title.
  ///   - spelling: How a prescription's settings are written; by default as `key = value`.
  public init(
    _ run: Run, test: Evaluation? = nil, diagnosis: Diagnosis, headline: [String] = [], remarks: [String] = [],
    title: String, spelling: @escaping (RecipeSettings) -> String = { $0.description }
  ) {
    self.spelling = spelling
    self.run = run
    self.test = test
    self.diagnosis = diagnosis
    self.headline = headline
    self.remarks = remarks
    self.title = title
  }

  /// The page as HTML.
  public var html: String {
    let prescriptions = diagnosis.prescriptions.map {
      "<li><strong>\(escape($0.what))</strong>: \(escape($0.why)). <code>\(escape(spelling($0.settings)))</code></li>"
    }
    let result = headline.enumerated().map { "<p class=\"\($0 == 0 ? "result" : "verdict")\">\(escape($1))</p>" }
    let verdict = """
      \(result.joined(separator: "\n"))
      <p class="verdict">\(escape(diagnosis.verdict))</p>
      \(diagnosis.mismatch.map { "<p>\(escape($0.sentence))</p>" } ?? "")
      \(remarks.map { "<p>\(escape($0))</p>" }.joined(separator: "\n"))
      """
    let sections = RunSections(run, diagnosis)
    return Page(
      title: title,
      body: [
        verdict, sections.ladder,
        PredictionSections(
          test ?? run.dev, part: test == nil ? "dev" : "test",
          dataset: test == nil ? run.split.dataset : run.split.test.dataset, threshold: run.model.decision.threshold
        ).html, intervals,
        // Those of test would invite tuning on it.
        PredictionSections(
          run.dev, part: "dev", dataset: run.split.dataset, threshold: run.model.decision.threshold
        ).images, sections.epochs,
        Page.section("To try next", prescriptions.isEmpty ? "" : "<ol>\(prescriptions.joined())</ol>"),
        sections.network, sections.data, sections.recipe,
      ].joined(separator: "\n")
    ).html
  }
}

extension Report {
  /// How often intervals of single predictions held the truth on test.
  private var intervals: String {
    guard let test else { return "" }
    let found = IntervalCoverage.usual.compactMap { IntervalCoverage(test, coverage: $0, of: run.split.test.dataset) }
    guard !found.isEmpty else { return "" }
    func percent(_ share: Double, _ decimals: Int = 1) -> String { "\(Text.fixed(share * 100, decimals: decimals)) %" }
    let isNumber = run.model.task == .regression
    let rows = found.map {
      [
        percent($0.coverage, 0), percent($0.held.value), "\(percent($0.held.low)) to \(percent($0.held.high))",
        isNumber ? Text.significant($0.size, digits: 4) : Text.fixed($0.size, decimals: 2),
      ]
    }
    let slices = found.first { $0.coverage == 0.9 }?.slices.prefix(8).map {
      "<li>\(escape($0.name)): held in \(percent(1 - $0.error.value)) of \($0.rows) rows</li>"
    }
    let list =
      slices.map { $0.isEmpty ? "" : "<p>Held significantly less often, of those for 90 %:</p><ul>\($0.joined())</ul>" }
      ?? ""
    return Page.section(
      isNumber ? "Intervals for single predictions" : "Sets of classes for single predictions",
      note: "Made on dev, counted on test; predict --interval 0.9 writes them for each row.",
      Page.table(["asked", "held", "95 % interval", isNumber ? "mean width" : "mean number of classes"], rows) + list)
  }
}

/// The sections of a page about a run.
struct RunSections {
  private let run: Run
  private let diagnosis: Diagnosis
  private let seeds: Int

  /// - Parameter seeds: The number of networks that the error ladder averages over.
  init(_ run: Run, _ diagnosis: Diagnosis, seeds: Int = 1) {
    self.run = run
    self.diagnosis = diagnosis
    self.seeds = seeds
  }

  var ladder: String {
    let rows = diagnosis.ladder.map {
      [
        $0.name, diagnosis.text($0.estimate.value), $0.rows > 0 ? diagnosis.range($0.estimate) : "given",
        $0.rows > 0 ? "\($0.rows)" : "",
      ]
    }
    let chosen =
      run.recipe.keeps == .best
      ? " The epoch was chosen on dev, so the dev error is a little optimistic." : ""
    return Page.section(
      "The error ladder",
      note:
        "\(diagnosis.heading)\(seeds > 1 ? ", the mean of \(seeds) seeds" : ""); δ, the smallest difference that matters, is \(diagnosis.points(diagnosis.worth)).\(chosen)",
      Page.pair([LadderPlot(diagnosis).svg, Page.table(["", "figure", "95 % interval", "rows"], rows)]))
  }

  var epochs: String {
    let isFraction = run.model.task != .regression
    let scale = isFraction ? 100.0 : 1
    let history = run.history
    return Page.section(
      "The epochs",
      note:
        "Measured after each epoch, in prediction mode; train on a fixed sample as large as dev. The "
        + "dashed line marks the weights that are kept: those of epoch \(run.model.epoch)\(run.recipe.keeps == .last ? ", the last" : ", with the lowest dev loss").",
      Page.charts([
        CurvePlot("Loss", history.map(\.train.loss), history.map(\.dev.loss), best: run.model.epoch).svg,
        CurvePlot(
          isFraction ? "Error, %" : "RMSE", history.map { $0.train.score * scale },
          history.map { $0.dev.score * scale },
          best: run.model.epoch
        ).svg,
        EpochPlot("Learning rate", history.map(\.learningRate)).svg,
      ]))
  }

  var network: String { Page.section("The network", "<pre>\(escape(run.model.graph.description))</pre>") }

  var data: String {
    let notices = run.split.dataset.notices + run.model.preparation.notices
    let list = notices.isEmpty ? "" : "<ul>" + notices.map { "<li>\(escape($0))</li>" }.joined() + "</ul>"
    return Page.section(
      "The data",
      """
      <p>\(run.split.trainCount) train, \(run.split.devCount) dev, \(run.split.testCount) test rows, \
      \(escape(run.split.summary)). \(run.history.count) epochs, \(run.steps) steps, \
      \(Text.fixed(run.seconds, decimals: 1)) s on \(run.threads) thread\(run.threads == 1 ? "" : "s").</p>\(list)
      """)
  }

  var recipe: String {
    let json = (try? JSON.text(run.recipe, pretty: true)) ?? ""
    return Page.section("The recipe", Page.folded("recipe.json", "<pre>\(escape(json))</pre>"))
  }
}

/// The sections about predictions: metrics, confusion matrix, curves, and misclassified images.
struct PredictionSections {
  private let evaluation: Evaluation
  private let part: String
  private let dataset: Dataset
  private let threshold: Double
  private static let mostImages = 12

  /// - Parameters:
  ///   - part: The name of the set: `dev` or `test`.
  ///   - dataset: The data set that contains the rows.
  ///   - threshold: The decision threshold of two classes.
  init(_ evaluation: Evaluation, part: String, dataset: Dataset, threshold: Double) {
    self.evaluation = evaluation
    self.part = part
    self.dataset = dataset
    self.threshold = threshold
  }

  var html: String {
    let metrics = Metrics(evaluation)
    let color = "var(--\(part))"
    let figures = metrics.values.filter { $0.estimate.value.isFinite }.map { [$0.name, $0.valueText, $0.rangeText] }
    let table = Page.table(["metric", "value", "95 % interval"], figures)
    guard evaluation.task != .regression else {
      return Page.section(
        "Predictions on \(part)", note: "Dashed: a perfect prediction.",
        Page.charts(PredictedPlots(evaluation, color: color).svgs) + table)
    }
    let matrix = metrics.classes.count > 1 ? ConfusionTable(metrics.classes, metrics.confusion).html : ""
    var plots = OperatingCurvePlots(
      OperatingCurve.list(of: evaluation), threshold: evaluation.task == .binary ? threshold : nil
    ).svgs
    if let calibration = Calibration(evaluation) { plots.append(CalibrationPlot(calibration, color: color).svg) }
    // A large matrix takes the whole width.
    let tables = metrics.classes.count > 6 ? matrix + table : Page.pair([matrix, table])
    return Page.section("Predictions on \(part)", tables + Page.charts(plots))
  }

  /// The misclassified images with the highest loss.
  var images: String {
    guard evaluation.task.isClassification, let figures = ImageFigures(dataset) else { return "" }
    let names = evaluation.outputNames
    let wrong = evaluation.outcomes.indices.filter { evaluation.outcomes[$0] > 0 }
      .sorted { (evaluation.logLosses[$1], $0) < (evaluation.logLosses[$0], $1) }
    let rows = wrong.prefix(Self.mostImages).map { place in
      let (actual, predicted) = (names[Int(evaluation.truths[place])], names[Int(evaluation.predictions[place])])
      return (place: evaluation.origin[place], caption: "actual \(actual), predicted \(predicted)")
    }
    return Page.section(
      "Misclassified images", note: "On \(part), the highest loss first: \(wrong.count) of \(evaluation.rowCount).",
      rows.isEmpty ? "" : figures.html(rows))
  }
}

extension Split {
  /// The method of the split, in words.
  fileprivate var summary: String {
    switch method {
    case .stratified:
      "split at random with seed \(seed)\(task.isClassification ? ", stratified by class" : "")"
    case .grouped(let column): "split at random with seed \(seed), in groups by '\(column)'"
    case .time(let column): "split by time, '\(column)', with the earliest rows in train"
    case .hash(let column): "split by a hash of '\(column)'"
    case .fixed(let column): "split as given in '\(column)'"
    }
  }
}
