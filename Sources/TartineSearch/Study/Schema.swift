import TartineFiles

/// The tables of a study, with the schema of Optuna 3.2 to 5, so that Optuna can read and continue it.
///
/// **Source**: the schema that Optuna 5.0 creates, revision `v3.2.0.a` of its migrations, version 12 of its
/// schema.
enum Schema {
  /// The revision in Optuna's migrations.
  static let revision = "v3.2.0.a"
  private static let version = 12

  private static let tables = [
    """
    CREATE TABLE studies (study_id INTEGER NOT NULL PRIMARY KEY, study_name VARCHAR(512) NOT NULL)
    """,
    "CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name)",
    """
    CREATE TABLE version_info (version_info_id INTEGER NOT NULL PRIMARY KEY CHECK (version_info_id = 1),
      schema_version INTEGER, library_version VARCHAR(256))
    """,
    """
    CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL PRIMARY KEY, direction VARCHAR(8) NOT NULL,
      study_id INTEGER NOT NULL REFERENCES studies (study_id), objective INTEGER NOT NULL, UNIQUE (study_id, objective))
    """,
    attributes("study_user"), attributes("study_system"), attributes("trial_user"), attributes("trial_system"),
    """
    CREATE TABLE trials (trial_id INTEGER NOT NULL PRIMARY KEY, number INTEGER, study_id INTEGER REFERENCES studies (study_id),
      state VARCHAR(8) NOT NULL, datetime_start DATETIME, datetime_complete DATETIME)
    """,
    "CREATE INDEX ix_trials_study_id ON trials (study_id)",
    """
    CREATE TABLE trial_params (param_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER REFERENCES trials (trial_id),
      param_name VARCHAR(512), param_value FLOAT, distribution_json TEXT, UNIQUE (trial_id, param_name))
    """,
    """
    CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trials (trial_id),
      objective INTEGER NOT NULL, value FLOAT, value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, objective))
    """,
    """
    CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL PRIMARY KEY,
      trial_id INTEGER NOT NULL REFERENCES trials (trial_id), step INTEGER NOT NULL, intermediate_value FLOAT,
      intermediate_value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, step))
    """,
    """
    CREATE TABLE trial_heartbeats (trial_heartbeat_id INTEGER NOT NULL PRIMARY KEY,
      trial_id INTEGER NOT NULL UNIQUE REFERENCES trials (trial_id), heartbeat DATETIME NOT NULL)
    """,
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)",
  ]

  private static func attributes(_ owner: String) -> String {
    let what = owner.hasPrefix("study") ? "study" : "trial"
    let parent = what == "study" ? "studies" : "trials"
    return """
      CREATE TABLE \(owner)_attributes (\(owner)_attribute_id INTEGER NOT NULL PRIMARY KEY,
        \(what)_id INTEGER REFERENCES \(parent) (\(what)_id), "key" VARCHAR(512), value_json TEXT, UNIQUE (\(what)_id, "key"))
      """
  }

  /// Creates the tables in a new file.
  /// - Throws: `FileError` for a file with other tables, or of another revision.
  static func prepare(_ database: Database, path: String) throws {
    func known() throws -> [String] {
      try database.rows("SELECT name FROM sqlite_master WHERE type = 'table'").compactMap { $0[0].text }
    }
    // Reading does not change the file.
    let there = try known()
    guard there.isEmpty else { return try check(there, database, path: path) }
    try database.transaction {
      // Another process may have created them in the meantime.
      guard try known().isEmpty else { return }
      for table in tables { try database.rows(table) }
      try database.rows(
        "INSERT INTO version_info VALUES (1, ?, ?)", .integer(version), .text("tartine"))
      try database.rows("INSERT INTO alembic_version VALUES (?)", .text(revision))
    }
  }

  private static func check(_ tables: [String], _ database: Database, path: String) throws {
    guard tables.contains("studies"), tables.contains("trials") else {
      throw FileError(
        .damaged, path, "'\(path)' holds other tables than a study's; name another file with \(OptionName.study).")
    }
    let found = try database.rows("SELECT version_num FROM alembic_version").first?[0].text
    guard found == revision else {
      throw FileError(
        .damaged, path,
        "the study '\(path)' has schema version \(found ?? "none"), not \(revision); upgrade an "
          + "older one with 'optuna storage upgrade', or name another file with \(OptionName.study).")
    }
  }
}
