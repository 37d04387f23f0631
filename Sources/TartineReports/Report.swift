import TartineData
import TartineDiagnosis
import TartineFiles
import TartineTraining

/// One page of HTML without outside parts: verdict, ladder, curves, network, recipe.
public struct Report {
  private let run: Run
  private let diagnosis: Diagnosis
  private let remarks: [String]
  private let title: String

  /// A report of a run, with its reading.
  ///
  /// - Parameters:
  ///   - run: what is told of.
  ///   - diagnosis: its reading.
  ///   - remarks: sentences beside the verdict.
  ///   - title: of the page.
  public init(_ run: Run, diagnosis: Diagnosis, remarks: [String] = [], title: String) {
    self.run = run
    self.diagnosis = diagnosis
    self.remarks = remarks
    self.title = title
  }

  /// The page.
  public var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(escape(title)) – Tartine</title>
    <style>\(Self.style)</style>
    </head>
    <body>
    <main>
    <h1>\(escape(title))</h1>
    <p class="verdict">\(escape(diagnosis.verdict))</p>
    \(diagnosis.mismatch.map { "<p>\(escape($0.sentence))</p>" } ?? "")
    \(remarks.map { "<p>\(escape($0))</p>" }.joined(separator: "\n"))
    <h2>The error ladder</h2>
    <p class="note">\(escape(diagnosis.heading)); δ, the smallest difference that matters, is \
    \(escape(diagnosis.text(diagnosis.worth))). Dev chose the epoch, so its error is a little optimistic.</p>
    \(LadderPicture(diagnosis).svg)
    \(ladderTable)
    <h2>The epochs</h2>
    <p class="note">After each epoch, in prediction mode; the train figure is of a fixed sample as large as dev. \
    The weights kept are those of epoch \(run.model.epoch)\(
      run.recipe.keeps == .last ? ", the last" : ", where the dev loss was lowest").</p>
    <div class="charts">
    \(CurvePicture("Loss", run.history.map(\.train.loss), run.history.map(\.dev.loss), best: run.bestEpoch).svg)
    \(scoreCurve)
    </div>
    \(prescriptions)
    <h2>The network</h2>
    <pre>\(escape(run.model.plan.description))</pre>
    <h2>The data</h2>
    <p>\(run.split.trainCount) rows to train, \(run.split.devCount) dev, \(run.split.testCount) test, divided with \
    seed \(run.split.seed). \(run.history.count) epochs, \(run.steps) steps, \
    \(Text.fixed(run.seconds, decimals: 1)) s on \(run.threads) thread\(run.threads == 1 ? "" : "s").</p>
    \(notices)
    <h2>The recipe</h2>
    <pre>\(escape((try? JSON.text(run.recipe, pretty: true)) ?? ""))</pre>
    </main>
    </body>
    </html>

    """
  }

  private var scoreCurve: String {
    let isFraction = run.model.task != .regression
    let scale = isFraction ? 100.0 : 1
    return CurvePicture(
      isFraction ? "Error, %" : "RMSE", run.history.map { $0.train.score * scale },
      run.history.map { $0.dev.score * scale }, best: run.bestEpoch
    ).svg
  }

  private var ladderTable: String {
    let rows = diagnosis.ladder.map {
      "<tr><th>\($0.name)</th><td>\(escape(diagnosis.text($0.estimate.value)))</td>"
        + "<td>\(escape(diagnosis.range($0.estimate)))</td><td>\($0.rows)</td></tr>"
    }
    return "<table><thead><tr><th></th><td>figure</td><td>95 % interval</td><td>rows</td></tr></thead><tbody>"
      + rows.joined() + "</tbody></table>"
  }

  private var prescriptions: String {
    guard !diagnosis.prescriptions.isEmpty else { return "" }
    let items = diagnosis.prescriptions.map {
      "<li><strong>\(escape($0.what))</strong>: \(escape($0.why)). <code>\(escape($0.flags))</code></li>"
    }
    return "<h2>To try next</h2><ol>\(items.joined())</ol>"
  }

  private var notices: String {
    let all = run.split.dataset.notices + run.model.preparation.notices
    return all.isEmpty ? "" : "<ul>" + all.map { "<li>\(escape($0))</li>" }.joined() + "</ul>"
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #1c1b19; --soft: #6b675f; --line: #d9d4c8; --paper: #fdfbf7;
      --train: #2f6f9f; --dev: #c2571a; --test: #5b8c3e; }
    @media (prefers-color-scheme: dark) { :root { --ink: #ece8df; --soft: #a39d90; --line: #45413a;
      --paper: #1b1a18; --train: #79b8e6; --dev: #f0955a; --test: #9fcf7f; } }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; }
    h1 { font-size: 1.7rem; margin: 0 0 .6rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
    .verdict { font-size: 1.1rem; border-left: 4px solid var(--dev); padding-left: .9rem; margin: .8rem 0; }
    .note { color: var(--soft); margin: .2rem 0 .8rem; }
    table { border-collapse: collapse; margin: .6rem 0; } th { text-align: left; font-weight: 600; }
    td, th { padding: .25rem 1.4rem .25rem 0; border-bottom: 1px solid var(--line); }
    td { font-variant-numeric: tabular-nums; } thead td { color: var(--soft); }
    pre { overflow-x: auto; border: 1px solid var(--line); padding: .8rem 1rem; font-size: .85rem; line-height: 1.4; }
    code { font-size: .9em; white-space: nowrap; } td, th { white-space: nowrap; } svg { width: 100%; max-width: 40rem; height: auto; display: block; }
    svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1.5rem; }
    """
}

/// Text that may stand in HTML.
func escape(_ text: String) -> String {
  var out = ""
  for character in text {
    switch character {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    default: out.append(character)
    }
  }
  return out
}
