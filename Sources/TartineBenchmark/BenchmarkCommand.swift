import ArgumentParser
import Tartine

@main
struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tartine-benchmark",
    abstract: "Times training steps on random data, and prints one JSON line.",
    discussion: """
      A step is a fresh shuffle each epoch, gather, forward, loss, backward and update, all of it. The figures are the \
      median of ten windows. floor:NAME times only the workload's matrix products by the system's OpenBLAS, each at the \
      cut over the threads that is fastest for it; products:NAME the same by the engine's own. What making the random \
      data takes is not counted in first_step_s.

      \(Workload.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))
      """)

  @Argument(help: "One of the workloads below, floor:NAME or products:NAME.")
  var workload: String

  @Option(help: ArgumentHelp("How long to measure.", valueName: "s"))
  var seconds = 6.0

  @Option(help: ArgumentHelp("Threads; by default one for each processor.", valueName: "n"))
  var threads: Int?

  func validate() throws {
    guard seconds > 0, seconds <= 3_600 else { throw ValidationError("--seconds must be above 0, at most 3600.") }
    if let threads, !(1...1_024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
    _ = try chosen
  }

  /// What is timed of a workload.
  private enum Work: String, CaseIterable { case step, floor, products }

  private var chosen: (work: Work, workload: Workload) {
    get throws {
      let parts = workload.split(separator: ":", maxSplits: 1).map(String.init)
      let work = parts.count < 2 ? Work.step : Work(rawValue: parts[0])
      guard let work, let found = Workload.all.first(where: { $0.name == parts.last }) else {
        throw ValidationError(
          """
          there is no workload '\(workload)'; there are \(Workload.all.map(\.name).joined(separator: ", ")), each also \
          with floor: or products: before it.
          """)
      }
      return (work, found)
    }
  }

  static func main() {
    ProcessMeasures.start()
    main(nil)
  }

  func run() throws {
    let (work, workload) = try chosen
    let workers = Workers(threads ?? Workers.processorCount)
    let result: Measurement
    var products: String?
    if work == .step {
      result = try TrainingBenchmark(workload, workers: workers).measure(seconds: seconds)
    } else {
      let blas = work == .floor ? SystemBLAS() : nil
      if work == .floor, blas == nil {
        throw ValidationError(
          "a floor needs an OpenBLAS built with threads, libopenblas.so.0: on Debian, install libopenblas0-pthread.")
      }
      products = blas?.name ?? "tartine"
      result = Floor(workload, workers: workers, blas: blas).measure(seconds: seconds)
    }
    print(
      try JSON.text(
        Line(
          framework: work == .step ? "tartine" : work.rawValue, workload: workload.name,
          samples_per_s: rounded(Double(workload.batch) / result.secondsPerStep, to: 0.1),
          us_per_step: rounded(result.secondsPerStep * 1e6, to: 0.1),
          first_step_s: result.firstStep.map { rounded($0, to: 1e-3) },
          peak_rss_mib: ProcessMeasures.peakMemory / (1 << 20),
          threads: workers.count, products: products, cuts: result.cuts)))
  }

  private func rounded(_ value: Double, to unit: Double) -> Double { (value / unit).rounded() / (1 / unit).rounded() }

  /// What is printed; the names are those of the peers' script.
  private struct Line: Encodable {
    let framework, workload: String
    let samples_per_s, us_per_step: Double
    let first_step_s: Double?
    let peak_rss_mib: Int
    let threads: Int
    let products: String?
    let cuts: [String]?
  }
}
