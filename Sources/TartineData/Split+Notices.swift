extension Split {
  /// The notices to read before training: how the data were read, which columns are left out and why, and
  /// outliers in the inputs of the train and dev sets.
  public var notices: [String] {
    guard let preparation = try? Preparation(fitting: dataset, rows: train, bins: 0) else { return dataset.notices }
    return dataset.notices + preparation.notices
      + outlyingInputs(preparation).map { "column '\($0.column)': \($0.sentence); check its unit" }
  }

  /// Input columns with outliers in train or dev, each with a sentence that names the first row.
  package func outlyingInputs(_ preparation: Preparation) -> [(column: String, sentence: String)] {
    [("train", train), ("dev", dev)].flatMap { name, rows in
      preparation.warnings(for: dataset, rows: rows).compactMap { warning in
        guard case .outside(let range) = warning.kind else { return nil }
        let row = "row \(dataset.rowNumber(rows[warning.rows[0]]))"
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
