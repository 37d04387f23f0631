import Foundation
import Tartine

/// The claimed range of the difference between the two arms.
enum Expectation: Sendable {
  case below(Double), above(Double)
  /// At most this distance from 0.
  case within(Double)

  /// The verdict on the interval of a difference.
  func verdict(_ interval: Estimate) -> Verdict {
    switch self {
    case .below(let bound): interval.high < bound ? .holds : interval.low >= bound ? .fails : .undecided
    case .above(let bound): interval.low > bound ? .holds : interval.high <= bound ? .fails : .undecided
    case .within(let bound):
      max(abs(interval.low), abs(interval.high)) <= bound
        ? .holds : interval.low > bound || interval.high < -bound ? .fails : .undecided
    }
  }

  /// Whether the difference of one seed is in the claimed range.
  func agrees(_ difference: Double) -> Bool {
    switch self {
    case .below(let bound): difference < bound
    case .above(let bound): difference > bound
    case .within(let bound): abs(difference) <= bound
    }
  }

  var text: String {
    switch self {
    case .below(let bound): "below \(format(bound))"
    case .above(let bound): "above \(format(bound))"
    case .within(let bound): "within ±\(format(bound))"
    }
  }
}

enum Verdict: String, Sendable {
  case holds, fails, undecided

  /// The verdict on a claim with several rows; nil if nothing is claimed.
  init?(_ parts: [Verdict]) {
    guard !parts.isEmpty else { return nil }
    self = parts.contains(.fails) ? .fails : parts.contains(.undecided) ? .undecided : .holds
  }
}

/// One quantity measured in two arms, with the claimed range; fixed before it is measured.
struct Question: Sendable {
  let quantity: String
  let first, second: String
  /// The claimed range of the second arm less the first; nil if it is only shown.
  let expected: Expectation?

  init(_ quantity: String, _ first: String, _ second: String, _ expected: Expectation?) {
    (self.quantity, self.first, self.second, self.expected) = (quantity, first, second, expected)
  }
}

/// The result of one seed for one question.
struct Pair: Sendable {
  let first, second: Double

  init(_ first: Double, _ second: Double) { (self.first, self.second) = (first, second) }
}

/// A claim of the notes as an experiment.
struct Experiment: Sendable {
  let name: String
  /// The claim in our words.
  let claim: String
  /// The description of the experiment.
  let method: String
  let questions: [Question]
  var seeds = 20
  /// Whether time is measured, so that nothing else may run at the same time.
  var isTimed = false
  /// Returns a pair for each question. All random draws follow from the seed, and are the same in both arms.
  let measure: @Sendable (Lab, UInt64) throws -> [Pair]

  /// Runs each seed, and computes the intervals over the pairs.
  func run(in lab: Lab, seeds: Int?, threads: Int) async throws -> Outcome {
    let count = seeds ?? self.seeds
    let workers = isTimed ? 1 : min(threads, count)
    let pairs = try await withThrowingTaskGroup(of: [(seed: Int, pairs: [Pair])].self) { group in
      for worker in 0..<workers {
        group.addTask {
          try stride(from: worker, to: count, by: workers).map { ($0, try measure(lab, UInt64($0))) }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }.sorted { $0.seed < $1.seed }.map(\.pairs)
    }
    precondition(pairs.allSatisfy { $0.count == questions.count }, "\(name): a pair for each question")
    return Outcome(
      experiment: self,
      answers: questions.indices.map { place in Answer(questions[place], pairs.map { $0[place] }) })
  }
}

/// A question with the results of the seeds.
struct Answer: Sendable {
  let question: Question
  let pairs: [Pair]
  let difference: Estimate

  init(_ question: Question, _ pairs: [Pair]) {
    (self.question, self.pairs) = (question, pairs)
    difference = .paired(pairs.map { $0.second - $0.first })
  }

  var verdict: Verdict? { question.expected?.verdict(difference) }

  /// The row of the experiment's table.
  var row: String {
    let means = [pairs.map(\.first), pairs.map(\.second)].map { format($0.reduce(0, +) / Double($0.count)) }
    let agreeing = question.expected.map { expected in
      "\(pairs.count { expected.agrees($0.second - $0.first) }) of \(pairs.count)"
    }
    return "| \(question.quantity) | \(question.first): \(means[0]) | \(question.second): \(means[1]) "
      + "| \(difference.text) | \(question.expected?.text ?? "") | \(agreeing ?? "") | \(verdict?.rawValue ?? "") |"
  }
}

/// The result of an experiment.
struct Outcome: Sendable {
  let experiment: Experiment
  let answers: [Answer]

  var verdict: Verdict? { Verdict(answers.compactMap(\.verdict)) }

  var markdown: String {
    """
    ### \(experiment.name)

    \(wrapped("**Claim**: \(experiment.claim)"))

    \(wrapped("**Experiment**: \(experiment.method)"))

    | quantity | one arm | other arm | difference | claimed | seeds | verdict |
    |---|---|---|---|---|---|---|
    \(answers.map(\.row).joined(separator: "\n"))

    **\(conclusion)**
    """
  }

  private var conclusion: String {
    switch verdict {
    case .holds: "The claim holds."
    case .fails: "The claim fails."
    case .undecided: "The claim is undecided."
    case nil: "Shown, not judged."
    }
  }

  /// One line for each judged experiment, with the first quantity that decides its verdict.
  static func summary(_ outcomes: [Outcome]) -> String {
    let judged = outcomes.filter { $0.verdict != nil }
    let counts = [Verdict.holds, .fails, .undecided].map { verdict in judged.count { $0.verdict == verdict } }
    return """
      \(judged.count) claims: \(counts[0]) hold, \(counts[1]) fail, \(counts[2]) are undecided.

      | experiment | claim | verdict | quantity | difference, 95 % interval |
      |---|---|---|---|---|
      \(judged.map(\.line).joined(separator: "\n"))
      """
  }

  private var line: String {
    let answer = answers.first { $0.verdict == verdict } ?? answers[0]
    let question = answer.question
    return "| [\(experiment.name)](#\(experiment.name)) | \(experiment.claim) | \(verdict?.rawValue ?? "") "
      + "| \(question.quantity): \(question.second) less \(question.first) | \(answer.difference.text) |"
  }
}
