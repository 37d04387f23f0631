import TartineData
import TartineEngine
import TartineFiles
import TartineNetworks

extension Model {
  /// The version of the metadata.
  private static let format = "tartine-2"

  /// Saves the model as one safetensors file, with recipe, preparation and class names. The file contains no
  /// time, path or thread count: the same run gives the same file, byte for byte.
  public func save(to path: String) throws {
    try Files.write(try fileContents(), to: path)
  }

  package func fileContents() throws -> [UInt8] {
    var tensors: [String: Safetensors.Tensor] = [:]
    for (number, network) in networks.enumerated() {
      for (tensor, arena) in Self.tensors(of: graph, network) {
        tensors[Self.prefix(number) + tensor.name] = tensor.stored(from: arena, precision: .float32)
      }
    }
    var metadata = [
      "format": Self.format,
      "recipe": try JSON.text(recipe),
      "preparation": try JSON.text(preparation),
      "epoch": String(epoch),
    ]
    if decision != .default { metadata["decision"] = try JSON.text(decision) }
    if let conformal { metadata["conformal"] = try JSON.text(conformal) }
    return try Safetensors(metadata: metadata, tensors: tensors).encoded()
  }

  /// Opens a model file, or the model of a run's folder.
  /// - Throws: `FileError` where it is missing, damaged, or not a model.
  public convenience init(_ path: String) throws {
    let ofRun = path + (path.hasSuffix("/") ? "" : "/") + RunFolder.modelName
    if Files.isFolder(path), !Files.exists(ofRun) {
      throw FileError(
        .missing, path, "the folder '\(path)' has no \(RunFolder.modelName); name a model file, or a run's folder.")
    }
    let path = Files.isFolder(path) ? ofRun : path
    try self.init(file: try Files.read(path), path: path)
  }

  private static func tensors(of graph: LayerGraph, _ network: TrainedWeights) -> [(PlacedTensor, Arena)] {
    graph.parameters.map { ($0, network.weights) } + graph.state.map { ($0, network.state) }
  }

  /// Before the names of a network's tensors: nothing for the first, `network2.` for the second.
  private static func prefix(_ number: Int) -> String { number == 0 ? "" : "network\(number + 1)." }

  package convenience init(file: [UInt8], path: String) throws {
    let file = try Safetensors(file, path: path)
    func damaged(_ what: String) -> FileError {
      FileError(.damaged, path, "'\(path)' is not a model of this program: \(what).")
    }
    guard let format = file.metadata["format"], format.hasPrefix("tartine-") else {
      throw damaged("its metadata do not name this program's format")
    }
    guard format == Self.format else {
      throw damaged("it is of format \(format), and this program reads \(Self.format)")
    }
    guard file.metadata["checksum"] != nil else { throw damaged("it has no checksum") }
    do {
      let recipe = try JSON.decode(Recipe.self, from: file.metadata["recipe"] ?? "")
      let preparation = try JSON.decode(Preparation.self, from: file.metadata["preparation"] ?? "")
      if let problem = preparation.problem { throw damaged(problem) }
      let decision = try file.metadata["decision"].map { try JSON.decode(Decision.self, from: $0) } ?? .default
      guard decision.temperature > 0, decision.temperature.isFinite else { throw damaged("its temperature is invalid") }
      let conformal = try file.metadata["conformal"].map { try JSON.decode(ConformalScores.self, from: $0) }
      if let problem = conformal?.problem { throw damaged(problem) }
      let graph = try recipe.network.graph(
        input: preparation.inputShape, layout: preparation.inputLayout, outputs: preparation.target.width)
      // Everything is compared with the file before memory is allocated.
      if let problem = recipe.problem { throw damaged(problem) }
      for number in 0..<recipe.seeds {
        for tensor in graph.parameters + graph.state {
          try tensor.check(file.tensors[Self.prefix(number) + tensor.name], precision: .float32, path: path)
        }
      }
      var unread = Set(file.tensors.keys)
      let networks = try (0..<recipe.seeds).map { number in
        let network = TrainedWeights(
          weights: graph.makeParameterArena(.float32), state: graph.makeInitialState(.float32))
        for (tensor, arena) in Self.tensors(of: graph, network) {
          let name = Self.prefix(number) + tensor.name
          unread.remove(name)
          try tensor.restore(file.tensors[name], into: arena, precision: .float32, path: path)
          guard tensor.elements(Float.self, in: arena).allSatisfy(\.isFinite) else {
            throw damaged("tensor '\(name)' holds a value that is not finite")
          }
        }
        return network
      }
      if let extra = unread.sorted().first { throw damaged("it contains an unexpected tensor '\(extra)'") }
      self.init(
        recipe: recipe, preparation: preparation, graph: graph, epoch: Int(file.metadata["epoch"] ?? "") ?? 0,
        networks: networks, decision: decision, conformal: conformal)
    } catch let error as DecodingError {
      throw damaged(JSON.explain(error))
    } catch let error as FileError {
      throw error
    } catch {
      throw damaged("\(error)")
    }
  }
}

extension PlacedTensor {
  /// The tensor as it is stored in a file.
  package func stored(from arena: Arena, precision: Precision) -> Safetensors.Tensor {
    let bytes = UnsafeRawBufferPointer(
      start: arena[offset * precision.size], count: count * precision.size)
    return Safetensors.Tensor(shape: shape.dimensions, precision: precision, bytes: ArraySlice(bytes))
  }

  /// Checks that the stored tensor exists and has the right shape.
  @discardableResult
  package func check(
    _ stored: Safetensors.Tensor?, precision: Precision, path: String
  ) throws(FileError) -> Safetensors.Tensor {
    guard let stored, stored.shape == shape.dimensions, stored.precision == precision else {
      throw FileError(
        .damaged, path,
        "'\(path)' does not fit its own recipe: tensor '\(name)' is missing, or its shape is not "
          + "\(shape). Use an undamaged copy.")
    }
    return stored
  }

  /// Reads the tensor from a file.
  package func restore(
    _ stored: Safetensors.Tensor?, into arena: Arena, precision: Precision, path: String
  ) throws(FileError) {
    try check(stored, precision: precision, path: path).bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      arena[offset * precision.size].copyMemory(from: base, byteCount: bytes.count)
    }
  }
}
