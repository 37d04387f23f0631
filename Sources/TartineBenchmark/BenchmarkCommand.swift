import ArgumentParser
import Tartine

@main
struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tartine-benchmark",
    abstract: "Times training steps on random data, and prints one JSON line.",
    discussion: """
      A step covers everything: a new shuffle each epoch, gather, forward, loss, backward and update. The \
      figures are medians of ten windows. first_step_s excludes the generation of the random data. Prefixes \
      of a workload's name:

        floor:     its matrix products alone, computed by the system's OpenBLAS,
                   each with the fastest of several partitions over the threads
        products:  its matrix products alone, computed by Tartine
        predict:   predictions of all its rows, one pass being a step
        row:       the prediction of one row

      \(Workload.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))
      """)

  @Argument(help: "One of the workloads above, with or without a prefix, as in floor:mnist.")
  var workload: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The measuring time; at least three steps are measured.", valueName: "s"))
  var seconds = 6.0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of threads; by default one per processor.", valueName: "n"))
  var threads: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The number of networks to train in parallel, on one thread each.", valueName: "n"))
  var models = 1

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The number of rows; by default the workload's.", valueName: "n"))
  var samples: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The units of the hidden layers, as in 512,256; by default the workload's.", valueName: "list"))
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

  /// The part of a workload that is timed.
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
              "--hidden takes whole numbers from 1 to 65536, separated by commas, not '\(hidden)'.")
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
        "floor: needs an OpenBLAS built with threads, libopenblas.so.0: on Debian, install "
          + "libopenblas0-pthread.")
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

  /// The printed JSON; script/peers.py uses the same names.
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
