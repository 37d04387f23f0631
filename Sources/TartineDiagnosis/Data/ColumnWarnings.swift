import TartineData
import TartineFiles

/// Warnings about single columns.
struct ColumnWarnings {
  let list: [DataWarning]

  init(_ dataset: Dataset, _ facts: [ColumnFacts], _ preparation: Preparation, rows: [Int], method: SplitMethod) {
    guard case .table(let columns) = dataset.inputs else {
      list = []
      return
    }
    var list: [DataWarning] = []
    for (column, fact) in zip(columns, facts) {
      if let warning = Self.identity(column, fact, rows: rows) ?? Self.constant(fact, among: facts) {
        list.append(warning)
        continue
      }
      list += [Self.gaps(fact, rows: rows.count), Self.placeholder(column, rows: rows), Self.spellings(column)]
        .compactMap { $0 }
      list += [Self.parts(column), Self.leftOut(column, fact)].compactMap { $0 }
      if method == .stratified { list += [Self.members(column, fact, rows: rows)].compactMap { $0 } }
      if let notice = column.notice {
        list.append(
          DataWarning(
            name: .unclearColumn, column: column.name, evidence: notice,
            action: notice.contains("treated as missing")
              ? "correct them, or leave the fields empty: in a file to predict they are an error"
              : "check that it is read as meant"))
      }
    }
    list += Self.unclear(preparation) + dataset.targets.compactMap { Self.spellings($0, isTarget: true) }
    if dataset.task.task == .regression {
      list += dataset.targets.compactMap { Self.placeholder($0, isTarget: true, rows: rows) }
    }
    list += Self.copies(
      columns.filter { column in !list.contains { $0.column == column.name && $0.name != .missingValues } }, rows: rows)
    self.list = list
  }

  private static func constant(_ fact: ColumnFacts, among facts: [ColumnFacts]) -> DataWarning? {
    // A column with one value in some rows and none in others carries information: the network gets a
    // missing-value flag.
    guard fact.values == 0 || fact.values == 1 && fact.missing == 0 else { return nil }
    return DataWarning(
      name: .constantColumn, column: fact.name,
      evidence: fact.values == 0 ? "it holds no value" : "it has one value in all rows",
      action: "leave it out: it carries no information", isFault: !fact.isLeftOut && !isTypical(fact, among: facts)
    )
  }

  /// Whether a constant equals the minimum of most columns, such as a pixel in the corner of an image.
  private static func isTypical(_ constant: ColumnFacts, among facts: [ColumnFacts]) -> Bool {
    guard let value = constant.smallest else { return false }
    let others = facts.filter { $0.type == "number" && $0.values > 1 }
    return others.count >= 8 && others.count { $0.smallest == value } * 2 > others.count
  }

  /// The share of the target's entropy or variance. A column that explains some of it, such as a day or year,
  /// is not just an identifier; a column that explains nearly all of it numbers rows that were sorted.
  private static let tellingShares = 0.1..<0.7

  /// A counter: whole numbers that never repeat and are close together or named like an id, or one-word texts
  /// that hardly repeat.
  private static func identity(_ column: Column, _ fact: ColumnFacts, rows: [Int]) -> DataWarning? {
    guard rows.count >= 20 else { return nil }
    let why = "it identifies rows and does not generalize to new ones"
    let action =
      fact.isLeftOut
      ? "it is left out: \(why)"
      : "if it numbers or names rows, leave it out, \(OptionName.leaveOut) '\(fact.name)': \(why)"
    let isNamed = Column.isCalledIdentifier(fact.name)
    switch column.values {
    case .numbers(let numbers):
      if fact.use.contains("numbers the rows"), fact.tells >= 0.5 {
        return DataWarning(
          name: .leakingColumn, column: fact.name,
          evidence:
            "it numbers the rows, and explains \(Text.fixed(fact.tells * 100, decimals: 0)) % of the target alone: rows were "
            + "sorted by it before they were numbered",
          action: action)
      }
      if fact.use.contains("numbers the rows") {
        return DataWarning(
          name: .identifierColumn, column: fact.name,
          evidence: fact.use.contains("one by one") ? "it numbers the rows one by one" : "it numbers the rows",
          action: action,
          isFault: isNamed || !tellingShares.contains(fact.tells))
      }
      let present = rows.map { numbers[$0] }
      guard fact.missing == 0, fact.values == present.count, present.allSatisfy({ $0 == $0.rounded() }),
        let smallest = fact.smallest, let largest = fact.largest
      else { return nil }
      let isDense = largest - smallest < 4 * Double(rows.count)
      guard isDense || isNamed || present == present.sorted() else { return nil }
      return DataWarning(
        name: .identifierColumn, column: fact.name, evidence: "\(fact.values) whole numbers, all distinct",
        action: action, isFault: isNamed || !tellingShares.contains(fact.tells), isSerious: !fact.isLeftOut)
    case .texts(_, let levels):
      let present = rows.count - fact.missing
      // Dates used as inputs differ from row to row and carry the time.
      guard fact.values > 20, fact.values * 10 > present * 9, fact.isLeftOut else { return nil }
      // Amounts in two units identify nothing.
      guard isDate(levels) || !CategoryFeature.areWritten(levels) else { return nil }
      let words = levels.reduce(0) { $0 + $1.split(separator: " ").count }
      let isText = words > 3 * levels.count
      return DataWarning(
        name: .identifierColumn, column: fact.name,
        evidence: "\(fact.values) distinct texts in \(present) rows with a value",
        action: isDate(levels)
          ? "it is left out: its dates have no single reading; write them as 2024-03-01, and use \(OptionName.splitBy) time:\(fact.name) if the model will predict the future"
          : isText
            ? "it is left out: free text is not read"
            : action,
        // Keys identify rows; names that few rows have, sentences and dates are not keys.
        isFault: isNamed || fact.values == rows.count && !isText && !isDate(levels))
    }
  }

