import TartineData
import TartineDiagnosis
import TartineFiles
import TartineTraining

/// A self-contained HTML page about a run: verdict, error ladder, curves, network, recipe.
public struct Report {
  private let run: Run
  private let diagnosis: Diagnosis
  private let headline: [String]
  private let remarks: [String]
  private let title: String

  /// Creates a report of a run.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - diagnosis: The run's diagnosis.
  ///   - headline: The result, shown first.
  ///   - remarks: Sentences shown below the verdict.
  ///   - title: The page's title.
  public init(
    _ run: Run, diagnosis: Diagnosis, headline: [String] = [], remarks: [String] = [], title: String
  ) {
    self.run = run
    self.diagnosis = diagnosis
    self.headline = headline
    self.remarks = remarks
    self.title = title
  }

  /// The page as HTML.
  public var html: String {
    let prescriptions = diagnosis.prescriptions.map {
      "<li><strong>\(escape($0.what))</strong>: \(escape($0.why)). <code>\(escape($0.flags))</code></li>"
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
        verdict, sections.ladder, sections.epochs,
        Page.section("To try next", prescriptions.isEmpty ? "" : "<ol>\(prescriptions.joined())</ol>"),
        sections.network, sections.data, sections.recipe,
      ].joined(separator: "\n")
    ).html
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
      LadderPicture(diagnosis).svg + Page.table(["", "figure", "95 % interval", "rows"], rows))
  }

  var epochs: String {
    let isFraction = run.model.task != .regression
    let scale = isFraction ? 100.0 : 1
    let history = run.history
    return Page.section(
      "The epochs",
      note:
        "Measured after each epoch, in prediction mode; train on a fixed sample as large as dev. The "
        + "weights are "
        + "those of epoch \(run.model.epoch)\(run.recipe.keeps == .last ? ", the last" : ", with the lowest dev loss").",
      Page.charts([
        CurvePicture("Loss", history.map(\.train.loss), history.map(\.dev.loss), best: run.bestEpoch).svg,
        CurvePicture(
          isFraction ? "Error, %" : "RMSE", history.map { $0.train.score * scale },
          history.map { $0.dev.score * scale },
          best: run.bestEpoch
        ).svg,
      ]))
  }

  var network: String { Page.section("The network", "<pre>\(escape(run.model.plan.description))</pre>") }

  var data: String {
    let notices = run.split.dataset.notices + run.model.preparation.notices
    let list = notices.isEmpty ? "" : "<ul>" + notices.map { "<li>\(escape($0))</li>" }.joined() + "</ul>"
    return Page.section(
      "The data",
      """
      <p>\(run.split.trainCount) train, \(run.split.devCount) dev, \(run.split.testCount) test rows, \
      \(escape(run.split.division)). \(run.history.count) epochs, \(run.steps) steps, \
      \(Text.fixed(run.seconds, decimals: 1)) s on \(run.threads) thread\(run.threads == 1 ? "" : "s").</p>\(list)
      """)
  }

  var recipe: String {
    Page.section("The recipe", "<pre>\(escape((try? JSON.text(run.recipe, pretty: true)) ?? ""))</pre>")
  }
}

extension Split {
  /// The method of the split, in words.
  fileprivate var division: String {
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
