import TartineData

extension Dataset {
  /// Reads a table for evaluating a model: the columns that the model knows, and any target values.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - model: the model.
  ///   - format: options that cannot be inferred from the text; the model's markers of missing values are added.
  ///   - group: the column by which rows belong together; nil: the one that the model was trained with.
  public init(csv path: String, for model: Model, format: CSVFormat = CSVFormat(), group: String? = nil) throws {
    try self.init(
      measuring: path, isNumeric: model.preparation.isNumeric.merging(model.preparation.textLabels) { $1 },
      targets: model.preparation.target.columns, task: model.task, classes: model.preparation.target.classNames,
      format: format.adding(model.preparation.missingMarkers), notation: model.preparation.notation)
    if let group {
      self = try evaluated(byGroupsOf: group)
      return
    }
    guard let name = model.preparation.groupColumn else { return }
    if columnNames.contains(name) {
      self = try evaluated(byGroupsOf: name)
    } else {
      notices.append(
        "the model was trained on rows grouped by '\(name)', and \(path) has no such column: its rows are taken as independent, "
          + "so the intervals may be too narrow")
    }
  }
}
