import ArgumentParser
import Tartine

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "Lists the runs of a folder with their figures.",
    discussion: """
        tartine runs
        tartine runs experiments --sort dev

      The last column names the settings in which the runs on the same data differ.
      """)

  @Argument(help: ArgumentHelp("The folder that contains the runs' folders.", valueName: "folder"))
  var folder = "runs"

  @Option(help: ArgumentHelp("The order: name, or dev, lowest error first.", valueName: "name"))
  var sort: Order = .name

  @Flag(help: "Print one JSON object for each run, one per line.")
  var json = false

  enum Order: String, ExpressibleByArgument, CaseIterable { case name, dev }

  func run() throws {
    guard Files.isFolder(folder) else {
      throw FileError(.missing, folder, "there is no folder '\(folder)'; name the folder that contains the runs.")
    }
    var list: [RunListing] = []
    for path in RunListing.paths(in: folder) {
      do {
        list.append(try RunListing(path))
      } catch {
        Files.warn("\(error)")
      }
    }
    guard !list.isEmpty else {
      throw FileError(.missing, folder, "'\(folder)' contains no runs; 'tartine train' writes one to runs/.")
    }
    RunListing.nameDifferences(in: &list)
    if sort == .dev { list.sort { ($0.devScore ?? .infinity, $0.run) < ($1.devScore ?? .infinity, $1.run) } }
    try Files.print(
      json ? try list.map { try JSON.text($0) + "\n" }.joined() : RunListing.table(list, width: Files.terminalWidth))
  }
}

/// One run in the list.
struct RunListing: Encodable {
  let run: String
  let data: String
  let target: String?
  let status: RunFolder.Status
  let results: RunSummary?
  /// The settings that differ from those of other runs on the same data.
  var settings: [String: JSONValue] = [:]
  private let recipe: [String: JSONValue]
  /// The data and the split, for which runs are comparable.
  private let source: DataSource

  private enum CodingKeys: String, CodingKey { case run, data, target, status, results, settings }

  var devScore: Double? { results.flatMap { $0.dev.error ?? $0.dev.rmse } }

  init(_ path: String) throws {
    let (description, recipe) = try RunFolder(opening: path).read()
    run = path
    data = description.source.name
    source = description.source.withoutChecksums
    target = description.source.target
    status = description.status
    results = description.results
    self.recipe = Self.flat(try JSON.convert(recipe, to: JSONValue.self))
  }

  /// Returns the run with the lowest dev error among those beside a run on the same data, if it is lower than that run's; nil if
  /// none is.
  static func better(than summary: RunSummary, on source: DataSource) -> (run: String, dev: Double)? {
    guard let own = summary.dev.error ?? summary.dev.rmse, let end = summary.run.lastIndex(of: "/") else { return nil }
    let same = source.withoutChecksums
    // Runs with class weights, or a threshold for another metric, have another aim than the lowest error.
    func aim(_ run: RunListing) -> [String: JSONValue] {
      run.recipe.filter { $0.key.hasPrefix("loss.classWeights") || $0.key == "decision.threshold" }
    }
    guard let this = try? RunListing(summary.run) else { return nil }
    return paths(in: String(summary.run[..<end])).filter { $0 != summary.run }.compactMap { try? RunListing($0) }
      .filter { $0.source == same && $0.status == .finished && aim($0) == aim(this) }
      .compactMap { one in one.devScore.map { (one.run, $0) } }
      .filter { $0.1 < own }.min { $0.1 < $1.1 }
  }

  /// Returns the folders of runs in a folder, or the folder itself, `titanic-2` before `titanic-10`.
  static func paths(in folder: String) -> [String] {
    func isRun(_ path: String) -> Bool { Files.exists(path + "/run.json") }
    if isRun(folder) { return [folder] }
    return Files.names(in: folder).map { "\(folder)/\($0)" }.filter(isRun).sorted { a, b in
      func parts(_ path: String) -> (String, Int) {
        let name = path.split(separator: "-")
        guard let number = name.last.flatMap({ Int($0) }) else { return (path, 0) }
        return (name.dropLast().joined(separator: "-"), number)
      }
      return parts(a) < parts(b)
    }
  }

  private static func flat(_ tree: JSONValue, under path: String = "") -> [String: JSONValue] {
    guard case .object(let object) = tree else { return [path: tree] }
    return object.reduce(into: [:]) { all, entry in
      all.merge(flat(entry.value, under: path.isEmpty ? entry.key : "\(path).\(entry.key)")) { first, _ in first }
    }
  }

  static func nameDifferences(in list: inout [RunListing]) {
    let groups = Dictionary(grouping: list.indices) { list[$0].source }
    for places in groups.values {
      let keys = Set(places.flatMap { list[$0].recipe.keys })
      for key in keys where Set(places.map { list[$0].recipe[key] ?? .null }).count > 1 {
        for place in places { list[place].settings[key] = list[place].recipe[key] ?? .null }
      }
    }
  }

  /// The longest setting shown, in characters; longer ones are cut.
  private static let longestSetting = 32

  static func table(_ list: [RunListing], width: Int?) -> String {
    func figure(_ part: RunSummary.Part?) -> String {
      guard let part else { return "" }
      if let error = part.error { return Text.significant(error * 100, digits: 3) + " %" }
      return part.rmse.map { Text.significant($0, digits: 4) } ?? ""
    }
    let head = ["run", "target", "dev", "test", "best epoch", "seconds", "settings"]
    let rows = list.map { one -> [String] in
      let results = one.results
      let settings = one.settings.sorted { $0.key < $1.key }.map { key, value in
        let text = value.shortText
        return
          "\(key.split(separator: ".").last ?? "") \(text.count > longestSetting ? text.prefix(longestSetting) + "…" : text)"
      }
      return [
        one.run, one.target ?? one.data,
        one.status == .finished ? figure(results?.dev) : one.status == .running ? "unfinished" : one.status.rawValue,
        figure(results?.test), results.map { "\($0.bestEpoch) of \($0.epochs)" } ?? "",
        results.map { Text.fixed($0.seconds, decimals: 1) } ?? "", settings.joined(separator: ", "),
      ]
    }
    let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
    return ([head] + rows).map { row in
      let line = zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
      let trimmed = String(line.reversed().drop { $0 == " " }.reversed())
      guard let width, trimmed.count > width else { return trimmed + "\n" }
      return trimmed.prefix(width - 1) + "…\n"
    }.joined()
  }
}