  private static func isDate(_ levels: [String]) -> Bool {
    levels.prefix(20).allSatisfy { level in
      let parts = level.split { !$0.isNumber }
      return parts.count >= 3 && parts.prefix(3).contains { $0.count == 4 } && level.contains { "-/.".contains($0) }
    }
  }

  /// Words for those of whom a table often has several rows.
  private static let members: Set<String> = [
    "patient", "subject", "person", "participant", "respondent", "individual", "user", "customer", "client",
    "household",
    "speaker", "student", "pupil", "animal", "kunde", "proband",
  ]

  /// A column whose name says that it identifies someone or something, with several rows each.
  private static func members(_ column: Column, _ fact: ColumnFacts, rows: [Int]) -> DataWarning? {
    let words = Column.words(of: fact.name)
    guard fact.values >= 10, fact.values * 2 <= rows.count,
      words.contains(where: members.contains) || words.last.map(["id", "ids", "uuid", "guid", "uid"].contains) == true
    else { return nil }
    let counts = Dictionary(grouping: rows.compactMap { column.text($0) }) { $0 }.values.map(\.count)
    guard counts.count(where: { $0 > 1 }) * 2 > counts.count else { return nil }
    return DataWarning(
      name: .repeatedIdentifier, column: fact.name,
      evidence:
        "\(fact.values) values with about \(rows.count / fact.values) rows each, which the split does not keep together",
      action:
        "if new ones are to be predicted, split with \(OptionName.splitBy) 'group:\(fact.name)': otherwise dev and test hold rows of "
        + "those in train, and the errors are too low", isFault: false)
  }

  private static func gaps(_ fact: ColumnFacts, rows: Int) -> DataWarning? {
    guard fact.missing * 5 >= rows else { return nil }
    let share = Text.fixed(Double(fact.missing) / Double(rows) * 100, decimals: 0)
    return DataWarning(
      name: .missingValues, column: fact.name, evidence: "\(share) % of the rows have no value",
      action: (fact.isLeftOut ? "" : "the network gets a missing-value flag; ")
        + "find out why, and whether it will also be missing in new rows")
  }

  /// Values often entered in place of a missing one.
  private static let placeholders: Set<Double> = [-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999]

  /// A single frequent value at the end of the range and far from all others, such as −999. It must be
  /// farther from the others than these are from each other; a common placeholder must lie outside a tenth of
  /// their range and be far more frequent than any of them. Among four to ten distinct values it must be both a common
  /// placeholder, but for −1, and far.
  private static func placeholder(_ column: Column, isTarget: Bool = false, rows: [Int]) -> DataWarning? {
    guard case .numbers(let numbers) = column.values else { return nil }
    let sorted = rows.map { numbers[$0] }.filter { !$0.isNaN }.sorted()
    let distinct = zip(sorted, sorted.dropFirst()).count { $0 != $1 } + 1
    for (value, isSmallest) in [(sorted[0], true), (sorted[sorted.count - 1], false)] {
      let others = isSmallest ? sorted.drop { $0 == value } : sorted.prefix { $0 != value }
      guard let first = others.first, let last = others.last else { continue }
      let count = sorted.count - others.count
      let gap = isSmallest ? first - value : value - last
      guard count * 200 >= sorted.count, count >= 3 else { continue }
      // Among a few codes, such as 1 to 5, only a common placeholder is one.
      guard distinct > 10 || distinct > 3 && placeholders.contains(value) && value != -1 else { continue }
      let isFar = gap > last - first
      let isPlaceholder = placeholders.contains(value) && gap > 0.1 * (last - first) && count > 3 * mostFrequent(others)
      guard isFar || distinct > 10 && isPlaceholder else { continue }
      return DataWarning(
        name: .placeholderValue, column: column.name,
        evidence:
          "\(isTarget ? "in the target " : "")\(Column.text(of: value)) occurs \(count) times, and all other values are from \(Column.text(of: first)) to "
          + Column.text(of: last),
        action:
          "if it stands for a missing value, name it, \(OptionName.missing)=\(Column.text(of: value)), or leave the field empty: as a "
          + "number it distorts the scale")
    }
    return nil
  }

