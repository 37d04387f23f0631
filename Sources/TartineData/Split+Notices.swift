extension Split {
  /// What a person should know before anything is trained: how the data were read, which columns are left out and why, and
  /// train and dev rows with values far outside the others.
  public var notices: [String] {
    guard let preparation = try? Preparation(fitting: dataset, rows: train, bins: 0) else { return dataset.notices }
    return dataset.notices + preparation.notices
      + outlyingInputs(preparation).map { "column '\($0.column)': \($0.sentence); check its unit" }
  }

  /// Columns of inputs with values far outside the others, and what there is to say of each.
  package var outlyingInputs: [(column: String, sentence: String)] {
    (try? Preparation(fitting: dataset, rows: train, bins: 0)).map(outlyingInputs) ?? []
  }

  private func outlyingInputs(_ preparation: Preparation) -> [(column: String, sentence: String)] {
    [("train", train), ("dev", dev)].flatMap { name, rows in
      preparation.warnings(for: dataset, rows: rows).compactMap { warning in
        guard case .outside(let range) = warning.kind else { return nil }
        let row = "row \(dataset.rowNumber(rows[warning.rows[0]]))"
        let others = warning.rows.count > 1 ? ", as \(warning.rows.count - 1) other values of \(name) are" : ""
        return (
          warning.column,
          "\(row) holds \(warning.value), far outside the other values; it is held within "
            + "\(Column.text(of: range.lowerBound)) to \(Column.text(of: range.upperBound))\(others)"
        )
      }
    }
  }
}
