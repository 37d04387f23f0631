import TartineFiles
import TartineNetworks
import TartineOptimizers
import TartineTraining

extension SearchSpace {
  /// Returns the default search space around a recipe, in the lecture's order of importance: learning rate;
  /// units, batch size and β1; depth and weight decay; and the keep probability of dropout, which matters
  /// with few rows.
  ///
  /// - Parameter recipe: The recipe that the trials change.
  /// - Throws: `SearchError` if there is nothing to search.
  public static func automatic(for recipe: Recipe) throws -> SearchSpace {
    var parameters: [Hyperparameter] = []
    let optimizer = recipe.optimizer
    let isAdam: Set<Optimizer.Algorithm> = [.adam, .adamW, .amsGrad, .nAdam, .rAdam]
    if optimizer.algorithm != .lbfgs {
      let rate = optimizer.learningRate.peak
      parameters.append(
        Hyperparameter("optimizer.learningRate", .number(low: rate / 30, high: rate * 10, scale: .log)))
      parameters.append(Hyperparameter("batchSize", .integer(low: 16, high: 512, scale: .log)))
      if optimizer.algorithm == .momentum || optimizer.algorithm == .nesterov || isAdam.contains(optimizer.algorithm) {
        parameters.append(Hyperparameter("optimizer.beta1", .number(low: 0.7, high: 0.99, scale: .reverseLog)))
      }
    }
    if recipe.network.hasFreeUnits {
      parameters.append(Hyperparameter("network.units", .integer(low: 16, high: 512, scale: .log)))
      // Of a list of layers only the numbers change.
      if recipe.network.stack != nil { parameters.append(Hyperparameter("network.depth", .integer(low: 1, high: 4))) }
    }
    if !recipe.network.hiddenUnits.isEmpty {
      if optimizer.algorithm != .lbfgs, recipe.network.keepsOfHiddenLayers.count > 0 {
        parameters.append(Hyperparameter("network.keepProb", .number(low: 0.4, high: 1)))
      }
    }
    parameters.append(
      optimizer.algorithm == .adamW
        ? Hyperparameter("optimizer.decay", .number(low: 0.01, high: 10, scale: .log))
        : Hyperparameter("penalty.l2", .number(low: 1e-7, high: 1e-2, scale: .log)))
    let order = [
      "optimizer.learningRate", "network.units", "batchSize", "optimizer.beta1", "network.depth", "optimizer.decay",
      "penalty.l2", "network.keepProb",
    ]
    return try SearchSpace(parameters.sorted { order.firstIndex(of: $0.name)! < order.firstIndex(of: $1.name)! })
  }
}

extension Recipe {
  /// Returns the recipe's own values of a space's hyperparameters, for the first trial, without those outside
  /// their range.
  package func values(in space: SearchSpace) throws -> [String: JSONValue] {
    let tree = try JSON.convert(self, to: JSONValue.self)
    var values: [String: JSONValue] = [:]
    for parameter in space.parameters {
      if let condition = parameter.condition,
        !condition.values.contains(where: { values[condition.name]?.isSame(as: $0) ?? false })
      {
        continue
      }
      var value: JSONValue?
      switch parameter.name {
      // If the widths differ, take the first layer's.
      case "network.units": value = network.hiddenUnits.first.map { .integer($0) }
      case "network.depth": value = network.stack.map { .integer($0.hidden.count) }
      default: value = parameter.name.split(separator: ".").reduce(tree) { $0?[String($1)] }
      }
      if parameter.name == "network.keepProb" {
        let keeps = network.stack?.keepProb ?? network.keepsOfHiddenLayers
        if keeps.count == 1 || network.stack == nil { value = keeps.first.map { .number($0) } }
      }
      guard let value, parameter.domain.unit(of: value) != nil else { continue }
      values[parameter.name] = value
    }
    return values
  }

  /// Returns the recipe with the values of a trial, set by their keys.
  /// - Throws: `RecipeError` for an unknown key, or a value out of its range.
  public func with(_ values: [String: JSONValue]) throws -> Recipe {
    var settings = RecipeSettings()
    for (key, value) in values.sorted(by: { $0.key < $1.key }) { settings.set(key, to: value) }
    return try settings.apply(to: self)
  }
}

extension Network {
  /// Whether its layers may have any number of units: no groups of them, no block as wide as the table.
  fileprivate var hasFreeUnits: Bool {
    guard let first = hiddenUnits.first else { return false }
    let width = 13
    let layout = InputLayout(numbers: Array(0..<width), categories: [])
    return [17, 23].allSatisfy { units in
      let scaled = scalingUnits(by: Double(units) / Double(first))
      return (try? scaled.graph(input: [width], layout: layout, outputs: 2)) != nil
    }
  }

  /// The keep probability after each hidden layer that may have dropout, outside of blocks.
  fileprivate var keepsOfHiddenLayers: [Double] {
    var keeps: [Double] = []
    _ = settingDropout { _, now in
      keeps.append(now)
      return now
    }
    return keeps
  }
}
