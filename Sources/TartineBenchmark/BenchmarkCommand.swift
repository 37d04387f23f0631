import ArgumentParser
import Tartine

@main
struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tartine-benchmark",
    abstract: "Times training steps on random data, and prints one JSON line.",
    discussion: """
      A step is a fresh shuffle each epoch, gather, forward, loss, backward and update, all of it. The figures are the \
      median of ten windows. What making the random data takes is not counted in first_step_s. Before a workload's name:

        floor:     its matrix products alone, by the system's OpenBLAS, each
                   at the fastest of some cuts over the threads
        products:  the same by the engine's own
        predict:   all its rows in prediction mode: that is a step
        row:       one row in prediction mode

      \(Workload.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))
      """)

  @Argument(help: "One of the workloads above, or what is measured of one: floor:mnist.")
  var workload: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long to measure; as long as three steps at least.", valueName: "s"))
  var seconds = 6.0

  @Option(parsing: .unconditional, help: ArgumentHelp("Threads; by default one for each processor.", valueName: "n"))
  var threads: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Train so many networks side by side, on one thread each.", valueName: "n"))
  var models = 1

  @Option(parsing: .unconditional, help: ArgumentHelp("Rows, in place of the workload's own.", valueName: "n"))
  var samples: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Units of the hidden layers, in place of the workload's own: 512,256.", valueName: "list"))
  var hidden: String?

  func validate() throws {
    guard seconds > 0, seconds <= 3_600 else { throw ValidationError("--seconds must be above 0, at most 3600.") }
    if let threads, !(1...1_024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads).")
    }
    guard (1...Workers.processorCount).contains(models) else {
      throw ValidationError("--models must be from 1 to \(Workers.processorCount), the processors, not \(models).")
    }
    if models > 1, threads ?? 1 != 1 {
      throw ValidationError("--models trains on one thread each; leave out --threads.")
    }
    _ = try chosen
  }

  /// What is timed of a workload.
  private enum Work: String { case step, floor, products, predict, row }

  private var chosen: (work: Work, workload: Workload) {
    get throws {
      let parts = workload.split(separator: ":", maxSplits: 1).map(String.init)
      let work = parts.count < 2 ? Work.step : Work(rawValue: parts[0])
      guard let work, let found = Workload.all.first(where: { $0.name == parts.last }) else {
        throw ValidationError(
          """
          there is no workload '\(workload)'; there are \(Workload.all.map(\.name).joined(separator: ", ")), each also \
          with floor:, products:, predict: or row: before it.
          """)
      }
      var chosen = found
      if let samples {
        guard (found.batch...100_000_000).contains(samples) else {
          throw ValidationError("--samples must be from \(found.batch), the batch, to 100000000, not \(samples).")
        }
        chosen.samples = samples
      }
      if let hidden {
        chosen.hidden = try hidden.split(separator: ",", omittingEmptySubsequences: false).map {
          guard let units = Int($0), (1...65_536).contains(units) else {
            throw ValidationError(
              "--hidden takes whole numbers from 1 to 65536 with commas between them, not '\(hidden)'.")
          }
          return units
        }
      }
      return (work, chosen)
    }
  }

  static func main() {
    ProcessMeasures.start()
    main(nil)
  }

  func run() throws {
    let (work, workload) = try chosen
    let blas = work == .floor ? SystemBLAS() : nil
    if work == .floor, blas == nil {
      throw ValidationError(
        "a floor needs an OpenBLAS built with threads, libopenblas.so.0: on Debian, install libopenblas0-pthread.")
    }
    let threads = models > 1 ? 1 : threads ?? Workers.processorCount
    let result = try Measurement.sideBySide(models) {
      let workers = Workers(threads)
      return switch work {
      case .step: try TrainingBenchmark(workload, workers: workers).measure(seconds: seconds)
      case .floor, .products: Floor(workload, workers: workers, blas: blas).measure(seconds: seconds)
      case .predict: try PredictionBenchmark(workload, workers: workers).measure(seconds: seconds)
      case .row: try PredictionBenchmark(workload, workers: workers, rows: 1).measure(seconds: seconds)
      }
    }
    print(
      try JSON.text(
        Line(
          framework: work == .step ? "tartine" : work.rawValue, workload: workload.name,
          samples_per_s: rounded(result.samplesPerSecond, to: 0.1),
          us_per_step: rounded(result.secondsPerStep * 1e6, to: 0.1),
          first_step_s: result.firstStep.map { rounded($0, to: 1e-3) },
          peak_rss_mib: ProcessMeasures.peakMemory / (1 << 20),
          weights: workload.weightCount, threads: threads, models: models > 1 ? models : nil,
          kernels: String(cString: Precision.float32.kernels.pointee.name),
          products: work == .products ? "tartine" : blas?.name, cuts: result.cuts)))
  }

  private func rounded(_ value: Double, to unit: Double) -> Double { (value / unit).rounded() / (1 / unit).rounded() }

  /// What is printed; the names are those of the peers' script.
  private struct Line: Encodable {
    let framework, workload: String
    let samples_per_s, us_per_step: Double
    let first_step_s: Double?
    let peak_rss_mib: Int
    let weights, threads: Int
    let models: Int?
    let kernels: String
    let products: String?
    let cuts: [String]?
  }
}
