import TartineFiles

extension Study {
  /// Returns the names of the studies in a file; empty if the file has none yet.
  public static func names(inFile path: String) throws -> [String] {
    let database = try Database(path)
    try Schema.prepare(database, path: path)
    return try database.rows("SELECT study_name FROM studies ORDER BY study_id").compactMap { $0[0].text }
  }

  /// An opened study: its number in the file, name, space, seed, and sign, −1 if it is maximized.
  typealias Opened = (study: Int, name: String, space: SearchSpace, seed: UInt64, sign: Double)

  /// Opens a study in a file, or creates it.
  static func open(
    _ database: Database, space: SearchSpace?, path: String, name: String?, seed: UInt64
  ) throws -> Opened {
    let there = try database.rows("SELECT study_id, study_name FROM studies ORDER BY study_id")
    let known = there.compactMap { row in row[0].integer.flatMap { id in row[1].text.map { (id, $0) } } }
    if let chosen = name.map({ name in known.filter { $0.1 == name } }) ?? (known.isEmpty ? nil : known),
      !chosen.isEmpty
    {
      guard chosen.count == 1 else {
        throw SearchError(
          "'\(path)' holds \(known.count) studies: \(known.map { "'\($0.1)'" }.joined(separator: ", ")); name one of them with \(OptionName.studyName)."
        )
      }
      return try reopen(
        StudyRows(database: database, study: chosen[0].0), chosen[0].1, space: space, path: path, seed: seed)
    }
    return try database.transaction {
      // Another process may have created it in the meantime.
      let there = try database.rows("SELECT study_id FROM studies WHERE study_name = ?", .text(name ?? "tartine"))
      if let study = there.first?[0].integer {
        return try reopen(
          StudyRows(database: database, study: study), name ?? "tartine", space: space, path: path, seed: seed)
      }
      return try make(database, space: space, path: path, name: name, seed: seed)
    }
  }

  private static func make(
    _ database: Database, space: SearchSpace?, path: String, name: String?, seed: UInt64
  ) throws -> Opened {
    guard let space else {
      throw SearchError(
        "'\(path)' holds no study\(name.map { " '\($0)'" } ?? ""), and no space was given to create one.")
    }
    let name = name ?? "tartine"
    try database.rows("INSERT INTO studies (study_name) VALUES (?)", .text(name))
    let study = database.lastRow
    try database.rows(
      "INSERT INTO study_directions (direction, study_id, objective) VALUES ('MINIMIZE', ?, 0)", .integer(study))
    let rows = StudyRows(database: database, study: study)
    try rows.put("space", .string(space.json))
    try rows.put("seed", .string("\(seed)"))
    return (study, name, space, seed, 1)
  }

  private static func reopen(
    _ rows: StudyRows, _ name: String, space: SearchSpace?, path: String, seed: UInt64
  ) throws -> Opened {
    let directions = try rows.database.rows(
      "SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective", .integer(rows.study))
    guard directions.count == 1 else {
      throw SearchError(
        "the study '\(name)' in '\(path)' has \(directions.count) objectives; only studies with one "
          + "objective are supported."
      )
    }
    let sign = directions[0][0].text == "MAXIMIZE" ? -1.0 : 1
    let written = try rows.note("space")?.string.map { try SearchSpace(json: $0) }
    guard let found = try written ?? space ?? rows.distributions() else {
      throw SearchError("the study '\(name)' in '\(path)' has no trial yet, and no space was given.")
    }
    // Compare as text, in which 1 and 1.0 are the same.
    if let space, space.json != found.json {
      throw SearchError(
        "the study '\(name)' in '\(path)' searches another space than the given one; name another file, "
          + "or leave out the space. The study has \(found.parameters.map(\.name).joined(separator: ", ")).")
    }
    // A study of Optuna's has no space, but the given space must agree with its distributions.
    if written == nil, let theirs = try rows.distributions(),
      let other = theirs.parameters.first(where: { theirs in
        found.parameters.contains { $0.name == theirs.name && !Distribution.agree($0.domain, theirs.domain) }
      })
    {
      throw SearchError(
        "the study '\(name)' in '\(path)' has trials with other choices or another scale of "
          + "'\(other.name)' than the given "
          + "space: \(Distribution(other.domain).json); give the same ones, or name another file.")
    }
    let old = try rows.note("seed")?.string.flatMap { UInt64($0) }
    return (rows.study, name, found, old ?? seed, sign)
  }
}
