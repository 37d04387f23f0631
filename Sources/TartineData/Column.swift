/// One column of a table, numbers or text.
package struct Column: Sendable {
  package enum Values: Sendable {
    /// NaN where missing.
    case numbers([Double])
    /// A level's place for each row, −1 where missing.
    case texts(codes: [Int32], levels: [String])
  }

  /// The name of R's row names, which have no header.
  static let rowNames = "row.names"

  package let name: String
  package var values: Values
  /// Why it has its type.
  package var reason: String
  /// What a person should know about how it was read.
  package var notice: String?
  /// How its missing values are written, where not as empty fields.
  package var missingText: String?

  package init(name: String, values: Values, reason: String, notice: String? = nil) {
    self.name = name
    self.values = values
    self.reason = reason
    self.notice = notice
  }

  /// The same with one more thing to know of it.
  func adding(notice more: String, first: Bool = false) -> Column {
    var copy = self
    copy.notice = (first ? [more, notice] : [notice, more]).compactMap { $0 }.joined(separator: "; ")
    return copy
  }

  /// The same with a text, or the number that it writes, taken as missing.
  func taking(_ marker: String) -> Column {
    var copy = self
    switch values {
    case .numbers(let numbers):
      guard let marker = Double(marker), numbers.contains(marker) else { return self }
      copy.values = .numbers(numbers.map { $0 == marker ? .nan : $0 })
    case .texts(let codes, let levels):
      guard levels.contains(marker) else { return self }
      var coder = LevelCoder()
      for code in codes { coder.append(code < 0 || levels[Int(code)] == marker ? nil : levels[Int(code)]) }
      copy.values = .texts(codes: coder.codes, levels: coder.levels)
    }
    copy.missingText = missingText ?? marker
    return copy
  }

  package var count: Int {
    switch values {
    case .numbers(let numbers): numbers.count
    case .texts(let codes, _): codes.count
    }
  }

  package var isNumeric: Bool { if case .numbers = values { true } else { false } }

  /// How many different values there are, missing ones apart; counting stops beyond a limit.
  func valueCount(upTo limit: Int) -> Int {
    switch values {
    case .texts(_, let levels): return levels.count
    case .numbers(let numbers):
      var found: Set<Double> = []
      for number in numbers where !number.isNaN {
        if found.insert(number).inserted, found.count > limit { break }
      }
      return found.count
    }
  }

  package var hasMissing: Bool {
    switch values {
    case .numbers(let numbers): numbers.contains(where: \.isNaN)
    case .texts(let codes, _): codes.contains { $0 < 0 }
    }
  }

  package func isMissing(_ row: Int) -> Bool {
    switch values {
    case .numbers(let numbers): numbers[row].isNaN
    case .texts(let codes, _): codes[row] < 0
    }
  }

  /// The value as a person would write it; nil where missing.
  package func text(_ row: Int) -> String? {
    switch values {
    case .numbers(let numbers): numbers[row].isNaN ? nil : Column.text(of: numbers[row])
    case .texts(let codes, let levels): codes[row] < 0 ? nil : levels[Int(codes[row])]
    }
  }

  /// A whole number without its point.
  package static func text(of number: Double) -> String {
    Int(exactly: number).map(String.init) ?? String(number)
  }
}

extension Column {
  /// Some rows of it, in that order.
  package func rows(_ rows: [Int]) -> Column {
    var copy = self
    switch values {
    case .numbers(let numbers): copy.values = .numbers(rows.map { numbers[$0] })
    case .texts(let codes, let levels):
      var used = LevelCoder()
      for row in rows { used.append(codes[row] < 0 ? nil : levels[Int(codes[row])]) }
      copy.values = .texts(codes: used.codes, levels: used.levels)
    }
    return copy
  }

  /// Its rows, then those of another; text where either is.
  package func appending(_ other: Column) -> Column {
    var copy = self
    if case .numbers(let own) = values, case .numbers(let more) = other.values {
      copy.values = .numbers(own + more)
    } else {
      var coder = LevelCoder()
      for column in [self, other] { for row in 0..<column.count { coder.append(column.text(row)) } }
      copy.values = .texts(codes: coder.codes, levels: coder.levels)
    }
    return copy
  }
}

/// Text values, each level held once.
package struct LevelCoder {
  package private(set) var codes: [Int32] = []
  package private(set) var levels: [String] = []
  private var places: [String: Int32] = [:]

  package init() {}

  package mutating func append(_ text: String?) {
    guard let text else { return codes.append(-1) }
    if let place = places[text] {
      codes.append(place)
    } else {
      let place = Int32(levels.count)
      places[text] = place
      levels.append(text)
      codes.append(place)
    }
  }

  /// What another has coded, after this one's own.
  mutating func append(contentsOf other: LevelCoder) {
    guard !codes.isEmpty else {
      self = other
      return
    }
    let own = other.levels.map { level -> Int32 in
      if let place = places[level] { return place }
      let place = Int32(levels.count)
      places[level] = place
      levels.append(level)
      return place
    }
    codes += other.codes.lazy.map { $0 < 0 ? -1 : own[Int($0)] }
  }
}
