import TartineData
import TartineEngine
import TartinePlatform

/// The share of the target's entropy, or of a number's variance, that one column alone explains. Each half of
/// the rows is scored with what was learned on the other half, so that chance explains nothing.
package enum ColumnScore {
  /// The number of bins for a column of numbers, each with as many rows: enough rows to estimate a mean, with
  /// an upper limit.
  private static let most = 64
  private static let rowsOfBin = 40

  /// - Parameters:
  ///   - truths: Class numbers, or the values of a regression target.
  ///   - classes: The number of classes; nil for regression.
  /// - Returns: At most 1, and about 0 or below if the column explains nothing.
  package static func score(_ column: Column, rows: [Int], truths: [Double], classes: Int?) -> Double {
    if classes == nil, case .numbers(let numbers) = column.values {
      // Another unit of the target, or a curve through all rows.
      let order = HypothesisTest.rankCorrelation(rows.map { numbers[$0] }, truths)
      if abs(order) > 0.9999 { return order * order }
    }
    let cells = cells(column, rows)
    let count = (cells.max() ?? 0) + 1
    // Two-fold: each half is scored with the other half's means. Every other row, since rows were shuffled
    // before.
    let halves = [0, 1].map { half in rows.indices.filter { $0 % 2 == half } }
    let results = [(0, 1), (1, 0)].map { fit, judge in
      classes.map { classScore(cells, count, truths, classes: $0, fit: halves[fit], judge: halves[judge]) }
        ?? numberScore(cells, count, truths, fit: halves[fit], judge: halves[judge])
    }
    return (results[0] + results[1]) / 2
  }

  /// The cell of each row: a quantile bin or a level; the last cell is for missing values.
  private static func cells(_ column: Column, _ rows: [Int]) -> [Int] {
    switch column.values {
    case .numbers(let numbers):
      let sorted = rows.map { numbers[$0] }.filter { !$0.isNaN }.sorted()
      var edges: [Double] = []
      let bins = min(most, max(8, sorted.count / (2 * rowsOfBin)))
      for value in sorted where edges.last != value && edges.count <= 2 * bins { edges.append(value) }
      // Codes get one bin each.
      if edges.count > 2 * bins {
        edges = []
        for bin in 1..<bins {
          let place = bin * sorted.count / bins
          let edge = sorted[place]
          guard edges.last.map({ $0 < edge }) ?? true else { continue }
          edges.append(edge)
          // A frequent value, such as 0, has a bin of its own.
          if place > 0, sorted[place - 1] == edge, let next = sorted[place...].first(where: { $0 > edge }) {
            edges.append(next)
          }
        }
      }
      return rows.map { row in
        guard !numbers[row].isNaN else { return edges.count + 1 }
        // The first edge above the value.
        var (low, high) = (0, edges.count)
        while low < high {
          let middle = (low + high) / 2
          if edges[middle] <= numbers[row] { low = middle + 1 } else { high = middle }
        }
        return low
      }
    case .texts(let codes, _):
      // Only the levels in these rows: a file may have hundreds of thousands.
      var places: [Int32: Int] = [:]
      return rows.map { row in
        let code = max(-1, codes[row])
        if let place = places[code] { return place }
        places[code] = places.count
        return places.count - 1
      }
    }
  }

  private static func classScore(
    _ cells: [Int], _ count: Int, _ truths: [Double], classes: Int, fit: [Int], judge: [Int]
  ) -> Double {
    var all = [Double](repeating: 0, count: classes)
    var table = [Double](repeating: 0, count: count * classes)
    for row in fit {
      all[Int(truths[row])] += 1
      table[cells[row] * classes + Int(truths[row])] += 1
    }
    // Each cell is shrunk toward the overall mean with the weight of one row.
    let total = Double(fit.count)
    let prior = all.map { ($0 + 0.5) / (total + 0.5 * Double(classes)) }
    let sums = (0..<count).map { cell in table[(cell * classes)..<((cell + 1) * classes)].reduce(0, +) }
    var (before, after) = (0.0, 0.0)
    for row in judge {
      let (cell, truth) = (cells[row], Int(truths[row]))
      before -= log(prior[truth])
      after -= log((table[cell * classes + truth] + prior[truth]) / (sums[cell] + 1))
    }
    return before > 0 ? 1 - after / before : 0
  }

  private static func numberScore(_ cells: [Int], _ count: Int, _ truths: [Double], fit: [Int], judge: [Int]) -> Double
  {
    let mean = fit.reduce(0) { $0 + truths[$1] } / Double(max(1, fit.count))
    var sums = [Double](repeating: mean, count: count)
    var counts = [Double](repeating: 1, count: count)
    for row in fit {
      sums[cells[row]] += truths[row]
      counts[cells[row]] += 1
    }
    var (before, after) = (0.0, 0.0)
    for row in judge {
      let guess = sums[cells[row]] / counts[cells[row]]
      before += (truths[row] - mean) * (truths[row] - mean)
      after += (truths[row] - guess) * (truths[row] - guess)
    }
    return before > 0 ? 1 - after / before : 0
  }
}
