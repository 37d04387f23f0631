extension Inspection: Encodable {
  private enum Key: String, CodingKey {
    case source, task, target, classes, targetQuartiles, columns, warnings, split, sameDistribution
  }

  /// The object that `inspect --json` prints.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(source, forKey: .source)
    try values.encode(task.task, forKey: .task)
    try values.encode(target, forKey: .target)
    try values.encode(classes, forKey: .classes)
    try values.encode(targetQuartiles, forKey: .targetQuartiles)
    try values.encode(columns, forKey: .columns)
    try values.encode(warnings, forKey: .warnings)
    try values.encode(split, forKey: .split)
    try values.encode(sameDistribution, forKey: .sameDistribution)
  }
}

extension PartComparison: Encodable {
  private enum Key: String, CodingKey {
    case pair, rows, statistic, p, adjustedP, isDifferent, smallestVisibleShift, columns
  }

  /// `statistic` is the area under the ROC curve.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode([first, second], forKey: .pair)
    try values.encode([rows.first, rows.second], forKey: .rows)
    try values.encode(area, forKey: .statistic)
    try values.encode(p, forKey: .p)
    try values.encode(adjustedP, forKey: .adjustedP)
    try values.encode(isDifferent, forKey: .isDifferent)
    try values.encode(smallestVisibleShift, forKey: .smallestVisibleShift)
    try values.encode(columns, forKey: .columns)
  }
}

extension PartComparison.ColumnShift: Encodable {
  private enum Key: String, CodingKey { case column, effect, unit, spread, p, adjustedP, isShifted }

  /// `unit` is `standardDeviations` or `share`.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(name, forKey: .column)
    try values.encode(effect, forKey: .effect)
    try values.encode(isInStandardDeviations ? "standardDeviations" : "share", forKey: .unit)
    try values.encode(spread, forKey: .spread)
    try values.encode(p, forKey: .p)
    try values.encode(adjusted, forKey: .adjustedP)
    try values.encode(isShifted, forKey: .isShifted)
  }
}
