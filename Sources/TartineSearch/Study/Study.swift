import Synchronization
import TartineFiles

/// Trials of one search, kept in a file that Optuna's programs read and go on with, or in memory.
///
/// ```swift
/// let study = try Study(space, file: "study.db", sampler: .default, seed: 1)
/// while let trial = try study.ask(upTo: 64) {
///   try study.tell(trial, value: cost(trial.values))
/// }
/// print(study.best)
/// ```
///
/// A trial is suggested and written as one step, alone among all processes that work on the file: its number is that of the
/// trials before it, and it remembers which of them were not done yet. So every suggestion can be made again from the file:
/// it is a function of the study's seed, the trial's number, and what the trials before it had come to. A trial whose process
/// was killed is tried again, with the same values.
public final class Study: Sendable {
  /// What is searched.
  public let space: SearchSpace
  /// What every suggestion follows from.
  public let seed: UInt64
  /// The file; nil in memory.
  public let path: String?
  /// Its name in the file.
  public let name: String

  private let sampler: any Sampler
  private let state: Mutex<State>

  /// Trials that were given up after so many processes died of them.
  private static let mostAttempts = 3

  private struct State: ~Copyable {
    let database: Database
    let study: Int
    /// −1 where more is better.
    let sign: Double
    /// By number.
    var trials: [Trial] = []
    /// The trial of each number that this process is at.
    var own: Set<Int> = []
  }

  /// Opens a study, or makes it.
  ///
  /// - Parameters:
  ///   - space: what is searched; nil takes what the file has.
  ///   - path: nil: in memory.
  ///   - name: which of the file's studies; nil: the only one, or `tartine` in a file that is new.
  ///   - sampler: what suggests.
  ///   - seed: of a study that is new; one that is there keeps its own.
  /// - Throws: `FileError` for a file that cannot be used, `SearchError` for a study of another space.
  public init(
    _ space: SearchSpace?, file path: String? = nil, name: String? = nil, sampler: any Sampler, seed: UInt64 = 0
  ) throws {
    let database = try Database(path ?? ":memory:")
    try Schema.prepare(database, path: path ?? "")
    let place = path ?? "memory"
    let opened = try database.transaction {
      try Self.open(database, space: space, path: place, name: name, seed: seed)
    }
    self.path = path
    self.name = opened.name
    self.space = opened.space
    self.seed = opened.seed
    self.sampler = sampler
    state = Mutex(State(database: database, study: opened.study, sign: opened.sign))
    try state.withLock { try Self.refresh(&$0, opened.space) }
  }

  private typealias Opened = (study: Int, name: String, space: SearchSpace, seed: UInt64, sign: Double)

  private static func open(
    _ database: Database, space: SearchSpace?, path: String, name: String?, seed: UInt64
  ) throws -> Opened {
    let there = try database.rows("SELECT study_id, study_name FROM studies ORDER BY study_id")
    let known = there.compactMap { row in row[0].integer.flatMap { id in row[1].text.map { (id, $0) } } }
    if let chosen = name.map({ name in known.filter { $0.1 == name } }) ?? (known.isEmpty ? nil : known),
      !chosen.isEmpty
    {
      guard chosen.count == 1 else {
        throw SearchError(
          "'\(path)' holds \(known.count) studies: \(known.map { "'\($0.1)'" }.joined(separator: ", ")); name one of them."
        )
      }
      return try reopen(database, chosen[0].0, chosen[0].1, space: space, path: path, seed: seed)
    }
    guard let space else {
      throw SearchError("'\(path)' holds no study\(name.map { " '\($0)'" } ?? ""), and no space was given to make one.")
    }
    let name = name ?? "tartine"
    try database.rows("INSERT INTO studies (study_name) VALUES (?)", .text(name))
    let study = database.lastRow
    try database.rows(
      "INSERT INTO study_directions (direction, study_id, objective) VALUES ('MINIMIZE', ?, 0)", .integer(study))
    try put("space", .string(space.json), of: study, in: database)
    try put("seed", .string("\(seed)"), of: study, in: database)
    return (study, name, space, seed, 1)
  }

