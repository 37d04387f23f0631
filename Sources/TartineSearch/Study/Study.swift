import Synchronization
import TartineFiles

/// The trials of one search, stored in a file that Optuna can read and continue, or in memory.
///
/// ```swift
/// let study = try Study(space, file: "study.db", sampler: SamplerChoice.default.sampler, seed: 1)
/// while let trial = try study.ask(upTo: 64) {
///   try study.tell(trial, value: cost(trial.values))
/// }
/// print(try study.best()?.values as Any)
/// ```
///
/// A trial is suggested and written in one transaction, exclusively among all processes that work on the
/// file. It records which earlier trials were pending. So every suggestion can be reproduced from the file by
/// the same sampler: it is a function of the study's seed, the trial's number and the results of the earlier
/// trials. A trial whose process was killed is repeated with the same values.
public final class Study: Sendable {
  /// The search space.
  public let space: SearchSpace
  /// The seed of all suggestions.
  public let seed: UInt64
  /// The file; nil if the study is in memory.
  public let path: String?
  /// The name in the file.
  public let name: String

  private let sampler: any Sampler
  private let state: Mutex<State>

  /// The number of processes that may die while running a trial before it has failed.
  private static let mostAttempts = 50

  private struct State: ~Copyable {
    let rows: StudyRows
    /// −1 if the study is maximized, else 1.
    let sign: Double
    /// The trials, by number.
    var trials: [Trial] = []
    /// The numbers of the trials that this process is running.
    var own: Set<Int> = []
    /// The notes to write before the first trial: reading a study does not change it.
    var unwritten: [String: JSONValue]

    var database: Database { rows.database }

    /// Reads the changes of other processes.
    mutating func refresh(_ space: SearchSpace) throws { try rows.refresh(&trials, own: own, space) }

    init(rows: StudyRows, sign: Double, unwritten: [String: JSONValue]) {
      self.rows = rows
      self.sign = sign
      self.unwritten = unwritten
    }
  }

  /// Opens a study, or creates it.
  ///
  /// - Parameters:
  ///   - space: The search space; nil takes the file's.
  ///   - path: The file; nil: in memory.
  ///   - name: The study's name; nil: the only one in the file, or `tartine` in a new file.
  ///   - sampler: The sampler.
  ///   - seed: The seed of a new study; an existing one keeps its own.
  /// - Throws: `FileError` for a file that cannot be used, `SearchError` for a study of another space.
  public init(
    _ space: SearchSpace?, file path: String? = nil, name: String? = nil, sampler: any Sampler, seed: UInt64 = 0
  ) throws {
    let database = try Database(path ?? ":memory:")
    try Schema.prepare(database, path: path ?? "")
    let opened = try Self.open(database, space: space, path: path ?? "memory", name: name, seed: seed)
    self.path = path
    self.name = opened.name
    self.space = opened.space
    self.seed = opened.seed
    self.sampler = sampler
    state = Mutex(
      State(
        rows: StudyRows(database: database, study: opened.study), sign: opened.sign,
        unwritten: ["space": .string(opened.space.json), "seed": .string("\(opened.seed)")]))
    try state.withLock { try $0.refresh(opened.space) }
  }

  // MARK: Notes

  /// Returns a note of the study, or nil if there is none of that name.
  public func note(_ key: String) throws -> JSONValue? {
    try state.withLock { try $0.rows.note(key) }
  }

  /// Writes a note.
  public func put(_ key: String, _ value: JSONValue) throws { try put([key: value]) }

  /// Writes several notes, all or none.
  public func put(_ notes: [String: JSONValue]) throws {
    try change { state in
      for (key, value) in notes { try state.rows.put(key, value) }
    }
  }

  /// Changes the file and the state in memory, both or neither.
  private func change<Result: Sendable>(_ body: @Sendable (inout State) throws -> Result) throws -> Result {
    try state.withLock { state in
      let (trials, own) = (state.trials, state.own)
      do {
        return try state.database.transaction { try body(&state) }
      } catch {
        (state.trials, state.own) = (trials, own)
        throw error
      }
    }
  }

  // MARK: Asking and telling

  /// Starts the next trial: one whose process died, an enqueued one, or a new one.
  ///
  /// - Parameter count: The total number of trials, not counting those waiting; nil: no limit.
  /// - Returns: The trial, or nil if that number is reached.
  public func ask(upTo count: Int? = nil) throws -> Trial? {
    try state.withLock { if !$0.unwritten.isEmpty { try $0.database.writeAhead() } }
    let trial = try change { state -> Trial? in
      for (key, value) in state.unwritten where try state.rows.note(key) == nil { try state.rows.put(key, value) }
      try state.refresh(space)
      if let trial = try takeOver(&state) ?? claim(&state, upTo: count) { return trial }
      guard state.trials.count < count ?? .max else { return nil }
      return try make(&state)
    }
    state.withLock { $0.unwritten = [:] }
    return trial
  }

