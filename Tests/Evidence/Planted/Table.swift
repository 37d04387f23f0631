import Foundation
import Tartine

/// A table as text, as in a user's file: faults are planted in it.
struct Table {
  var names: [String]
  var rows: [[String]]
  var target: String

  /// - Parameter limit: The maximum number of rows, drawn from the file if it has more.
  init(csv path: String, target: String, limit: Int, seed: UInt64) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    var lines = text.split(whereSeparator: \.isNewline).map { Self.cells(of: $0) }
    names = lines.removeFirst()
    var stream = RandomStream(seed: seed, purpose: .test, index: 11)
    stream.shuffle(&lines)
    rows = Array(lines.prefix(limit))
    self.target = target
  }

  init(features: [[Float]], answers: [String]) {
    names = features[0].indices.map { "x\($0 + 1)" } + ["answer"]
    rows = zip(features, answers).map { row, answer in row.map { "\($0)" } + [answer] }
    target = "answer"
  }

  private static func cells(of line: Substring) -> [String] {
    var cells = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: cells.append("")
      default: cells[cells.count - 1].append(character)
      }
    }
    return cells.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The index of the target column.
  var targetPlace: Int { names.firstIndex(of: target) ?? 0 }

  /// The indices of columns that hold numbers only.
  var numbers: [Int] {
    names.indices.filter { place in place != targetPlace && rows.allSatisfy { Double($0[place]) != nil } }
  }

  /// The targets, row by row.
  var answers: [String] {
    get { rows.map { $0[targetPlace] } }
    set { for row in rows.indices { rows[row][targetPlace] = newValue[row] } }
  }

  /// The distinct targets, in order.
  var classes: [String] { Set(answers).sorted() }

  mutating func add(_ name: String, _ value: (Int) -> String) {
    names.append(name)
    for row in rows.indices { rows[row].append(value(row)) }
  }

  mutating func remove(_ name: String) {
    guard let place = names.firstIndex(of: name) else { return }
    names.remove(at: place)
    for row in rows.indices { rows[row].remove(at: place) }
  }

  /// Removes constant columns of numbers.
  mutating func removeConstants() {
    for name in numbers.filter({ moments($0).deviation == 0 }).map({ names[$0] }) { remove(name) }
  }

  /// Changes each number of a column.
  mutating func map(_ place: Int, _ change: (Double) -> Double) {
    for row in rows.indices { rows[row][place] = Double(rows[row][place]).map { "\(change($0))" } ?? "" }
  }

  /// The mean and standard deviation of a column of numbers.
  func moments(_ place: Int) -> (mean: Double, deviation: Double) {
    let values = rows.compactMap { Double($0[place]) }
    let mean = values.reduce(0, +) / Double(values.count)
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    return (mean, square.squareRoot())
  }

  /// The standardized values of a column, as before a change of scale.
  mutating func standardize(_ place: Int) {
    let (mean, deviation) = moments(place)
    map(place) { deviation > 0 ? ($0 - mean) / deviation : 0 }
  }

  /// Redraws the numbers, so that classes are this many standard deviations apart in some columns each.
  mutating func separate(by distance: Double, _ stream: inout RandomStream) {
    let (classes, places, target) = (classes, numbers, targetPlace)
    for row in rows.indices {
      let answer = classes.firstIndex(of: rows[row][target]) ?? 0
      for place in places {
        let isOwn = (answer + place) % classes.count == 0
        rows[row][place] = "\((isOwn ? distance : 0) + stream.normalPair().0)"
      }
    }
  }

  func write(to path: String) throws {
    func quoted(_ cell: String) -> String { cell.contains(",") ? "\"\(cell)\"" : cell }
    let lines = ([names] + rows).map { $0.map(quoted).joined(separator: ",") }
    try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
  }
}

/// Grayscale images with their classes.
struct Images {
  let side: Int
  var pixels: [[UInt8]]
  var labels: [UInt8]

  /// Images of a data set, drawn at random.
  init(_ dataset: Dataset, limit: Int, seed: UInt64) {
    var order = Array(0..<dataset.rowCount)
    var stream = RandomStream(seed: seed, purpose: .test, index: 12)
    stream.shuffle(&order)
    guard case .images(let block) = dataset.inputs else { preconditionFailure("images are asked for") }
    side = block.shape.0
    let chosen = order.prefix(limit)
    pixels = chosen.map { row in block.pixels(row).map { UInt8(min(255, Int($0) * 255 / block.fullScale)) } }
    labels = chosen.map { UInt8(dataset.targets[0].text($0) ?? "") ?? 0 }
  }

  /// Arrows in one of four directions at any position, among noise.
  init(arrows count: Int, seed: UInt64) {
    side = 12
    var stream = RandomStream(seed: seed, purpose: .test, index: 13)
    pixels = []
    labels = []
    for _ in 0..<count {
      let direction = stream.integer(below: 4)
      let (x, y) = (3 + stream.integer(below: 5), 3 + stream.integer(below: 5))
      var image = (0..<144).map { _ in UInt8(stream.integer(below: 60)) }
      for step in -2...2 {
        // A line with two barbs at its head.
        let barb = 2 - abs(step)
        let places: [(Int, Int)] =
          switch direction {
          case 0: [(x + step, y), (x + barb - 1, y + step)]
          case 1: [(x + step, y), (x - barb + 1, y + step)]
          case 2: [(x, y + step), (x + step, y + barb - 1)]
          default: [(x, y + step), (x + step, y - barb + 1)]
          }
        for (column, row) in places { image[row * 12 + column] = UInt8(190 + stream.integer(below: 60)) }
      }
      pixels.append(image)
      labels.append(UInt8(direction))
    }
  }

  /// Each pixel replaced by the mean of its neighborhood.
  mutating func blur() {
    for index in pixels.indices {
      let old = pixels[index]
      for row in 0..<side {
        for column in 0..<side {
          var (sum, count) = (0, 0)
          for y in max(0, row - 1)...min(side - 1, row + 1) {
            for x in max(0, column - 1)...min(side - 1, column + 1) {
              sum += Int(old[y * side + x])
              count += 1
            }
          }
          pixels[index][row * side + column] = UInt8(sum / count)
        }
      }
    }
  }

  func write(to folder: String, part: String) throws {
    let count = labels.count
    func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }
    let images = [0, 0, 8, 3] + number(count) + number(side) + number(side) + pixels.flatMap { $0 }
    let names = [0, 0, 8, 1] + number(count) + labels
    try Data(images).write(to: URL(fileURLWithPath: "\(folder)/\(part)-images-idx3-ubyte"))
    try Data(names).write(to: URL(fileURLWithPath: "\(folder)/\(part)-labels-idx1-ubyte"))
  }
}
