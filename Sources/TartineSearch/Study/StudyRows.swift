import TartineFiles

/// The rows of one study in a file: its notes and its trials. Not thread-safe.
struct StudyRows {
  let database: Database
  /// The study's number in the file.
  let study: Int

  /// The prefix of our names, since other programs write notes too.
  private static let prefix = "tartine:"

  // MARK: Notes

  /// Returns a note of the study.
  func note(_ key: String) throws -> JSONValue? {
    let rows = try database.rows(
      "SELECT value_json FROM study_user_attributes WHERE study_id = ? AND \"key\" = ?", .integer(study),
      .text(Self.prefix + key))
    return try rows.first?[0].text.map { text in
      do {
        return try JSON.decode(JSONValue.self, from: text)
      } catch {
        throw damaged("its note '\(key)' cannot be read")
      }
    }
  }

  func damaged(_ what: String) -> FileError {
    FileError(
      .damaged, database.path,
      "the study in '\(database.path)' is damaged: \(what); name another file with \(OptionName.study).")
  }

  func put(_ key: String, _ value: JSONValue) throws {
    try database.rows(
      """
      INSERT INTO study_user_attributes (study_id, "key", value_json) VALUES (?, ?, ?)
        ON CONFLICT (study_id, "key") DO UPDATE SET value_json = excluded.value_json
      """, .integer(study), .text(Self.prefix + key), .text(try JSON.text(value)))
  }

  /// Returns a note of a trial.
  func note(_ key: String, ofTrial id: Int) throws -> JSONValue? {
    try database.rows(
      "SELECT value_json FROM trial_user_attributes WHERE trial_id = ? AND \"key\" = ?", .integer(id),
      .text(Self.prefix + key)
    ).first?[0].text.flatMap { try? JSON.decode(JSONValue.self, from: $0) }
  }

  func put(_ key: String, _ value: JSONValue, ofTrial id: Int) throws {
    try database.rows(
      "INSERT OR REPLACE INTO trial_user_attributes (trial_id, \"key\", value_json) VALUES (?, ?, ?)", .integer(id),
      .text(Self.prefix + key), .text(try JSON.text(value)))
  }

  /// Returns the values that a trial was enqueued with.
  func fixed(ofTrial id: Int, in space: SearchSpace) throws -> [String: JSONValue] {
    let fixed = try database.rows(
      "SELECT value_json FROM trial_system_attributes WHERE trial_id = ? AND \"key\" = 'fixed_params'", .integer(id)
    ).first?[0].text.flatMap { try? JSON.decode(JSONValue.self, from: $0) }
    var chosen: [String: JSONValue] = [:]
    for (name, domain) in space.parameters.map({ ($0.name, $0.domain) }) {
      chosen[name] = fixed?[name].map { domain.written(domain.value(named: $0)) }
    }
    return chosen
  }

  // MARK: Trials

  /// Returns the search space of the trials' distributions, for a study of Optuna's.
  func distributions() throws -> SearchSpace? {
    let rows = try database.rows(
      """
      SELECT param_name, distribution_json FROM trial_params JOIN trials USING (trial_id) WHERE study_id = ?
        ORDER BY trial_id DESC, param_id
      """, .integer(study))
    var parameters: [Hyperparameter] = []
    for row in rows {
      guard let name = row[0].text, let json = row[1].text, !parameters.contains(where: { $0.name == name }) else {
        continue
      }
      guard let distribution = Distribution(json: json) else {
        throw SearchError("the study's hyperparameter '\(name)' has an unknown distribution: \(json).")
      }
      parameters.append(Hyperparameter(name, distribution.domain))
    }
    return parameters.isEmpty ? nil : try SearchSpace(parameters)
  }

  /// Reads the changes of other processes: new trials, and those that were unfinished.
  ///
  /// - Parameters:
  ///   - trials: The known trials, by number.
  ///   - own: The numbers of the trials that this process is running, which no other process changes.
  func refresh(_ trials: inout [Trial], own: Set<Int>, _ space: SearchSpace) throws {
    let open = trials.filter { !$0.state.isFinished }.map(\.id)
    let last = trials.map(\.id).max() ?? 0
    let rows = try database.rows(
      """
      SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials
        WHERE +study_id = ? AND (trial_id > ? OR trial_id IN (SELECT value FROM json_each(?))) ORDER BY trial_id
      """, .integer(study), .integer(last), .text("[\(open.map(String.init).joined(separator: ","))]"))
    for row in rows {
      guard let id = row[0].integer, let number = row[1].integer, let now = row[2].text.flatMap(Trial.State.init) else {
        throw damaged("a trial has no number or state")
      }
      guard (0...trials.count).contains(number) else {
        throw damaged("there is no trial \(trials.count) before trial \(number)")
      }
      if number < trials.count, trials[number].state == now, now != .running || own.contains(number) {
        continue
      }
      let trial = try read(id, number: number, now, began: row[3].text, ended: row[4].text, space)
      if number < trials.count {
        trials[number] = trial
      } else {
        trials.append(trial)
      }
    }
  }

  private func read(
    _ id: Int, number: Int, _ now: Trial.State, began: String?, ended: String?, _ space: SearchSpace
  ) throws -> Trial {
    var values: [String: JSONValue] = [:]
    for row in try database.rows(
      "SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?", .integer(id))
    {
      // Skip parameters outside the space, added by another program.
      guard let name = row[0].text, let number = row[1].number,
        let domain = space.parameters.first(where: { $0.name == name })?.domain
      else { continue }
      // The order of the choices may differ from the space's; a list is stored as text.
      let written = row[2].text.flatMap { Distribution(json: $0) }?.value(of: number).map(domain.value(named:))
      values[name] =
        if case .choice = domain { written ?? Distribution(domain).value(of: number) } else {
          Distribution(domain).value(of: number)
        }
    }
    let value = try database.rows(
      "SELECT value, value_type FROM trial_values WHERE trial_id = ? AND objective = 0", .integer(id)
    ).first.flatMap { Self.number($0[0], $0[1].text) }
    var reports: [Int: Double] = [:]
    for row in try database.rows(
      "SELECT step, intermediate_value, intermediate_value_type FROM trial_intermediate_values WHERE trial_id = ?",
      .integer(id))
    {
      if let step = row[0].integer { reports[step] = Self.number(row[1], row[2].text) ?? .nan }
    }
    let pending: [Int]? =
      if case .array(let list)? = try note("pending", ofTrial: id) {
        list.compactMap(\.integer)
      } else {
        nil
      }
    return Trial(
      number: number, state: now, values: values, value: value, reports: reports, began: began.flatMap(UTC.seconds),
      ended: ended.flatMap(UTC.seconds), reason: try note("reason", ofTrial: id)?.string, id: id,
      point: space.point(of: values), pending: pending)
  }

  private static func number(_ value: Database.Value, _ kind: String?) -> Double? {
    switch kind {
    case "INF_POS": .infinity
    case "INF_NEG": -.infinity
    case "NAN": .nan
    default: value.number
    }
  }

  /// Returns the type of a number in Optuna's tables.
  static func kind(of value: Double) -> String {
    value.isNaN ? "NAN" : value.isFinite ? "FINITE" : value > 0 ? "INF_POS" : "INF_NEG"
  }
}

extension Domain {
  /// Returns the choice for a stored value: a list is stored as text.
  func value(named value: JSONValue) -> JSONValue {
    guard case .choice(let values) = self, let text = value.string else { return value }
    return values.first { choice in
      switch choice {
      case .array, .object: (try? JSON.text(choice)) == text
      default: false
      }
    } ?? value
  }
}
