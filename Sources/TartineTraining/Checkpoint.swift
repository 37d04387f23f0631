import TartineData
import TartineEngine
import TartineFiles
import TartineNetworks

/// The complete state of a training at the end of an epoch, from which an interrupted training resumes
/// exactly.
///
/// Random numbers are functions of their position, so no generator state is stored.
package struct Checkpoint {
  package struct Progress: Codable {
    package var epoch: Int
    package var step: Int
    package var bestEpoch: Int
    package var bestLoss: Double
    package var stopReason: String?
    package var history: [EpochRecord]
    package var recipe: Recipe
    /// The seconds of a training with a time limit.
    package var seconds: Double?
    /// Whether its time is up.
    package var isTimeUp: Bool?
    /// The number of epochs in its stochastic weight average.
    package var averaged: Int?
  }

  package var progress: Progress
  package var tensors: [String: Safetensors.Tensor]

  private static let format = "tartine-checkpoint-1"

  package init(progress: Progress, tensors: [String: Safetensors.Tensor]) {
    self.progress = progress
    self.tensors = tensors
  }

  package func write(to path: String, flush: Bool) throws {
    let file = Safetensors(
      metadata: ["format": Self.format, "progress": try JSON.text(progress)], tensors: tensors)
    try Files.write(try file.encoded(), to: path, flush: flush)
  }

  package init(_ path: String) throws {
    let file = try Safetensors(try Files.read(path), path: path)
    guard file.metadata["format"] == Self.format else {
      throw FileError(.damaged, path, "'\(path)' is not a checkpoint of this program.")
    }
    do {
      progress = try JSON.decode(Progress.self, from: file.metadata["progress"] ?? "")
    } catch {
      throw FileError(.damaged, path, "'\(path)' cannot be read: \(JSON.explain(error)).")
    }
    tensors = file.tensors
  }
}
