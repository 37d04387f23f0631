import ArgumentParser
import Tartine

struct PreviewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview-augmentation",
    abstract: "Shows train pictures as the network will see them, and what a model says to the change.",
    discussion: """
        tartine preview-augmentation mnist/ --augment rotation=10,elastic=1.4 --out sheet.png
        tartine preview-augmentation mnist/ --augment horizontalFlip=0.5 --model runs/mnist-1/model.safetensors

      The sheet has a picture a row: first as it is, then as ten epochs change it. An augmentation must not change \
      what a picture means, as mirrored digits do. With --model, each operation is tried on dev pictures, and the \
      share of answers that it changes is printed with its 95 % interval.
      """)

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "A model.safetensors, whose recipe's augmentation is taken where none is named.", valueName: "file"))
  var model: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("The sheet's file.", valueName: "file"))
  var out = "augmentation.png"

  @OptionGroup var output: OutputOptions

  /// Pictures of the sheet, and those that a model is asked about.
  private static let (shown, asked) = (8, 2000)

  func run() throws {
    let model = try self.model.map { try Model($0) }
    let isNamed = recipe.recipe != nil || recipe.preset != nil
    // Operations that are named are all that is shown; else the model's.
    var base = isNamed ? try recipe.base(for: .multiclass) : model?.recipe ?? .automatic
    if !isNamed, recipe.augment != nil { base.augmentation = .none }
    let chosen = try recipe.changes().apply(to: base)
    guard !chosen.augmentation.isNone else {
      throw UsageError("there is nothing to show: name an augmentation, as in --augment rotation=10,shift=0.1.")
    }
    var source = try data.source(seed: chosen.seed)
    let split = try source.load()
    let preparation = try Preparation(fitting: split.dataset, rows: split.train)
    var warnings: [String] = []
    let pictures = try preparation.apply(
      to: split.dataset, rows: Array(split.train.prefix(Self.shown)), warnings: &warnings)
    guard let sheet = ContactSheet(pictures, by: chosen.augmentation, seed: chosen.seed) else {
      throw UsageError("'\(source.data)' is a table, and augmentation changes pictures.")
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
      sheet: out, pictures: pictures.rowCount, draws: ContactSheet.draws,
      effects: (effects ?? []).map {
        .init(name: $0.name, changed: EvaluationSummary.Figure($0.changed), error: EvaluationSummary.Figure($0.error))
      })
    try Files.print(output.json ? try JSON.text(result) + "\n" : result.text)
  }
}

/// What `preview-augmentation` prints.
private struct PreviewSummary: Encodable {
  struct Effect: Encodable {
    let name: String
    let changed, error: EvaluationSummary.Figure
  }

  let sheet: String
  let pictures, draws: Int
  let effects: [Effect]

  var text: String {
    var lines = ["\(sheet): \(pictures) pictures as they are and as \(draws) epochs change them"]
    if !effects.isEmpty {
      lines += ["", "operation         answers changed           misclassified"]
      for effect in effects {
        lines.append(
          effect.name.padded(to: 16) + "  " + share(effect.changed).padded(to: 24) + "  " + share(effect.error))
      }
      for effect in effects where (effect.changed.low ?? 0) > 0.1 {
        lines.append("\(effect.name) changes more than every tenth answer: look whether it changes the meaning too.")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func share(_ figure: EvaluationSummary.Figure) -> String {
    func percent(_ value: Double) -> String { Text.fixed(value * 100, decimals: 2) }
    return "\(percent(figure.value)) % (\(percent(figure.low ?? 0)) to \(percent(figure.high ?? 1)))"
  }
}
