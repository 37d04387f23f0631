import TartineFiles

extension Study {
  /// Names of the studies in a file; none where one was about to be made.
  public static func names(inFile path: String) throws -> [String] {
    let database = try Database(path)
    try Schema.prepare(database, path: path)
    return try database.rows("SELECT study_name FROM studies ORDER BY study_id").compactMap { $0[0].text }
  }

  /// A study as its file has it: its number there among the rest, and −1 where more is better.
  typealias Opened = (study: Int, name: String, space: SearchSpace, seed: UInt64, sign: Double)

  /// Finds the study in a file, or makes it.
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
          "'\(path)' holds \(known.count) studies: \(known.map { "'\($0.1)'" }.joined(separator: ", ")); name one of them with --study-name."
        )
      }
      return try reopen(
        StudyRows(database: database, study: chosen[0].0), chosen[0].1, space: space, path: path, seed: seed)
    }
    return try database.transaction {
      // Another process may have made it by now.
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
      throw SearchError("'\(path)' holds no study\(name.map { " '\($0)'" } ?? ""), and no space was given to make one.")
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
        "the study '\(name)' in '\(path)' has \(directions.count) objectives, and one is searched here.")
    }
    let sign = directions[0][0].text == "MAXIMIZE" ? -1.0 : 1
    let written = try rows.note("space")?.string.map { try SearchSpace(json: $0) }
    guard let found = try written ?? space ?? rows.distributions() else {
      throw SearchError("the study '\(name)' in '\(path)' has no trial yet, and no space was given.")
    }
    // As text, since 1 and 1.0 are the same there.
    if let space, space.json != found.json {
      throw SearchError(
        "the study '\(name)' in '\(path)' searches another space than the one that was given; name another file, or leave the "
          + "space out. It has \(found.parameters.map(\.name).joined(separator: ", ")).")
    }
    // Another program's trials have no space noted, but what they say of each hyperparameter must go on.
    if written == nil, let theirs = try rows.distributions(),
      let other = theirs.parameters.first(where: { theirs in
        found.parameters.contains { $0.name == theirs.name && !Distribution.agree($0.domain, theirs.domain) }
      })
    {
      throw SearchError(
        "the study '\(name)' in '\(path)' has trials whose '\(other.name)' has other choices or another scale than the space that "
          + "was given: \(Distribution(other.domain).json); give the same, or name another file.")
    }
    let old = try rows.note("seed")?.string.flatMap { UInt64($0) }
    return (rows.study, name, found, old ?? seed, sign)
  }
}
