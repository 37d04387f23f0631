import Tartine

/// The folder of one diagnosis: report.html, report.json, recipe.json, and a recipe for each prescription.
struct DiagnosisFolder {
  let path: String

  var report: String { path + "/report.html" }
  var figures: String { path + "/report.json" }
  var recipe: String { path + "/recipe.json" }
  /// Returns the path of a prescription's recipe.
  func recipe(ofPrescription place: Int) -> String { path + "/prescription-\(place + 1).json" }

  /// Makes a new folder.
  ///
  /// - Parameters:
  ///   - path: The folder's path; nil takes the first free `diagnoses/NAME-N`.
  ///   - name: The NAME in that path.
  /// - Throws: `FileError.cannotCreate` if the folder cannot be created, or a file in it would be replaced.
  init(creating path: String?, named name: String) throws {
    guard let path else {
      var number = 1
      while try !Files.makeFolder("diagnoses/\(name)-\(number)") { number += 1 }
      self.path = "diagnoses/\(name)-\(number)"
      return
    }
    guard !path.isEmpty else { throw FileError(.cannotCreate, path, "the report's folder has an empty name.") }
    self.path = path
    for file in [report, figures, recipe] + (0..<9).map({ self.recipe(ofPrescription: $0) }) where Files.exists(file) {
      throw FileError(
        .cannotCreate, path,
        "'\(file)' is there already, and the report would replace it; name another folder with --out.")
    }
    try Files.makeFolder(path)
  }

  /// The examination and the report's path, as JSON.
  struct Written: Encodable {
    private let examination: Examination
    private let report: String

    init(_ examination: Examination, report: String) {
      self.examination = examination
      self.report = report
    }

    private enum Key: String, CodingKey { case report }

    func encode(to encoder: any Encoder) throws {
      try examination.encode(to: encoder)
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(report, forKey: .report)
    }
  }

  func write(_ examination: Examination, on split: Split, _ source: DataSource) throws {
    try Files.write(try JSON.text(examination.recipe, pretty: true) + "\n", to: recipe)
    for (place, remedy) in examination.prescriptions.enumerated() {
      guard let recipe = remedy.recipe else { continue }
      try Files.write(try JSON.text(recipe, pretty: true) + "\n", to: self.recipe(ofPrescription: place))
    }
    try Files.write(try JSON.text(Written(examination, report: report), pretty: true) + "\n", to: figures)
    let title = source.target.map { "\(source.name), \($0)" } ?? source.name
    try Files.write(ExaminationReport(examination, on: split, title: title).html, to: report)
  }
}

/// Text quoted for a shell.
enum Shell {
  /// The program's name, as it was called.
  static var program: String { quoted(CommandLine.arguments.first ?? "tartine") }

  static func quoted(_ text: String) -> String {
    let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "/._-,:=".contains($0) } && !text.isEmpty
    return plain ? text : "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
  }
}

extension DataSource {
  /// The flags that describe the source.
  var flags: String {
    var parts = [data]
    func add(_ flag: String, _ value: String?) { if let value { parts += [flag, value] } }
    add("--target", target)
    add("--sample-weights", weights)
    add("--leave-out", leaveOut?.joined(separator: ","))
    add("--test", test)
    add("--missing", format.flatMap { $0.missing.isEmpty ? nil : $0.missing.joined(separator: ",") })
    add("--skip-lines", format?.skipLines.map { "\($0)" })
    if format?.hasHeader == false { parts.append("--no-header") }
    add("--task", task?.rawValue)
    add("--split", split.map { $0.map { "\($0)" }.joined(separator: ",") })
    add("--split-by", splitBy)
    add("--split-seed", "\(splitSeed)")
    return parts.map(Shell.quoted).joined(separator: " ")
  }
}
