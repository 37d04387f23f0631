extension Split {
  /// What a person should know before anything is trained: how the data were read, which columns are left out and why, and
  /// train and dev rows with values far outside the others.
  public var notices: [String] {
    guard let preparation = try? Preparation(fitting: dataset, rows: train, bins: 0) else { return dataset.notices }
    let unusual = [("train", train), ("dev", dev)].flatMap { name, rows in
      preparation.warnings(for: dataset, rows: rows).compactMap { warning -> String? in
        guard case .outside(let range) = warning.kind else { return nil }
        let row = "row \(dataset.rowNumber(rows[warning.rows[0]]))"
        let others = warning.rows.count > 1 ? ", as \(warning.rows.count - 1) other values of \(name) are" : ""
        return
          "\(row) holds \(warning.value) in column '\(warning.column)', far outside the other values; it is held within "
          + "\(Column.text(of: range.lowerBound)) to \(Column.text(of: range.upperBound))\(others); check its unit"
      }
    }
    return dataset.notices + preparation.notices + unusual
  }
}
