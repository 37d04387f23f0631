/// Finds the known name that a misspelled one most likely stands for.
package enum Suggestion {
  /// Returns ` Did you mean 'price'?` for the closest of the names, or an empty text if none is close.
  ///
  /// Close is an edit distance of at most a third of the name's length, whatever the case; adjacent letters that are swapped
  /// count as one edit.
  ///
  /// **Source**: Damerau 1964, restricted to adjacent swaps.
  package static func text(for name: String, among names: [String]) -> String {
    closest(to: name, among: names).map { " Did you mean '\($0)'?" } ?? ""
  }

  /// What other libraries call it.
  private static let others = [
    "lr": "learningRate", "rate": "learningRate", "rot": "rotation", "bs": "batchSize", "wd": "decay",
    "weightdecay": "decay", "weight_decay": "decay", "patience": "earlyStopping", "num_epochs": "epochs",
    "n_epochs": "epochs",
  ]

  /// Returns the closest name, or nil if none is close.
  package static func closest(to name: String, among names: [String]) -> String? {
    let last = name.lowercased().split(separator: ".").last.map(String.init) ?? ""
    if let other = others[last],
      let known = names.first(where: { $0 == other || $0.hasSuffix("." + other) })
    {
      return known
    }
    let wanted = Array(name.lowercased())
    let most = wanted.count / 3
    let found = names.map { (name: $0, distance: distance(wanted, Array($0.lowercased()), most)) }
    guard let best = found.min(by: { $0.distance < $1.distance }), best.distance <= most else { return nil }
    return best.name
  }

  private static func distance(_ a: [Character], _ b: [Character], _ most: Int) -> Int {
    guard abs(a.count - b.count) <= most else { return .max }
    var last: [Int] = []
    var row = Array(0...b.count)
    for i in a.indices {
      var next = [i + 1]
      for j in b.indices {
        var least = min(row[j] + (a[i] == b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, last[j - 1] + 1) }
        next.append(least)
      }
      (last, row) = (row, next)
    }
    return row[b.count]
  }
}