  private func make(_ state: inout State) throws -> Trial {
    let number = state.trials.count
    let values = try suggest(number, state)
    let now = UTC.now
    try state.database.rows(
      "INSERT INTO trials (number, study_id, state, datetime_start) VALUES (?, ?, 'RUNNING', ?)", .integer(number),
      .integer(state.rows.study), .text(now))
    return try begin(state.database.lastRow, number: number, values, &state, at: now)
  }

  /// Returns the values of a trial, suggested from the earlier trials.
  private func suggest(
    _ number: Int, _ state: borrowing State, fixed: [String: JSONValue] = [:]
  ) throws -> [String: JSONValue] {
    try suggest(number, after: Self.history(state.trials.filter { $0.number < number }, sign: state.sign), fixed)
  }

  /// - Throws: `SearchError` where the sampler gives no point of the unit cube.
  private func suggest(
    _ number: Int, after history: [Observation], _ fixed: [String: JSONValue]
  ) throws -> [String: JSONValue] {
    let point = sampler.suggest(number, in: space, after: history, seed: seed)
    guard point.count == space.count, point.allSatisfy({ $0 >= -1e-9 && $0 <= 1 + 1e-9 }) else {
      throw SearchError(
        "the sampler \(type(of: sampler)) gave \(point) for trial \(number); it must give \(space.count) numbers from 0 to 1, "
          + "one for each hyperparameter.")
    }
    return space.values(at: point, fixed: fixed)
  }

  /// Returns the values of a trial, suggested again from what was known at its start, or nil if that was not
  /// recorded.
  package func replay(_ number: Int) throws -> [String: JSONValue]? {
    try state.withLock { state in
      try state.refresh(space)
      guard state.trials.indices.contains(number), let pending = state.trials[number].pending else { return nil }
      let before = state.trials[..<number].map { trial -> Trial in
        guard pending.contains(trial.number) else { return trial }
        var open = trial
        (open.state, open.value) = (.running, nil)
        return open
      }
      let history = Self.history(before, sign: state.sign)
      let fixed = try state.rows.fixed(ofTrial: state.trials[number].id, in: space)
      return try suggest(number, after: history, fixed)
    }
  }

