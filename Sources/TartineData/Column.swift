/// One column of a table, numbers or text.
package struct Column: Sendable {
  package enum Values: Sendable {
    /// NaN where missing.
    case numbers([Double])
    /// The index of each row's level, −1 where missing.
    case texts(codes: [Int32], levels: [String])
  }

  /// The name given to R's row names, which have no header.
  static let rowNames = "row.names"

  package let name: String
  package var values: Values
  /// Why it has its type, for messages.
  package var reason: String
  /// A notice about how it was read.
  package var notice: String?
  /// The unit that its numbers were written with, such as `kg` or `%`; empty: none.
  package var unit = ""
  /// The texts among its numbers that are read as missing values, where no user named them.
  package var markers: [String] = []
  /// Whether its numbers were written with decimal commas.
  package var hasDecimalCommas = false
  /// The text of its missing values, if they are not empty fields.
  package var missingText: String?

  package init(name: String, values: Values, reason: String, notice: String? = nil) {
    self.name = name
    self.values = values
    self.reason = reason
    self.notice = notice
  }

  /// Returns the column with one more notice.
  func adding(notice more: String, first: Bool = false) -> Column {
    var copy = self
    copy.notice = (first ? [more, notice] : [notice, more]).compactMap { $0 }.joined(separator: "; ")
    return copy
  }

  /// Returns the column with a text, or the number it spells, treated as missing.
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

  /// The number of distinct values, excluding missing ones; counting stops above a limit.
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

  /// The value as text; nil where missing.
  package func text(_ row: Int) -> String? {
    switch values {
    case .numbers(let numbers): numbers[row].isNaN ? nil : Column.text(of: numbers[row])
    case .texts(let codes, let levels): codes[row] < 0 ? nil : levels[Int(codes[row])]
    }
  }

  /// A whole number is written without a decimal point.
  package static func text(of number: Double) -> String {
    Int(exactly: number).map(String.init) ?? String(number)
  }
}

extension Column {
  /// Returns some rows, in the given order.
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

  /// Returns its rows followed by another column's; text if either is.
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

/// A coder for text values that stores each level once.
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

  /// Appends another coder's rows.
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
