import Foundation
import Tartine

/// The results of tuners, side by side.
struct TunerTables {
  private let results: [String: [TunerTrials]]
  private let tasks: [TuningTask]
  private let tuners: [String]
  private static let counts = TunerTrials.counts

  /// - Parameters:
  ///   - tasks: The tasks to report.
  ///   - tuners: The tuners to rank, ours first.
  init(_ logs: [TunerTrials], _ tasks: [TuningTask], tuners: [String]) {
    self.tasks = tasks
    self.tuners = tuners
    results = Dictionary(grouping: logs.filter { tuners.contains($0.tuner) }) { "\($0.task) \($0.seed)" }.filter {
      Set($0.value.map(\.tuner)).count == tuners.count
    }
  }

  private func runs(_ task: TuningTask) -> [[TunerTrials]] {
    results.filter { $0.value[0].task == task.name }.sorted { $0.value[0].seed < $1.value[0].seed }.map { _, list in
      tuners.compactMap { name in list.first { $0.tuner == name } }
    }
  }

  /// The best of this many trials; after all trials of a network, the error of the chosen setting.
  private static func figure(_ trials: TunerTrials, after count: Int) -> Double {
    if count >= 64, let verdict = trials.verdict { return verdict }
    return counts.firstIndex(of: count).map { trials.best[$0] } ?? .infinity
  }

  /// Ranks from 1; ties share their mean rank.
  private func ranks(_ runs: [TunerTrials], after count: Int) -> [Double] {
    HypothesisTest.ranks(runs.map { Self.figure($0, after: count) })
  }

  // MARK: Tables

  /// The mean ranks over all runs, and each tuner against the first.
  func ranking(isNetwork: Bool?) -> String {
    let chosen = tasks.filter { isNetwork == nil || ($0.verdict != nil) == isNetwork }
    let byTask = chosen.map(runs).filter { !$0.isEmpty }
    guard !byTask.isEmpty else { return "" }
    var lines = [
      "| tuner | mean rank after 8 | 16 | 32 | 64 trials | 95 % interval | worse than the first, % of runs | Wilcoxon's p over tasks |",
      "|---|---|---|---|---|---|---|---|",
    ]
    for (place, name) in tuners.enumerated() {
      let means = Self.counts.map { count in
        mean(byTask.map { mean($0.map { ranks($0, after: count)[place] }) })
      }
      let interval = bootstrap(byTask) { runs in mean(runs.map { ranks($0, after: 64)[place] }) }
      var line = "| \(name) | " + means.map { Text.fixed($0, decimals: 2) }.joined(separator: " | ")
      line += " | \(Text.fixed(interval.low, decimals: 2)) to \(Text.fixed(interval.high, decimals: 2)) | "
      if place == 0 {
        line += "| |"
      } else {
        let differences = byTask.map { runs in
          runs.map { Self.figure($0[place], after: 64) - Self.figure($0[0], after: 64) }
        }
        let all = differences.flatMap { $0 }
        let lost = all.reduce(0.0) { $0 + ($1 > 0 ? 1 : $1 == 0 ? 0.5 : 0) } / Double(all.count)
        // A task counts by its mean, in units of the median difference between its runs.
        let tasks = differences.map { list -> Double in
          let sizes = list.map(abs).filter { $0 > 0 }.sorted()
          guard !sizes.isEmpty else { return 0 }
          return mean(list.map { max(-10, min(10, $0 / sizes[sizes.count / 2])) })
        }
        line += "\(Text.fixed(lost * 100, decimals: 0)) | \(Self.text(p: Self.wilcoxon(tasks))) |"
      }
      lines.append(line)
    }
    let seeds = byTask.map(\.count)
    lines.append("\n\(byTask.count) tasks, \(seeds.min() ?? 0) to \(seeds.max() ?? 0) seeds.")
    return lines.joined(separator: "\n")
  }

  /// The median over seeds of the best so far on each task: after 8, 16, 32 and 64 trials.
  var medians: String {
    var lines = [
      "| task, best after 8 / 16 / 32 / 64 | " + tuners.joined(separator: " | ") + " |",
      "|---|" + tuners.map { _ in "---|" }.joined(),
    ]
    for task in tasks {
      let runs = runs(task)
      guard !runs.isEmpty else { continue }
      let cells = tuners.indices.map { place -> String in
        Self.counts.map { count in
          let sorted = runs.map { Self.figure($0[place], after: count) }.sorted()
          return Text.significant(sorted[sorted.count / 2], digits: 3)
        }.joined(separator: " / ")
      }
      lines.append("| \(task.name) | \(cells.joined(separator: " | ")) |")
    }
    return lines.joined(separator: "\n")
  }

  private static func text(p: Double) -> String {
    p.isNaN ? "–" : p < 1e-4 ? "below 0.0001" : Text.significant(p, digits: 2)
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

  /// Bootstrap over tasks, and over each one's seeds.
  private func bootstrap(
    _ byTask: [[[TunerTrials]]], _ figure: ([[TunerTrials]]) -> Double
  ) -> (low: Double, high: Double) {
    // Each run's own figure, computed once; draws reuse them.
    let own = byTask.map { $0.map { figure([$0]) } }
    var stream = RandomStream(seed: 0, purpose: .test, index: 88)
    let drawn = (0..<1000).map { _ -> Double in
      mean(
        own.indices.map { _ in
          let task = own[stream.integer(below: own.count)]
          return mean(task.indices.map { _ in task[stream.integer(below: task.count)] })
        })
    }.sorted()
    return (drawn[25], drawn[974])
  }

  /// Two-sided, by the normal approximation with ties.
  ///
  /// **Source**: Wilcoxon, *Individual comparisons by ranking methods*, 1945.
  static func wilcoxon(_ differences: [Double]) -> Double {
    let kept = differences.filter { $0 != 0 }
    // With so few tasks, no p is below 0.05.
    guard kept.count > 5 else { return .nan }
    let ranks = HypothesisTest.ranks(kept.map(abs))
    let n = Double(kept.count)
    let positive = zip(kept, ranks).reduce(0.0) { $0 + ($1.0 > 0 ? $1.1 : 0) }
    let ties = Dictionary(grouping: ranks) { $0 }.values.reduce(0.0) { sum, group in
      let t = Double(group.count)
      return sum + t * t * t - t
    }
    let variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48
    let z = (abs(positive - n * (n + 1) / 4) - 0.5) / variance.squareRoot()
    return min(1, 2 * HypothesisTest.normalTail(max(0, z)))
  }
}