  /// Writes a trial's values, and this process as its owner.
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
    try state.rows.put("pending", .array(pending.map { .integer($0) }), ofTrial: id)
    try state.rows.put("owner", .string(ProcessIdentity.own.description), ofTrial: id)
    let trial = Trial(
      number: number, state: .running, values: values, value: nil, reports: [:], began: UTC.seconds(time), ended: nil,
      reason: nil, id: id, point: space.point(of: values), pending: pending)
    if number < state.trials.count { state.trials[number] = trial } else { state.trials.append(trial) }
    state.own.insert(number)
    return trial
  }

  /// Starts an enqueued trial, with its given values and the sampler's for the rest.
  private func claim(_ state: inout State, upTo count: Int?) throws -> Trial? {
    let begun = state.trials.count { $0.state != .waiting }
    guard begun < count ?? .max, let waiting = state.trials.first(where: { $0.state == .waiting }) else { return nil }
    let now = UTC.now
    try state.database.rows(
      "UPDATE trials SET state = 'RUNNING', datetime_start = ? WHERE trial_id = ? AND state = 'WAITING'", .text(now),
      .integer(waiting.id))
    guard state.database.changes == 1 else { return nil }
    let chosen = try state.rows.fixed(ofTrial: waiting.id, in: space)
    for parameter in space.parameters {
      guard let value = chosen[parameter.name], parameter.domain.unit(of: value) == nil else { continue }
      state.trials[waiting.number].state = .running
      let reason =
        "it was enqueued with a \(parameter.name) of \(value.shortText), which is outside the space"
      try finish(state.trials[waiting.number], .failed, nil, &state, because: reason)
      return try claim(&state, upTo: count)
    }
    let values = try suggest(waiting.number, state, fixed: chosen)
    return try begin(waiting.id, number: waiting.number, values, &state, at: now)
  }

  /// Restarts a trial whose process has died, with the same values; after too many deaths the trial has
  /// failed.
  private func takeOver(_ state: inout State) throws -> Trial? {
    for trial in state.trials where trial.state == .running && !state.own.contains(trial.number) {
      let owner = try state.rows.note("owner", ofTrial: trial.id)?.string
      guard let owner = owner.flatMap({ ProcessIdentity($0) }), owner.isGone else { continue }
      let attempts = (try state.rows.note("attempts", ofTrial: trial.id)?.integer ?? 1) + 1
      if attempts > Self.mostAttempts {
        try finish(trial, .failed, nil, &state, because: "its process died \(Self.mostAttempts) times")
        continue
      }
      try state.rows.put("attempts", .integer(attempts), ofTrial: trial.id)
      try state.rows.put("owner", .string(ProcessIdentity.own.description), ofTrial: trial.id)
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

  /// Enqueues a trial with given values; the sampler chooses the others.
  public func enqueue(_ values: [String: JSONValue]) throws {
    try change { state in
      try state.refresh(space)
      try state.database.rows(
        "INSERT INTO trials (number, study_id, state) VALUES (?, ?, 'WAITING')", .integer(state.trials.count),
        .integer(state.rows.study))
      let id = state.database.lastRow
      try state.database.rows(
        "INSERT INTO trial_system_attributes (trial_id, \"key\", value_json) VALUES (?, 'fixed_params', ?)",
        .integer(id), .text(try JSON.text(JSONValue.object(values.mapValues(Distribution.plain)))))
      try state.refresh(space)
    }
  }

  /// Ends a trial with its result.
  /// - Returns: Whether the trial was still running: another process may have taken it over and ended it.
  @discardableResult
  public func tell(_ trial: Trial, value: Double) throws -> Bool {
    try end(trial, value.isNaN ? .failed : .complete, value.isNaN ? nil : value)
  }

  /// Ends a trial that failed.
  @discardableResult
  public func fail(_ trial: Trial, because reason: String) throws -> Bool {
    try change { try finish(trial, .failed, nil, &$0, because: reason) }
  }

  /// Ends a trial that was pruned.
  @discardableResult
  public func prune(_ trial: Trial) throws -> Bool {
    try change { state in
      let reports = try known(trial, &state).reports
      return try finish(trial, .pruned, reports.max { $0.key < $1.key }?.value, &state)
    }
  }

  private func end(_ trial: Trial, _ outcome: Trial.State, _ value: Double?) throws -> Bool {
    try change { try finish(trial, outcome, value, &$0) }
  }

  /// Returns this process's copy of a trial, which another process may have started.
  private func known(_ trial: Trial, _ state: inout State) throws -> Trial {
    if trial.number >= state.trials.count { try state.refresh(space) }
    guard trial.number < state.trials.count, state.trials[trial.number].id == trial.id else {
      throw SearchError("trial \(trial.number) is not of the study '\(name)'.")
    }
    return state.trials[trial.number]
  }

  /// - Returns: Whether the trial was still running.
  @discardableResult private func finish(
    _ trial: Trial, _ outcome: Trial.State, _ value: Double?, _ state: inout State, because reason: String? = nil
  ) throws -> Bool {
    let now = UTC.now
    _ = try known(trial, &state)
    state.own.remove(trial.number)
    try state.database.rows(
      "UPDATE trials SET state = ?, datetime_complete = ? WHERE trial_id = ? AND state = 'RUNNING'",
      .text(outcome.rawValue), .text(now), .integer(trial.id))
    guard state.database.changes == 1 else { return false }
    // NaN is not stored as a value.
    if let value, !value.isNaN {
      try state.database.rows(
        "INSERT OR REPLACE INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, ?)",
        .integer(trial.id), value.isFinite ? .number(value) : .null, .text(StudyRows.kind(of: value)))
    }
    if let reason { try state.rows.put("reason", .string(reason), ofTrial: trial.id) }
    state.trials[trial.number].state = outcome
    state.trials[trial.number].value = value
    state.trials[trial.number].reason = reason
    state.trials[trial.number].ended = UTC.seconds(now)
    return true
  }

  /// Reports an intermediate value of a trial.
  public func report(_ trial: Trial, step: Int, value: Double) throws {
    try change { state in
      _ = try known(trial, &state)
      try state.database.rows(
        """
        INSERT OR REPLACE INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
          VALUES (?, ?, ?, ?)
        """, .integer(trial.id), .integer(step), value.isFinite ? .number(value) : .null,
        .text(StudyRows.kind(of: value)))
      state.trials[trial.number].reports[step] = value
    }
  }

  // MARK: Reading

  /// Returns all trials, by number, including those of other processes.
  public func trials() throws -> [Trial] {
    try state.withLock { state in
      try state.refresh(space)
      return state.trials
    }
  }

  /// The trials, without reading the changes of other processes.
  var known: [Trial] { state.withLock { $0.trials } }

  /// Whether the study is maximized.
  public var isMaximized: Bool { state.withLock { $0.sign < 0 } }

  /// Returns whether a live process other than this one is running a trial.
  func isBusyElsewhere() throws -> Bool {
    try state.withLock { state in
      try state.refresh(space)
      return try state.trials.contains { trial in
        guard trial.state == .running, !state.own.contains(trial.number) else { return false }
        let owner = try state.rows.note("owner", ofTrial: trial.id)?.string.flatMap { ProcessIdentity($0) }
        return owner.map { $0 != .own && !$0.isGone } ?? false
      }
    }
  }

  /// Returns the best complete trial, or nil if there is none.
  public func best() throws -> Trial? {
    let sign = isMaximized ? -1.0 : 1
    return try trials().filter { $0.state == .complete && $0.value?.isFinite == true }
      .min { (sign * ($0.value ?? 0), $0.number) < (sign * ($1.value ?? 0), $1.number) }
  }

  /// Returns the trials as a sampler sees them; a pruned trial has the upper quartile of the values.
  static func history(_ trials: [Trial], sign: Double) -> [Observation] {
    let done = trials.compactMap { $0.state == .complete ? $0.value.map { $0 * sign } : nil }.filter(\.isFinite)
      .sorted()
    let poor = done.isEmpty ? Double.infinity : done[done.count * 3 / 4]
    return trials.compactMap { trial in
      guard let point = trial.point else { return nil }
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
}
