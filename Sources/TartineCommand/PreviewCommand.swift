import ArgumentParser
import Tartine

struct PreviewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview-augmentation",
    abstract: "Shows augmented training images, and how augmentation changes a model's predictions.",
    discussion: """
        tartine preview-augmentation mnist/ --augment rotation=10,elastic=1.4 --out sheet.png
        tartine preview-augmentation mnist/ --augment horizontalFlip=0.5 --model runs/mnist-1/model.safetensors

      Each row of the sheet is one image: first the original, then the image as augmented in ten epochs. An \
      augmentation must not change an image's class, as mirroring does to digits. With --model, each \
      operation is applied to dev images, and the share of predictions that it changes is printed with its \
      95 % interval.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A model.safetensors; its recipe's augmentation is used if no other is named.", valueName: "file"))
  var model: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("The output file.", valueName: "file"))
  var out = "augmentation.png"

  @OptionGroup var output: OutputOptions

  /// The number of images on the sheet, and the number that the model predicts.
  private static let (shown, asked) = (8, 2000)

  func run() throws {
    let model = try self.model.map { try Model($0) }
    let isNamed = recipe.recipe != nil || recipe.preset != nil
    // Named operations replace those of the model's recipe.
    var base = isNamed ? try recipe.base(for: nil) : model?.recipe ?? .automatic
    if !isNamed, recipe.augment != nil { base.augmentation = .none }
    let chosen = try recipe.changes().apply(to: base)
    guard !chosen.augmentation.isNone else {
      throw UsageError("there is nothing to show: name an augmentation, as in --augment rotation=10,shift=0.1.")
    }
    var source = try data.source(seed: chosen.seed)
    let split = try source.load()
    let preparation = try Preparation(fitting: split.dataset, rows: split.train)
    var warnings: [String] = []
    let images = try preparation.apply(
      to: split.dataset, rows: Array(split.train.prefix(Self.shown)), warnings: &warnings)
    guard let sheet = ContactSheet(images, by: chosen.augmentation, seed: chosen.seed) else {
      throw UsageError("'\(source.data)' is a table, and augmentation is for images.")
    }
    let effects = try model.map { model in
      guard model.task.isClassification else {
        throw UsageError("--model takes a classifier, and '\(self.model ?? "")' predicts \(model.task.rawValue).")
      }
      return try AugmentationEffect.measure(
        chosen.augmentation, on: model, split.dataset, rows: Array(split.dev.prefix(Self.asked)), seed: chosen.seed,
        threads: output.threads)
    }
    try Files.write(sheet.png, to: out)
    let result = PreviewSummary(
      sheet: out, images: images.rowCount, draws: ContactSheet.draws,
      effects: (effects ?? []).map {
        .init(name: $0.name, changed: EvaluationSummary.Figure($0.changed), error: EvaluationSummary.Figure($0.error))
      })
    try Files.print(output.json ? try JSON.text(result) + "\n" : result.text)
  }
}

/// The figures that `preview-augmentation` prints.
private struct PreviewSummary: Encodable {
  struct Effect: Encodable {
    let name: String
    let changed, error: EvaluationSummary.Figure
  }

  let sheet: String
  let images, draws: Int
  let effects: [Effect]

  var text: String {
    var lines = ["\(sheet): \(images) images, each as it is and as augmented in \(draws) epochs"]
    if !effects.isEmpty {
      lines += ["", "operation         predictions changed       misclassified"]
      for effect in effects {
        lines.append(
          effect.name.padded(to: 16) + "  " + share(effect.changed).padded(to: 24) + "  " + share(effect.error))
      }
      for effect in effects where (effect.changed.low ?? 0) > 0.1 {
        lines.append(
          "\(effect.name) changes more than 10 % of the predictions: check whether it changes the "
            + "class of images.")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func share(_ figure: EvaluationSummary.Figure) -> String {
    func percent(_ value: Double) -> String { Text.fixed(value * 100, decimals: 2) }
    return "\(percent(figure.value)) % (\(percent(figure.low ?? 0)) to \(percent(figure.high ?? 1)))"
  }
}