  private static func reopen(
    _ database: Database, _ study: Int, _ name: String, space: SearchSpace?, path: String, seed: UInt64
  ) throws -> Opened {
    let directions = try database.rows(
      "SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective", .integer(study))
    guard directions.count == 1 else {
      throw SearchError(
        "the study '\(name)' in '\(path)' has \(directions.count) objectives, and one is searched here.")
    }
    let sign = directions[0][0].text == "MAXIMIZE" ? -1.0 : 1
    let written = try note("space", of: study, in: database)?.string.map { try SearchSpace(json: $0) }
    guard let found = try written ?? space ?? distributions(of: study, in: database) else {
      throw SearchError("the study '\(name)' in '\(path)' has no trial yet, and no space was given.")
    }
    if let space, space != found {
      throw SearchError(
        "the study '\(name)' in '\(path)' searches another space than the one that was given; name another file, or leave the "
          + "space out. It has \(found.parameters.map(\.name).joined(separator: ", ")).")
    }
    let old = try note("seed", of: study, in: database)?.string.flatMap { UInt64($0) }
    if written == nil { try put("space", .string(found.json), of: study, in: database) }
    if old == nil { try put("seed", .string("\(seed)"), of: study, in: database) }
    return (study, name, found, old ?? seed, sign)
  }

