import TartineData
import TartineDiagnosis
import TartineFiles
import TartineTraining

/// One page of HTML without outside parts: verdict, ladder, curves, network, recipe.
public struct Report {
  private let run: Run
  private let diagnosis: Diagnosis
  private let headline: [String]
  private let remarks: [String]
  private let title: String

  /// A report of a run, with its reading.
  ///
  /// - Parameters:
  ///   - run: what is told of.
  ///   - diagnosis: its reading.
  ///   - headline: the result, said first.
  ///   - remarks: sentences beside the verdict.
  ///   - title: of the page.
  public init(
    _ run: Run, diagnosis: Diagnosis, headline: [String] = [], remarks: [String] = [], title: String
  ) {
    self.run = run
    self.diagnosis = diagnosis
    self.headline = headline
    self.remarks = remarks
    self.title = title
  }

  /// The page.
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

/// What a page says of a run.
struct RunSections {
  private let run: Run
  private let diagnosis: Diagnosis
  private let seeds: Int

  /// - Parameter seeds: networks that the ladder is of.
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
    let chosen = run.recipe.keeps == .best ? " Dev chose the epoch, so its error is a little optimistic." : ""
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
        "After each epoch, in prediction mode; the train figure is of a fixed sample as large as dev. The weights kept are "
        + "those of epoch \(run.model.epoch)\(run.recipe.keeps == .last ? ", the last" : ", where the dev loss was lowest").",
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
      <p>\(run.split.trainCount) rows to train, \(run.split.devCount) dev, \(run.split.testCount) test, \
      \(escape(run.split.division)). \(run.history.count) epochs, \(run.steps) steps, \
      \(Text.fixed(run.seconds, decimals: 1)) s on \(run.threads) thread\(run.threads == 1 ? "" : "s").</p>\(list)
      """)
  }

  var recipe: String {
    Page.section("The recipe", "<pre>\(escape((try? JSON.text(run.recipe, pretty: true)) ?? ""))</pre>")
  }
}

extension Split {
  /// How it was divided, after the parts' rows.
  fileprivate var division: String {
    switch method {
    case .stratified:
      "divided at random with seed \(seed)\(task.isClassification ? ", each class in the same shares" : "")"
    case .grouped(let column): "rows of one '\(column)' together, divided at random with seed \(seed)"
    case .time(let column): "divided by '\(column)', the earliest to train"
    case .hash(let column): "divided by a hash of '\(column)'"
    case .fixed(let column): "divided as '\(column)' says"
    }
  }
}