  private static func mostFrequent(_ sorted: some Collection<Double>) -> Int {
    var (most, count) = (0, 0)
    var last = Double.nan
    for value in sorted {
      count = value == last ? count + 1 : 1
      last = value
      most = max(most, count)
    }
    return most
  }

  /// Yes and no in their plainest spellings.
  private static let answers = [
    "1": true, "true": true, "yes": true, "y": true, "t": true, "0": false, "false": false, "no": false, "n": false,
    "f": false,
  ]

  /// Levels that differ only in case or whitespace; in a target of yes and no, also several words for one of them.
  private static func spellings(_ column: Column, isTarget: Bool = false) -> DataWarning? {
    guard case .texts(_, let levels) = column.values, levels.count <= 1000 else { return nil }
    func plain(_ text: String) -> String { text.lowercased().filter { !$0.isWhitespace } }
    // `1` and `true` are one class only where all others mean yes or no as well.
    let answers = levels.map { Self.answers[$0.lowercased()] }
    let areAnswers = isTarget && answers.contains(true) && answers.contains(false) && !answers.contains { $0 == nil }
    let alike = Dictionary(grouping: levels.indices) { areAnswers ? "\(answers[$0] == true)" : plain(levels[$0]) }
      .values.filter { $0.count > 1 }.map { $0.map { levels[$0] } }
    guard let first = alike.map({ $0.sorted() }).min(by: { $0[0] < $1[0] }) else { return nil }
    return DataWarning(
      name: .unclearColumn, column: column.name,
      evidence:
        "\(first.map { "'\($0)'" }.joined(separator: " and ")) are different \(isTarget ? "classes" : "categories") of it",
      action: "use one spelling: each spelling is a \(isTarget ? "class" : "category") of its own", isSerious: isTarget)
  }

  /// A column that names the set each row belongs to.
  private static func parts(_ column: Column) -> DataWarning? {
    let train: Set = ["train", "training"]
    let dev: Set = ["dev", "development", "val", "valid", "validation"]
    guard case .texts(_, let levels) = column.values, levels.count > 1,
      levels.allSatisfy({ train.union(dev).union(["test", "testing"]).contains($0.lowercased()) })
    else { return nil }
    let isWhole = [train, dev].allSatisfy { names in levels.contains { names.contains($0.lowercased()) } }
    return DataWarning(
      name: .unclearColumn, column: column.name,
      evidence: "its values, \(Dataset.list(levels)), are names of sets, and it is an input of the network",
      action: isWhole
        ? "\(OptionName.splitBy) 'fixed:\(column.name)' splits by it"
        : "\(OptionName.leaveOut) '\(column.name)', and a separate test file with \(OptionName.test)", isFault: false)
  }

  /// Dates and amounts that are left out of the inputs because hardly any value repeats.
  private static func leftOut(_ column: Column, _ fact: ColumnFacts) -> DataWarning? {
    guard fact.isLeftOut, case .texts(_, let levels) = column.values,
      CategoryFeature.areWritten(levels)
    else { return nil }
    return DataWarning(
      name: .unclearColumn, column: column.name,
      evidence: "it is \(fact.use), and its texts are dates or amounts, such as '\(levels[0])'",
      action: "write dates and amounts as plain numbers, so that they can be inputs", isFault: false)
  }

  /// Dates and amounts that are read as text.
  private static func unclear(_ preparation: Preparation) -> [DataWarning] {
    guard case .table(let features) = preparation.inputs else { return [] }
    return features.compactMap { feature in
      guard case .category(let category) = feature, let notice = category.notice else { return nil }
      return DataWarning(
        name: .unclearColumn, column: category.name, evidence: notice,
        action: "write dates and amounts as plain numbers, or merge rare texts")
    }
  }

  /// Columns with the same content as an earlier one.
  private static func copies(_ columns: [Column], rows: [Int]) -> [DataWarning] {
    var seen: [Duplicates.Key: String] = [:]
    return columns.compactMap { column in
      let key = pattern(column, rows)
      guard let first = seen[key] else {
        seen[key] = column.name
        return nil
      }
      return DataWarning(
        name: .duplicateColumn, column: column.name,
        evidence: "it holds the same information as '\(first)' in every row",
        action: "leave one of them out")
    }
  }

  /// What is left of a column when its values are renamed: the order in which levels appear, and the ranks of
  /// more than a few numbers.
  private static func pattern(_ column: Column, _ rows: [Int]) -> Duplicates.Key {
    var key = Duplicates.Key()
    var places: [String: UInt64] = [:]
    for row in rows {
      let value = column.text(row) ?? "\u{0}"
      let place = places[value] ?? UInt64(places.count)
      places[value] = place
      key.add(place)
    }
    // Few numbers may be codes of the same levels; with more, such as the age and the weight of each patient, the order counts.
    if places.count > 10, case .numbers(let numbers) = column.values {
      for rank in HypothesisTest.ranks(rows.map { numbers[$0].isNaN ? -.infinity : numbers[$0] }) {
        key.add(rank.bitPattern)
      }
    }
    return key
  }
}
