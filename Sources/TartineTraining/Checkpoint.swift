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

extension Trainer {
  private var arenas: [(prefix: String, tensors: [PlacedTensor], arena: Arena)] {
    var list = [
      ("weights", graph.parameters, step.weights), ("best", graph.parameters, kept.weights),
      ("state", graph.state, step.state), ("bestState", graph.state, kept.state),
    ]
    if let first = step.updater.first { list.append(("first", graph.parameters, first)) }
    if let second = step.updater.second { list.append(("second", graph.parameters, second)) }
    if let third = step.updater.third { list.append(("third", graph.parameters, third)) }
    if let quasiNewton = step.quasiNewton {
      for (place, pair) in zip(quasiNewton.steps, quasiNewton.changes).enumerated() {
        list.append(("step\(place)", graph.parameters, pair.0))
        list.append(("change\(place)", graph.parameters, pair.1))
      }
    }
    if let average = step.updater.average { list.append(("average", graph.parameters, average)) }
    return list
  }

  package func checkpoint() -> Checkpoint {
    var tensors: [String: Safetensors.Tensor] = [:]
    for (prefix, list, arena) in arenas {
      for tensor in list { tensors[prefix + "." + tensor.name] = tensor.stored(from: arena, precision: .float32) }
    }
    tensors[HeldOutErrors.tensorName] = heldOut.stored
    return Checkpoint(progress: progress, tensors: tensors)
  }

  /// Restores the state of a checkpoint.
  /// - Throws: `RecipeError` where the checkpoint has another recipe, apart from fewer epochs.
  package func restore(_ checkpoint: Checkpoint, path: String) throws {
    var written = checkpoint.progress.recipe
    let isLonger = recipe.epochs ?? 0 > written.epochs ?? 0
    if isLonger { written.epochs = recipe.epochs }
    if recipe.optimizer.algorithm == .lbfgs { written.accumulation = recipe.accumulation }
    guard written == recipe else {
      throw RecipeError("'\(path)' was written with a different recipe from the one in its folder.")
    }
    for (prefix, list, arena) in arenas {
      for tensor in list {
        try tensor.restore(
          checkpoint.tensors[prefix + "." + tensor.name], into: arena, precision: .float32, path: path)
      }
    }
    heldOut.restore(checkpoint.tensors[HeldOutErrors.tensorName])
    progress = checkpoint.progress
    if isLonger { (progress.recipe, progress.stopReason) = (recipe, nil) }
    firstEpoch = progress.epoch
  }
}
