import TartineFiles

extension Split {
  /// The notices to read before training: how the data were read, which columns are left out and why, and
  /// outliers in the inputs of the train and dev sets.
  public var notices: [String] {
    guard let preparation = try? Preparation(fitting: dataset, rows: train, bins: 0) else { return dataset.notices }
    return dataset.notices + preparation.notices + preparation.target.notices
      + outlyingInputs(preparation).map { "column '\($0.column)': \($0.sentence); check it" }
  }

  /// Classes that a set lacks, since rows were not assigned by their class.
  static func absentClasses(_ dataset: Dataset, _ parts: SplitParts) -> [String] {
    guard dataset.task.task.isClassification, dataset.task.task != .multilabel else { return [] }
    let strata = dataset.strata()
    return [("train", parts.train), ("dev", parts.dev), ("test", parts.test)].compactMap { name, rows in
      let present = Set(rows)
      let absent = strata.filter { $0.allSatisfy { !present.contains($0) } }.compactMap {
        dataset.targets[0].text($0[0])
      }
      guard !rows.isEmpty, !absent.isEmpty else { return nil }
      let classes = Dataset.list(absent.map { "'\($0)'" })
      return
        "the \(name) set has no row of the \(absent.count == 1 ? "class" : "classes") \(classes); another \(OptionName.splitSeed) or "
        + "\(OptionName.splitShares) may give it some"
    }
  }

  /// Input columns with outliers in train or dev, each with a sentence that names the first row.
  package func outlyingInputs(_ preparation: Preparation) -> [(column: String, sentence: String)] {
    [("train", train, true), ("dev", dev, false)].flatMap { name, rows, isTrain in
      preparation.warnings(for: dataset, rows: rows).compactMap { warning in
        let row = "row \(dataset.rowNumber(rows[warning.rows[0]]))"
        // Sets that are split by time follow each other.
        if case .outsideTimes(let first, let last) = warning.kind, isTrain {
          return (
            warning.column, "\(row) holds '\(warning.value)', far outside the other times, \(first) to \(last)"
          )
        }
        guard case .outside(let range) = warning.kind, warning.isFew else { return nil }
        let others = warning.rows.count > 1 ? ", as \(warning.rows.count - 1) other values of \(name) are" : ""
        return (
          warning.column,
          "\(row) holds \(warning.value), far outside the other values; it is clipped to "
            + "\(Column.text(of: range.lowerBound)) to \(Column.text(of: range.upperBound))\(others)"
        )
      }
    }
  }
}
