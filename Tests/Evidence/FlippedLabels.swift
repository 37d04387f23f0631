import Tartine

/// Digits with some labels flipped: the precision and recall of the flagged rows.
struct FlippedLabels {
  private var lines = [
    "| labels flipped, % | seeds | rows flagged | precision, % | recall, % |",
    "|---|---|---|---|---|",
  ]

  /// The flagged rows that were flipped, over all seeds and shares.
  private(set) var precision = 0.0

  init(seeds: Int, shares: [Double] = [0.02, 0.05, 0.1]) throws {
    var (allFlagged, allRight) = (0, 0)
    for share in shares {
      var (flagged, right, flips) = (0, 0, 0)
      for seed in 0..<seeds {
        let (dataset, flipped) = try Self.flip(share, seed: UInt64(seed))
        let split = try dataset.split(seed: UInt64(seed))
        let known = Set(split.train + split.dev)
        let found = try Recipe.automatic.labelErrors(on: split)
        flagged += found.suspects.count
        right += found.suspects.count { flipped.contains($0.place) }
        flips += flipped.intersection(known).count
      }
      func percent(_ part: Int, _ whole: Int) -> String {
        Text.fixed(Double(part) / Double(max(1, whole)) * 100, decimals: 1)
      }
      lines.append(
        "| \(Text.fixed(share * 100, decimals: 0)) | \(seeds) | \(flagged) | \(percent(right, flagged)) | \(percent(right, flips)) |"
      )
      allFlagged += flagged
      allRight += right
    }
    precision = Double(allRight) / Double(max(1, allFlagged))
  }

  var table: String { lines.joined(separator: "\n") }

  /// The digits with some labels changed to another class, and the changed rows.
  private static func flip(_ share: Double, seed: UInt64) throws -> (dataset: Dataset, flipped: Set<Int>) {
    let digits = try Dataset.digits()
    var stream = RandomStream(seed: seed, purpose: .test, index: 7)
    var flipped: Set<Int> = []
    var labels = (0..<digits.rowCount).map { digits.targets[0].text($0) ?? "" }
    let names = Set(labels).sorted()
    for row in labels.indices where stream.uniform() < share {
      let others = names.filter { $0 != labels[row] }
      labels[row] = others[stream.integer(below: others.count)]
      flipped.insert(row)
    }
    var coder = LevelCoder()
    for label in labels { coder.append(label) }
    let target = Column(name: "class", values: .texts(codes: coder.codes, levels: coder.levels), reason: "")
    return (
      try Dataset(source: "digits", inputs: digits.inputs, targets: [target], task: .multiclass), flipped
    )
  }
}