  /// The space that another program's trials tell of.
  private static func distributions(of study: Int, in database: Database) throws -> SearchSpace? {
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
        throw SearchError("the study's hyperparameter '\(name)' has a distribution that is not known: \(json).")
      }
      parameters.append(Hyperparameter(name, distribution.domain))
    }
    return parameters.isEmpty ? nil : try SearchSpace(parameters)
  }

  // MARK: Notes

  private static let prefix = "tartine:"

  private static func note(_ key: String, of study: Int, in database: Database) throws -> JSONValue? {
    let rows = try database.rows(
      "SELECT value_json FROM study_user_attributes WHERE study_id = ? AND \"key\" = ?", .integer(study),
      .text(prefix + key))
    return try rows.first?[0].text.map { try JSON.decode(JSONValue.self, from: $0) }
  }

  private static func put(_ key: String, _ value: JSONValue, of study: Int, in database: Database) throws {
    try database.rows(
      """
      INSERT INTO study_user_attributes (study_id, "key", value_json) VALUES (?, ?, ?)
        ON CONFLICT (study_id, "key") DO UPDATE SET value_json = excluded.value_json
      """, .integer(study), .text(prefix + key), .text(try JSON.text(value)))
  }

  /// Something that was written down beside the trials; nil where there is nothing of that name.
  public func note(_ key: String) throws -> JSONValue? {
    try state.withLock { try Self.note(key, of: $0.study, in: $0.database) }
  }

  /// Writes something down beside the trials.
  public func put(_ key: String, _ value: JSONValue) throws {
    try state.withLock { state in
      try state.database.transaction { try Self.put(key, value, of: state.study, in: state.database) }
    }
  }

  // MARK: Asking and telling

  /// The next trial to do: one whose process died, one that somebody chose, or a new one.
  ///
  /// - Parameter count: trials that there are to be in all, those waiting not counted; nil: no end.
  /// - Returns: nil where there are as many.
  public func ask(upTo count: Int? = nil) throws -> Trial? {
    try state.withLock { state in
      try state.database.transaction {
        try Self.refresh(&state, space)
        if let trial = try takeOver(&state) ?? claim(&state, upTo: count) { return trial }
        guard state.trials.count < count ?? .max else { return nil }
        return try make(&state)
      }
    }
  }

  private func make(_ state: inout State) throws -> Trial {
    let number = state.trials.count
    let values = suggest(number, state)
    let now = UTC.now
    try state.database.rows(
      "INSERT INTO trials (number, study_id, state, datetime_start) VALUES (?, ?, 'RUNNING', ?)", .integer(number),
      .integer(state.study), .text(now))
    return try begin(state.database.lastRow, number: number, values, &state, at: now)
  }

  /// The values of a trial, from those before it.
  private func suggest(_ number: Int, _ state: borrowing State) -> [String: JSONValue] {
    let history = Self.history(state.trials.filter { $0.number < number }, space, sign: state.sign)
    return space.values(at: sampler.suggest(number, in: space, after: history, seed: seed))
  }

  /// The values of a trial, suggested once more from what was known when it began; nil where that is not known.
  package func replay(_ number: Int) throws -> [String: JSONValue]? {
    try state.withLock { state in
      try Self.refresh(&state, space)
      guard state.trials.indices.contains(number), let pending = state.trials[number].pending else { return nil }
      let before = state.trials[..<number].map { trial -> Trial in
        guard pending.contains(trial.number) else { return trial }
        var open = trial
        (open.state, open.value) = (.running, nil)
        return open
      }
      let history = Self.history(before, space, sign: state.sign)
      return space.values(at: sampler.suggest(number, in: space, after: history, seed: seed))
    }
  }

  /// Writes a trial's values down, and that it is this process's.
  private func begin(
    _ id: Int, number: Int, _ values: [String: JSONValue], _ state: inout State, at time: String
  ) throws -> Trial {
    let database = state.database
    for parameter in space.parameters {
      guard let value = values[parameter.name] else { continue }
      let distribution = Distribution(parameter.domain)
      guard let unit = distribution.number(of: value) else { continue }
      try database.rows(
        "INSERT OR REPLACE INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
        .integer(id), .text(parameter.name), .number(unit), .text(distribution.json))
    }
    let pending = state.trials.filter { $0.number < number && !$0.state.isFinished }.map(\.number)
    try Self.put("pending", .array(pending.map { .integer($0) }), ofTrial: id, in: database)
    try Self.put("owner", .string(ProcessIdentity.own.description), ofTrial: id, in: database)
    let trial = Trial(
      number: number, state: .running, values: values, value: nil, reports: [:], began: UTC.seconds(time), ended: nil,
      id: id, pending: pending)
    if number < state.trials.count { state.trials[number] = trial } else { state.trials.append(trial) }
    state.own.insert(number)
    return trial
  }

  /// A trial that somebody queued, whose values are theirs, and the sampler's where they say nothing.
  private func claim(_ state: inout State, upTo count: Int?) throws -> Trial? {
    let begun = state.trials.count { $0.state != .waiting }
    guard begun < count ?? .max, let waiting = state.trials.first(where: { $0.state == .waiting }) else { return nil }
    let now = UTC.now
    try state.database.rows(
      "UPDATE trials SET state = 'RUNNING', datetime_start = ? WHERE trial_id = ? AND state = 'WAITING'", .text(now),
      .integer(waiting.id))
    guard state.database.changes == 1 else { return nil }
    let fixed = try state.database.rows(
      "SELECT value_json FROM trial_system_attributes WHERE trial_id = ? AND \"key\" = 'fixed_params'",
      .integer(waiting.id)
    ).first?[0].text.flatMap { try? JSON.decode(JSONValue.self, from: $0) }
    var values = suggest(waiting.number, state)
    if case .object(let chosen)? = fixed {
      for parameter in space.parameters {
        guard let value = chosen[parameter.name] else { continue }
        // A list is a text there.
        let read = Distribution(parameter.domain).domain.value(named: value)
        if parameter.domain.unit(of: read) != nil { values[parameter.name] = read }
      }
    }
    return try begin(waiting.id, number: waiting.number, values, &state, at: now)
  }

  /// A trial whose process is no more, begun again with its values; one that several died of has failed.
  private func takeOver(_ state: inout State) throws -> Trial? {
    for trial in state.trials where trial.state == .running && !state.own.contains(trial.number) {
      let owner = try Self.attribute("owner", ofTrial: trial.id, in: state.database)?.string
      guard let owner = owner.flatMap({ ProcessIdentity($0) }), owner.isGone else { continue }
      let attempts = (try Self.attribute("attempts", ofTrial: trial.id, in: state.database)?.integer ?? 1) + 1
      if attempts > Self.mostAttempts {
        try finish(trial, .failed, nil, &state)
        try Self.put(
          "reason", .string("its process died \(Self.mostAttempts) times"), ofTrial: trial.id, in: state.database)
        continue
      }
      try Self.put("attempts", .integer(attempts), ofTrial: trial.id, in: state.database)
      try Self.put("owner", .string(ProcessIdentity.own.description), ofTrial: trial.id, in: state.database)
      try state.database.rows("DELETE FROM trial_intermediate_values WHERE trial_id = ?", .integer(trial.id))
      try state.database.rows(
        "UPDATE trials SET datetime_start = ? WHERE trial_id = ?", .text(UTC.now), .integer(trial.id))
      state.trials[trial.number].reports = [:]
      state.trials[trial.number].began = UTC.seconds(UTC.now)
      state.own.insert(trial.number)
      return state.trials[trial.number]
    }
    return nil
  }

  /// Queues a trial with these values, the others being the sampler's.
  public func enqueue(_ values: [String: JSONValue]) throws {
    try state.withLock { state in
      try state.database.transaction {
        try Self.refresh(&state, space)
        try state.database.rows(
          "INSERT INTO trials (number, study_id, state) VALUES (?, ?, 'WAITING')", .integer(state.trials.count),
          .integer(state.study))
        let id = state.database.lastRow
        let plain = values.mapValues { value -> JSONValue in
          switch value {
          case .array, .object: .string((try? JSON.text(value)) ?? "")
          default: value
          }
        }
        try state.database.rows(
          "INSERT INTO trial_system_attributes (trial_id, \"key\", value_json) VALUES (?, 'fixed_params', ?)",
          .integer(id), .text(try JSON.text(JSONValue.object(plain))))
        try Self.refresh(&state, space)
      }
    }
  }

  /// Ends a trial with what came of it.
  /// - Returns: whether it was this process's to end: one that was taken for dead may have been done by another.
  @discardableResult
  public func tell(_ trial: Trial, value: Double) throws -> Bool {
    try end(trial, value.isNaN ? .failed : .complete, value.isNaN ? nil : value)
  }

  /// Ends a trial that could not be done.
  @discardableResult
  public func fail(_ trial: Trial, because reason: String) throws -> Bool {
    try state.withLock { state in
      try state.database.transaction {
        try Self.put("reason", .string(reason), ofTrial: trial.id, in: state.database)
        return try finish(trial, .failed, nil, &state)
      }
    }
  }

  /// Ends a trial that was stopped early.
  @discardableResult
  public func prune(_ trial: Trial) throws -> Bool {
    let last = state.withLock { state in
      state.trials[trial.number].reports.max { $0.key < $1.key }?.value
    }
    return try end(trial, .pruned, last)
  }

  private func end(_ trial: Trial, _ outcome: Trial.State, _ value: Double?) throws -> Bool {
    try state.withLock { state in
      try state.database.transaction { try finish(trial, outcome, value, &state) }
    }
  }

  /// - Returns: whether it was still running.
  @discardableResult private func finish(_ trial: Trial, _ outcome: Trial.State, _ value: Double?, _ state: inout State)
    throws -> Bool
  {
    let now = UTC.now
    state.own.remove(trial.number)
    try state.database.rows(
      "UPDATE trials SET state = ?, datetime_complete = ? WHERE trial_id = ? AND state = 'RUNNING'",
      .text(outcome.rawValue), .text(now), .integer(trial.id))
    guard state.database.changes == 1 else { return false }
    if let value {
      try state.database.rows(
        "INSERT OR REPLACE INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, ?)",
        .integer(trial.id), value.isFinite ? .number(value) : .null, .text(Self.kind(of: value)))
    }
    state.trials[trial.number].state = outcome
    state.trials[trial.number].value = value
    state.trials[trial.number].ended = UTC.seconds(now)
    return true
  }

  private static func kind(of value: Double) -> String {
    value.isNaN ? "NAN" : value.isFinite ? "FINITE" : value > 0 ? "INF_POS" : "INF_NEG"
  }

  /// Writes down what a trial has come to at a step.
  public func report(_ trial: Trial, step: Int, value: Double) throws {
    try state.withLock { state in
      try state.database.transaction {
        try state.database.rows(
          """
          INSERT OR REPLACE INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
            VALUES (?, ?, ?, ?)
          """, .integer(trial.id), .integer(step), value.isFinite ? .number(value) : .null, .text(Self.kind(of: value)))
      }
      state.trials[trial.number].reports[step] = value
    }
  }

  // MARK: Looking

  /// All trials, by number, other processes' included.
  public func trials() throws -> [Trial] {
    try state.withLock { state in
      try Self.refresh(&state, space)
      return state.trials
    }
  }

  /// The trials as this process knows them.
  var known: [Trial] { state.withLock { $0.trials } }

  /// Whether more is better.
  public var isMaximized: Bool { state.withLock { $0.sign < 0 } }

  /// The best of the trials that are done; nil where there is none.
  public func best() throws -> Trial? {
    let sign = isMaximized ? -1.0 : 1
    return try trials().filter { $0.state == .complete && $0.value?.isFinite == true }
      .min { (sign * ($0.value ?? 0), $0.number) < (sign * ($1.value ?? 0), $1.number) }
  }

  /// What a sampler sees: of those pruned, that they were among the worse half.
  static func history(_ trials: [Trial], _ space: SearchSpace, sign: Double) -> [Observation] {
    let done = trials.compactMap { $0.state == .complete ? $0.value.map { $0 * sign } : nil }.filter(\.isFinite)
      .sorted()
    let poor = done.isEmpty ? Double.infinity : done[done.count * 3 / 4]
    return trials.compactMap { trial in
      guard let point = space.point(of: trial.values) else { return nil }
      let value: Double? =
        switch trial.state {
        case .complete: trial.value.map { $0 * sign } ?? .infinity
        case .pruned: poor
        case .failed: .infinity
        case .running, .waiting: nil
        }
      return Observation(point: point, value: value)
    }
  }

  // MARK: Reading

  private static func attribute(_ key: String, ofTrial id: Int, in database: Database) throws -> JSONValue? {
    try database.rows(
      "SELECT value_json FROM trial_user_attributes WHERE trial_id = ? AND \"key\" = ?", .integer(id),
      .text(prefix + key)
    ).first?[0].text.flatMap { try? JSON.decode(JSONValue.self, from: $0) }
  }

  private static func put(_ key: String, _ value: JSONValue, ofTrial id: Int, in database: Database) throws {
    try database.rows(
      "INSERT OR REPLACE INTO trial_user_attributes (trial_id, \"key\", value_json) VALUES (?, ?, ?)", .integer(id),
      .text(prefix + key), .text(try JSON.text(value)))
  }

  /// Reads what other processes have written: trials that are new, and those that were not done.
  private static func refresh(_ state: inout State, _ space: SearchSpace) throws {
    let database = state.database
    let open = state.trials.filter { !$0.state.isFinished }.map(\.id)
    let last = state.trials.map(\.id).max() ?? 0
    let rows = try database.rows(
      """
      SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials
        WHERE study_id = ? AND (trial_id > ? OR trial_id IN (SELECT value FROM json_each(?))) ORDER BY trial_id
      """, .integer(state.study), .integer(last), .text("[\(open.map(String.init).joined(separator: ","))]"))
    for row in rows {
      guard let id = row[0].integer, let number = row[1].integer, let now = row[2].text.flatMap(Trial.State.init) else {
        continue
      }
      if number < state.trials.count, state.trials[number].state == now, now != .running || state.own.contains(number) {
        continue
      }
      let trial = try read(id, number: number, now, began: row[3].text, ended: row[4].text, database, space)
      if number < state.trials.count {
        state.trials[number] = trial
      } else if number == state.trials.count {
        state.trials.append(trial)
      }
    }
  }

  private static func read(
    _ id: Int, number: Int, _ now: Trial.State, began: String?, ended: String?, _ database: Database,
    _ space: SearchSpace
  ) throws -> Trial {
    var values: [String: JSONValue] = [:]
    for row in try database.rows(
      "SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?", .integer(id))
    {
      guard let name = row[0].text, let number = row[1].number else { continue }
      // The space's own choices where they are lists, else what is written.
      let written = row[2].text.flatMap { Distribution(json: $0) }
      let own = space.parameters.first { $0.name == name }.map { Distribution($0.domain) }
      values[name] = own?.value(of: number) ?? written?.value(of: number)
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
      if case .array(let list)? = try attribute("pending", ofTrial: id, in: database) {
        list.compactMap(\.integer)
      } else {
        nil
      }
    return Trial(
      number: number, state: now, values: values, value: value, reports: reports, began: began.flatMap(UTC.seconds),
      ended: ended.flatMap(UTC.seconds), id: id, pending: pending)
  }

  private static func number(_ value: Database.Value, _ kind: String?) -> Double? {
    switch kind {
    case "INF_POS": .infinity
    case "INF_NEG": -.infinity
    case "NAN": .nan
    default: value.number
    }
  }
}

extension Domain {
  /// The value that another program calls so: a list is its text there.
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
