/// A self-contained HTML page.
struct Page {
  let title: String
  /// The content below the heading, as HTML.
  let body: String

  var html: String {
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
    \(body)
    </main>
    </body>
    </html>

    """
  }

  /// Returns a section with a heading; empty if the content is empty.
  static func section(_ title: String, note: String? = nil, _ content: String) -> String {
    guard !content.isEmpty else { return "" }
    let remark = note.map { "<p class=\"note\">\(escape($0))</p>" } ?? ""
    return "<section><h2>\(escape(title))</h2>\(remark)\(content)</section>"
  }

  /// Returns a table of texts, whose first column names the row.
  static func table(_ head: [String], _ rows: [[String]]) -> String {
    guard !rows.isEmpty else { return "" }
    let heads = head.map { "<th>\(escape($0))</th>" }.joined()
    let lines = rows.map { row in
      "<tr>" + row.enumerated().map { $0 == 0 ? "<th>\(escape($1))</th>" : "<td>\(escape($1))</td>" }.joined() + "</tr>"
    }
    return "<div class=\"wide\"><table><thead><tr>\(heads)</tr></thead><tbody>\(lines.joined())</tbody></table></div>"
  }

  /// Returns contents side by side where there is space.
  static func pair(_ contents: [String]) -> String {
    "<div class=\"pair\">\(contents.filter { !$0.isEmpty }.map { "<div>\($0)</div>" }.joined())</div>"
  }

  /// Returns a content that is folded at first.
  static func folded(_ title: String, _ content: String) -> String {
    "<details><summary>\(escape(title))</summary>\(content)</details>"
  }

  static func charts(_ plots: [String]) -> String {
    let there = plots.filter { !$0.isEmpty }
    return there.isEmpty ? "" : "<div class=\"charts\">\(there.joined(separator: "\n"))</div>"
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #1c1b19; --soft: #6b675f; --line: #d9d4c8; --paper: #fdfbf7; --card: #f6f2e9;
      --train: #2f6f9f; --dev: #c2571a; --test: #5b8c3e; --human: #6b675f; --reached: #6b675f; --train-dev: #7d6aa8; --bad: #b3261e; }
    @media (prefers-color-scheme: dark) { :root { --ink: #ece8df; --soft: #a39d90; --line: #45413a; --card: #24221f;
      --paper: #1b1a18; --train: #79b8e6; --dev: #f0955a; --test: #9fcf7f; --human: #a39d90; --reached: #a39d90; --train-dev: #b7a6e0; --bad: #f2827a; } }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
    main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; }
    h1 { font-size: 1.7rem; margin: 0 0 .6rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
    .result { font-size: 1.35rem; margin: 1rem 0 .6rem; }
    .verdict { font-size: 1.1rem; border-left: 4px solid var(--dev); padding-left: .9rem; margin: .8rem 0; }
    .note { color: var(--soft); margin: .2rem 0 .8rem; }
    .faults { list-style: none; padding: 0; margin: .8rem 0; } .faults li { background: var(--card); border-left: 4px solid var(--bad);
      padding: .6rem .9rem; margin: .5rem 0; overflow-wrap: anywhere; } .faults.none li { border-color: var(--test); }
    .name { font-weight: 650; } .do { color: var(--soft); }
    .wide { overflow-x: auto; background: linear-gradient(to right, var(--paper) 40%, transparent) left / 3rem 100%,
      linear-gradient(to left, var(--paper) 40%, transparent) right / 3rem 100%, linear-gradient(to right, var(--line), transparent) left / .9rem 100%,
      linear-gradient(to left, var(--line), transparent) right / .9rem 100%; background-repeat: no-repeat; background-attachment: local, local, scroll, scroll; }
    .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 0 2.5rem; align-items: start; }
    .pair > div { min-width: 0; } table { border-collapse: collapse; margin: .6rem 0; font-size: .95rem; }
    th { text-align: left; font-weight: 600; } td, th { padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line);
      white-space: nowrap; vertical-align: top; } td { font-variant-numeric: tabular-nums; } thead th { color: var(--soft); font-weight: 400; }
    .checks { display: grid; grid-template-columns: max-content max-content 1fr; gap: .35rem 1.2rem; font-size: .95rem; }
    .checks .fault { color: var(--bad); } .checks .fine { color: var(--test); } .checks .undecided { color: var(--soft); }
    @media (max-width: 40rem) { .checks { grid-template-columns: 1fr max-content; } .checks .text { grid-column: 1 / -1; margin-bottom: .5rem; } }
    pre { overflow-x: auto; border: 1px solid var(--line); padding: .8rem 1rem; font-size: .85rem; line-height: 1.4; }
    code { font-size: .9em; overflow-wrap: anywhere; } svg { width: 100%; max-width: 40rem; height: auto; display: block; }
    svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg text.title { fill: var(--ink); }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1.5rem 2rem; }
    .charts svg { max-width: 34rem; } .rows { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 6.5rem; font-size: .8rem; line-height: 1.3; }
    figure img { width: 100%; image-rendering: pixelated; display: block; border: 1px solid var(--line); }
    .matrix small { display: block; opacity: .8; font-size: .75rem; }
    .matrix td { text-align: right; padding: .2rem .5rem; border: 1px solid var(--paper); min-width: 1.6rem; } .matrix thead th { text-align: right; padding: .2rem .5rem; }
    details { margin: .6rem 0; } summary { cursor: pointer; color: var(--soft); }
    @media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --card: #f4f4f4; } main { max-width: none; padding: 0; }
      section, figure, svg { break-inside: avoid; } details:not([open]) > *:not(summary) { display: block; } }
    """
}

/// Returns text escaped for HTML.
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
