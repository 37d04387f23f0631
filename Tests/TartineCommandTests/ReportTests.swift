import Foundation
import Testing

/// The report of `diagnose`, opened in a browser if there is one.
@Suite struct ReportTests {
  /// A headless browser; `TARTINE_BROWSER` names another.
  static let browser: String? = {
    let environment = ProcessInfo.processInfo.environment
    if let named = environment["TARTINE_BROWSER"] { return named }
    let folders = (environment["PATH"] ?? "").split(separator: ":")
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    return folders.flatMap { folder in names.map { "\(folder)/\($0)" } }.first(
      where: FileManager.default.isExecutableFile)
  }()

  private func diagnose(_ arguments: [String]) throws -> (command: CommandRunner, json: [String: Any]) {
    let command = try CommandRunner()
    try command.write(CommandRunner.table(rows: 300), to: "t.csv")
    let json = try command.run(["diagnose"] + arguments + ["--budget", "20s", "--out", "d", "--json"]).json()
    return (command, json)
  }

  @Test func theReportStandsAlone() throws {
    let (command, json) = try diagnose(["t.csv", "--target", "y", "--hidden", "16", "--epochs", "20"])
    let html = String(decoding: try command.bytes("d/report.html"), as: UTF8.self)
    for part in ["http:", "https:", "<script", "<link", "src=\"/", "@import"] {
      #expect(!html.contains(part), "\(part)")
    }
    for title in ["The error ladder", "The epochs", "Signals", "All checks", "Distribution shift", "The recipe"] {
      #expect(html.contains("<h2>\(title)</h2>"), "\(title)")
    }
    let verdict = try #require(json["verdict"] as? String)
    #expect(html.contains(verdict) && html.range(of: verdict)!.lowerBound < html.range(of: "<h2>")!.lowerBound)
    let written = try JSONSerialization.jsonObject(with: Data(try command.bytes("d/report.json"))) as? [String: Any]
    #expect(NSDictionary(dictionary: try #require(written)) == NSDictionary(dictionary: json))
  }

  @Test(.enabled(if: browser != nil), arguments: [1280, 390])
  func theReportIsShownWhole(width: Int) throws {
    // Images among the rows with the highest loss, and a table of ten classes.
    let (command, json) = try diagnose(["--hidden", "8", "--epochs", "3"])
    // A page around the report that reads the visible content: the verdict, and overflowing elements.
    let reader = """
      <iframe id="f" src="d/report.html" style="border:0;width:\(width)px;height:900px"></iframe><pre id="out"></pre>
      <script>document.getElementById("f").onload = function () {
        var page = this.contentDocument, wide = page.documentElement.scrollWidth - page.documentElement.clientWidth
        var out = [page.querySelector(".verdict").innerText, "overflow " + wide]
        page.querySelectorAll("img").forEach(i => out.push("image " + i.naturalWidth))
        page.querySelectorAll("svg").forEach(s => { var box = s.getBoundingClientRect(); s.querySelectorAll("text").forEach(t => {
          var b = t.getBoundingClientRect()
          if (b.left < box.left - 1 || b.right > box.right + 1 || b.bottom > box.bottom + 1) out.push("cut: " + t.textContent) }) })
        document.getElementById("out").textContent = out.join("\\n")
      }</script>
      """
    try command.write(reader, to: "reader.html")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.browser))
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--virtual-time-budget=4000",
      "--user-data-dir=\(command.folder)/browser", "--dump-dom", "file://\(command.folder)/reader.html",
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let dom = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // The output of the page, and not of its script.
    let seen = try #require(
      dom.components(separatedBy: "<pre id=\"out\">").last?.components(separatedBy: "</pre>").first,
      "\(dom.suffix(500))")
    let verdict = try #require(json["verdict"] as? String)
    #expect(seen.contains(verdict) && seen.contains("overflow 0") && seen.contains("image 8"), "\(seen.prefix(2000))")
    #expect(!seen.contains("cut: "), "\(seen.prefix(2000))")
  }
}
