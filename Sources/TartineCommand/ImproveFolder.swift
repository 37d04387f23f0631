import Tartine

/// The folder of one improvement: improve.json, ledger.jsonl, report.html, report.json, recipe.json, model.safetensors, and the
/// trainings until it is finished.
struct ImproveFolder {
  let path: String

  var ledger: String { path + "/ledger.jsonl" }
  var report: String { path + "/report.html" }
  var recipe: String { path + "/recipe.json" }
  var model: String { path + "/model.safetensors" }
  var trainings: String { path + "/trainings" }
  private var figures: String { path + "/report.json" }
  private var description: String { path + "/improve.json" }

  /// What improve.json holds: all that a resumption needs.
  struct Description: Codable {
    var format = "tartine-improvement-1"
    var source: DataSource
    var recipe: Recipe
    var budget: Double?
    var rounds: Int?
    var worth: Double?
    var humanError: Double?
    var only: [String]?
    var except: [String] = []
    var refit = false
    var isFinished = false

    var options: ImprovementOptions {
      var options = ImprovementOptions()
      (options.budget, options.rounds, options.worth, options.humanError) = (budget, rounds, worth, humanError)
      options.only = only.map { Set($0) }
      options.except = Set(except)
      return options
    }
  }

  /// Makes a new folder.
  ///
  /// - Parameters:
  ///   - path: The folder's path; nil takes the first free `improvements/NAME-N`.
  ///   - name: The NAME in that path.
  /// - Throws: `FileError.cannotCreate` if the folder cannot be created, or a file in it would be replaced.
  init(creating path: String?, named name: String) throws {
    guard let path else {
      var number = 1
      while try !Files.makeFolder("improvements/\(name)-\(number)") { number += 1 }
      self.path = "improvements/\(name)-\(number)"
      return
    }
    guard !path.isEmpty else { throw FileError(.cannotCreate, path, "the improvement's folder has an empty name.") }
    self.path = path
    for file in [description, ledger, report, recipe, model, figures, trainings] where Files.exists(file) {
      throw FileError(
        .cannotCreate, path,
        "'\(file)' is there already, and the improvement would replace it; name another folder with --out, or go on with it by "
          + "--resume.")
    }
    try Files.makeFolder(path)
  }

  /// Opens the folder of an improvement.
  /// - Throws: `FileError` where it does not hold one.
  init(opening path: String) throws {
    self.path = path
    guard Files.isFolder(path), Files.exists(description) else {
      throw FileError(.missing, path, "'\(path)' is not the folder of an improvement: it contains no improve.json.")
    }
  }

  /// Removes what a failed beginning has left: at most the training of the recipe itself.
  func removeIfNothingWasTrained() {
    guard !Files.exists(trainings + "/1.json") else { return }
    Files.remove(description)
    Files.removeTree(trainings)
    Files.removeEmptyFolder(path)
  }

  func read() throws -> Description {
    let text = try Files.readText(description)
    do {
      return try JSON.decode(Description.self, from: text)
    } catch let error as DecodingError {
      throw FileError(.damaged, description, "'\(description)' cannot be read: \(JSON.explain(error, text: text)).")
    }
  }

  func write(_ description: Description) throws {
    try Files.write(try JSON.text(description, pretty: true) + "\n", to: self.description)
  }

  /// The result, as `--json` prints it.
  struct Written: Encodable {
    let improvement: Improvement
    let ledger: String
    let report: String
    let recipe: String
    let model: String

    private enum Key: String, CodingKey {
      case sentence, first, last, gain, accepted, refused, forYou, worth, seedStandardDeviation, minimumDetectableGain,
        ending, trainings,
        seconds,
        settings, ledger, report, recipe, model
    }

    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(improvement.sentence, forKey: .sentence)
      try values.encode(improvement.first, forKey: .first)
      try values.encode(improvement.last, forKey: .last)
      try values.encode(improvement.gain, forKey: .gain)
      try values.encode(improvement.accepted, forKey: .accepted)
      try values.encode(improvement.refused, forKey: .refused)
      try values.encode(improvement.advice, forKey: .forYou)
      try values.encode(improvement.worth, forKey: .worth)
      try values.encode(improvement.seedStandardDeviation, forKey: .seedStandardDeviation)
      try values.encode(improvement.minimumDetectableGain, forKey: .minimumDetectableGain)
      try values.encode(improvement.ending, forKey: .ending)
      try values.encode(improvement.trainings, forKey: .trainings)
      try values.encode(improvement.seconds, forKey: .seconds)
      try values.encode(improvement.settings.map(\.flags), forKey: .settings)
      try values.encode(ledger, forKey: .ledger)
      try values.encode(report, forKey: .report)
      try values.encode(recipe, forKey: .recipe)
      try values.encode(model, forKey: .model)
    }
  }

  func written(_ improvement: Improvement) -> Written {
    Written(improvement: improvement, ledger: ledger, report: report, recipe: recipe, model: model)
  }

  /// Writes the results, and removes the trainings.
  func finish(_ improvement: Improvement, model: Model, description: Description, title: String) throws {
    try Files.write(
      try JSON.text(improvement.last.recipe.refitting(description.refit), pretty: true) + "\n", to: recipe)
    try model.save(to: self.model)
    try Files.write(try JSON.text(written(improvement), pretty: true) + "\n", to: figures)
    let command = "tartine train \(description.source.flags) --recipe \(Shell.quoted(recipe))"
    try Files.write(ImprovementReport(improvement, title: title, command: command).html, to: report)
    var description = description
    description.isFinished = true
    try write(description)
    Files.removeTree(trainings)
  }
}
