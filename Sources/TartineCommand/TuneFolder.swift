import Tartine

/// The folder of a search: study.db, best.json, model.safetensors, report.html and report.json.
struct TuneFolder {
  let path: String
  /// The study's file, which may be elsewhere.
  let study: String
  private let isNew: Bool

  /// The default parent folder.
  private static let `default` = "tunes"

  var best: String { path + "/best.json" }
  var model: String { path + "/model.safetensors" }
  var report: String { path + "/report.html" }
  private var figures: String { path + "/report.json" }

  /// Takes the folder of `--out`, the folder of the study, or the first free `tunes/NAME-N`.
  ///
  /// - Parameters:
  ///   - options: The flags of the search.
  ///   - name: The NAME in that path.
  ///   - goesOn: Whether the study exists already; then the files next to it are replaced.
  ///   - before: The folder that the study was last written to, or nil if unknown.
  /// - Throws: `FileError.cannotCreate` if the folder cannot be created, or a file in it would be replaced.
  init(_ options: SearchOptions, named name: String, goesOn: Bool, before: String?) throws {
    let file = options.study ?? ""
    guard let out = options.out else {
      // A continued search replaces its own files.
      if file.hasSuffix("/study.db"), goesOn {
        self.init(path: String(file.dropLast("/study.db".count)), study: file, isNew: false)
        return
      }
      if goesOn, let before, Files.isFolder(before), !Files.exists(before + "/study.db") {
        let here = Files.absolute(".") + "/"
        self.init(
          path: before.hasPrefix(here) ? String(before.dropFirst(here.count)) : before, study: file, isNew: false)
        return
      }
      var number = 1
      while try !Files.makeFolder("\(Self.default)/\(name)-\(number)") { number += 1 }
      self.init(path: "\(Self.default)/\(name)-\(number)", study: file, isNew: true)
      return
    }
    guard !out.isEmpty else { throw FileError(.cannotCreate, out, "the search's folder has an empty name.") }
    let written = ["best.json", "model.safetensors", "report.html", "report.json"].map { "\(out)/\($0)" }
    let isOwn = goesOn && (Files.absolute(file) == Files.absolute("\(out)/study.db") || before == Files.absolute(out))
    if !isOwn, let there = (written + ["\(out)/study.db"]).first(where: Files.exists) {
      throw FileError(
        .cannotCreate, out,
        "'\(there)' is there already, and the search would replace it; name another folder with --out, or "
          + "continue its study with "
          + "--study.")
    }
    self.init(path: out, study: file, isNew: try Files.makeFolder(out))
  }

  private init(path: String, study: String, isNew: Bool) {
    self.path = path
    self.study = study.isEmpty ? path + "/study.db" : study
    self.isNew = isNew
  }

  /// Opens the study; if that fails, removes a folder that was created for it.
  func open(_ body: () throws -> Study) throws -> Study {
    do {
      return try body()
    } catch {
      if isNew {
        Files.removeEmptyFolder(path)
        if path.hasPrefix(Self.default) { Files.removeEmptyFolder(Self.default) }
      }
      throw error
    }
  }

  /// The result of a search and the paths of its files, as JSON.
  struct Written: Encodable {
    private let result: TuningResult
    private let folder: TuneFolder
    private let seconds: Double

    init(_ result: TuningResult, _ folder: TuneFolder, seconds: Double) {
      self.result = result
      self.folder = folder
      self.seconds = seconds
    }

    private enum Key: String, CodingKey { case study, recipe, model, report, seconds }

    func encode(to encoder: any Encoder) throws {
      try result.encode(to: encoder)
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(folder.study, forKey: .study)
      try values.encode(result.winner == nil ? nil : folder.best, forKey: .recipe)
      try values.encode(result.winner == nil ? nil : folder.model, forKey: .model)
      try values.encode(folder.report, forKey: .report)
      try values.encode(seconds, forKey: .seconds)
    }
  }

  /// Writes recipe, model, report and figures.
  ///
  /// The model is the winner's with the study's seed; `train --recipe` reproduces it.
  func write(_ result: TuningResult, _ job: TuningJob, _ model: Model?, seconds: Double) throws {
    try Files.makeFolder(path)
    if let winner = result.winner {
      try Files.write(try JSON.text(winner.best.recipe, pretty: true) + "\n", to: best)
      try model?.save(to: self.model)
    }
    let title = job.source.target.map { "\(job.source.name), \($0)" } ?? job.source.name
    try Files.write(TuningReport(result, on: job.split, title: "\(title): tuning").html, to: report)
    try Files.write(try JSON.text(Written(result, self, seconds: seconds), pretty: true) + "\n", to: figures)
  }
}
