import TartineData
import TartineEngine
import TartineTraining

/// The effect of an augmentation operation on a trained model's predictions. An operation that changes many
/// predictions may also change the images' labels.
public struct AugmentationEffect: Sendable {
  /// The operation's key, or `together`.
  public let name: String
  /// The share of images whose prediction changes.
  public let changed: Estimate
  /// The share of augmented images that are misclassified.
  public let error: Estimate

  /// Measures each operation alone, and all together, on held-out images: those of dev, by the split that the
  /// model was trained with.
  ///
  /// - Parameters:
  ///   - model: An image classifier.
  ///   - rows: The images' row indices in the data set.
  /// - Throws: `DataError` if the data do not fit the model.
  package static func measure(
    _ augmentation: Augmentation, on model: Model, _ dataset: Dataset, rows: [Int], seed: UInt64, threads: Int? = nil
  ) throws -> [AugmentationEffect] {
    var warnings: [String] = []
    let images = try model.preparation.apply(to: dataset, rows: rows, warnings: &warnings)
    let workers = Workers(threads ?? Workers.processorCount)
    let plain = model.predictions(for: images, workers: workers).map(\.text)
    let truths = try model.evaluate(dataset, rows: rows, warnings: &warnings, workers: workers).truths
    var operations = augmentation.operations
    if operations.count > 1 { operations.append(("together", augmentation)) }
    return operations.compactMap { name, operation in
      guard let changed = AugmentedRows(images, by: operation, seed: seed, epoch: 1) else { return nil }
      let answers = model.predictions(for: changed, workers: workers).map(\.text)
      func share(_ count: Int) -> Estimate { .proportion(Double(count) / Double(rows.count), of: rows.count) }
      return AugmentationEffect(
        name: name, changed: share(zip(plain, answers).filter { $0 != $1 }.count),
        error: share(zip(truths, answers).filter { model.classes[Int($0)] != $1 }.count))
    }
  }
}
