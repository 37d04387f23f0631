import TartineData
import TartineFiles
import TartineTraining

/// The trainings of an improvement in a folder, a run's folder each, so that an improvement that was killed goes on where it was: it
/// begins again, and each training that it finds is not repeated.
///
/// Decisions depend on time only by what is written here, so they are the same the second time.
public final class TrainingArchive {
  private let path: String
  private let source: DataSource
  /// The trainings that were finished before.
  private var known: [Int: Record] = [:]

  /// What became of a training.
  struct Record: Codable {
    enum Outcome: String, Codable {
      case trained
      /// The end of the time cut it short, or left no time to begin.
      case noTime
      /// It was not begun, after an interrupt.
      case interrupted
    }
    /// Its seconds, and those since the beginning of the improvement.
    let seconds, elapsed: Double
    let outcome: Outcome
  }

  /// - Parameters:
  ///   - path: The folder, which is created.
  ///   - source: The source of the data, for each run.json.
  /// - Throws: `FileError` where the folder cannot be created.
  public init(_ path: String, source: DataSource) throws {
    self.path = path
    self.source = source
    try Files.makeFolder(path)
    for number in 0... {
      guard let text = try? Files.readText(record(number)) else { break }
      known[number] = try? JSON.decode(Record.self, from: text)
    }
  }

  private func record(_ number: Int) -> String { "\(path)/\(number).json" }
  private func folder(_ number: Int) -> String { "\(path)/\(number)" }

  func known(_ number: Int) -> Record? { known[number] }

  func write(_ record: Record, _ number: Int) throws {
    try Files.write(try JSON.text(record) + "\n", to: self.record(number))
  }

  /// Trains, goes on with a training that was killed, or reads a finished one.
  func train(
    _ recipe: Recipe, on split: Split, number: Int, threads: Int?, observers: [any TrainingObserver]
  ) throws -> Run {
    let path = folder(number)
    if let begun = try? RunFolder(opening: path), (try? begun.read().description.status) != .diverged {
      return try begun.train(
        recipe, on: split, source: source, resuming: true, threads: threads, observers: observers)
    }
    // Of one that was killed before it began, or that diverged.
    for name in ["run.json", "recipe.json", "checkpoint.safetensors", "history.jsonl", RunFolder.modelName] {
      Files.remove("\(path)/\(name)")
    }
    let folder = try RunFolder(creating: path, named: "")
    return try folder.train(recipe, on: split, source: source, threads: threads, observers: observers)
  }
}
