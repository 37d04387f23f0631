import Foundation
import Tartine

extension Kind {
  /// Faults of the rows: which there are, in which set, with which label.
  static let rows: [Kind] = [
    Kind(
      "label-noise", [.labelNoise], on: [.digits, .disk, .mnist, .blobs],
      plant: { it, stream in
        let classes = it.table.classes
        it.table.answers = it.table.answers.map { answer in
          guard stream.uniform() < 0.2 else { return answer }
          let others = classes.filter { $0 != answer }
          return others[stream.integer(below: others.count)]
        }
      },
      twinOn: [.blobs, .disk, .digits],
      twin: { it, stream in
        // As many rows on the wrong side, near the border: overlapping classes.
        it.table.removeConstants()
        for place in it.table.numbers {
          let deviation = it.table.moments(place).deviation
          it.table.map(place) { $0 + 0.8 * deviation * stream.normalPair().0 }
        }
      }),
    Kind(
      "too-little-data", [.tooLittleData], on: [.digits, .mnist, .blobs],
      plant: { it, _ in it.table.rows = Array(it.table.rows.prefix(80)) },
      twinOn: [.blobs, .disk],
      twin: { it, stream in
        it.table.rows = Array(it.table.rows.prefix(80))
        it.table.separate(by: 6, &stream)
      }),
    Kind(
      "rare-class", [.classImbalance], on: [.digits, .disk, .mnist, .blobs],
      plant: { it, stream in
        // A hundredth of the rows, half of them among the others.
        let rare = it.table.classes[0]
        var left = it.table.rows.count / 100
        let place = it.table.targetPlace
        var table = it.table
        table.rows = it.table.rows.filter { row in
          guard row[place] == rare else { return true }
          left -= 1
          return left >= 0
        }
        let others = table.rows.filter { $0[place] != rare }
        for row in table.rows.indices where table.rows[row][place] == rare {
          let other = others[stream.integer(below: others.count)]
          for column in table.numbers {
            let (own, far) = (Double(table.rows[row][column]) ?? 0, Double(other[column]) ?? 0)
            table.rows[row][column] = "\(0.25 * own + 0.75 * far)"
          }
        }
        it.table = table
      },
      twinOn: [.blobs, .disk, .digits],
      twin: { it, stream in
        // Equally rare, and far from all others.
        let table = it.table
        for row in table.rows.indices where row % 50 == 0 {
          for column in table.numbers {
            let (mean, deviation) = table.moments(column)
            it.table.rows[row][column] = "\(mean + 6 * deviation + 0.1 * deviation * stream.normalPair().0)"
          }
          it.table.rows[row][table.targetPlace] = "rare"
        }
      }),
    Kind(
      "no-signal", [.noSignal], on: [.digits, .adult, .disk, .waves, .titanic, .housing],
      plant: { it, stream in
        var answers = it.table.answers
        stream.shuffle(&answers)
        it.table.answers = answers
      },
      twin: { it, stream in
        // Little signal is left, but some.
        it.table.removeConstants()
        for place in it.table.numbers {
          let deviation = it.table.moments(place).deviation
          it.table.map(place) { $0 + 1.5 * deviation * stream.normalPair().0 }
        }
      }),
    Kind(
      "test-from-elsewhere", [.differentDistribution], on: [.housing, .waves, .blobs, .disk, .adult],
      plant: { it, _ in
        guard case .table(var table, _) = it.data else { return }
        var test = table
        test.rows = Array(table.rows.prefix(350))
        table.rows.removeFirst(350)
        for place in test.numbers.prefix(3) {
          let deviation = test.moments(place).deviation
          test.map(place) { $0 + 0.6 * deviation }
        }
        it.data = .table(table, test: test)
      },
      twin: { it, _ in
        guard case .table(var table, _) = it.data else { return }
        var test = table
        test.rows = Array(table.rows.prefix(350))
        table.rows.removeFirst(350)
        it.data = .table(table, test: test)
      }),
    Kind(
      "dev-from-elsewhere", [.differentDistribution], on: [.housing, .waves, .blobs, .disk],
      plant: { it, stream in
        it.table.add("part") { _ in ["train", "train", "train", "dev", "test"][stream.integer(below: 5)] }
        let places = it.table.numbers.prefix(3)
        let moments = places.map { it.table.moments($0).deviation }
        for row in it.table.rows.indices where it.table.rows[row].last == "dev" {
          for (place, deviation) in zip(places, moments) {
            it.table.rows[row][place] = "\((Double(it.table.rows[row][place]) ?? 0) - 0.6 * deviation)"
          }
        }
        it.splitBy = .fixed(by: "part")
      },
      twin: { it, stream in
        it.table.add("part") { _ in ["train", "train", "train", "dev", "test"][stream.integer(below: 5)] }
        it.splitBy = .fixed(by: "part")
      }),
    Kind(
      "test-blurred", [.differentDistribution], on: [.digitImages, .arrows, .mnistImages],
      plant: { it, _ in
        guard case .images(var train, _) = it.data else { return }
        var test = train
        test.pixels = Array(train.pixels.prefix(300))
        test.labels = Array(train.labels.prefix(300))
        train.pixels.removeFirst(300)
        train.labels.removeFirst(300)
        test.blur()
        it.data = .images(train, test: test)
      },
      twin: { it, _ in
        guard case .images(var train, _) = it.data else { return }
        var test = train
        test.pixels = Array(train.pixels.prefix(300))
        test.labels = Array(train.labels.prefix(300))
        train.pixels.removeFirst(300)
        train.labels.removeFirst(300)
        it.data = .images(train, test: test)
      }),
    Kind(
      "duplicates-across-split", [.duplicatesAcrossSplit], on: [.digits, .adult, .housing, .waves, .blobs, .mnist],
      plant: { it, stream in
        let count = it.table.rows.count
        for _ in 0..<count * 3 / 10 { it.table.rows.append(it.table.rows[stream.integer(below: count)]) }
        stream.shuffle(&it.table.rows)
      },
      twinOn: [.adult, .titanic, .disk],
      twin: { it, _ in
        // Few values, so that rows are equal by chance.
        let numbers = it.table.numbers
        let kept = Set(
          numbers.prefix(3).map { it.table.names[$0] } + [it.table.target, "sex", "Sex", "race", "Pclass"])
        for name in it.table.names where !kept.contains(name) { it.table.remove(name) }
        for place in it.table.numbers {
          let (mean, deviation) = it.table.moments(place)
          it.table.map(place) { (($0 - mean) / deviation * 2).rounded() / 2 }
        }
      }),
  ]

  /// Faults of the columns.
  static let columns: [Kind] = [
    Kind(
      "different-scales", [.unscaledInputs], on: [.digits, .disk, .waves, .blobs, .housing],
      plant: { it, _ in
        for (count, place) in it.table.numbers.enumerated() {
          it.table.standardize(place)
          if count % 2 == 0 { it.table.map(place) { $0 * 1e4 } }
        }
        it.recipe.preparation.standardize = false
      },
      twinOn: [.disk, .waves, .blobs, .housing],
      twin: { it, _ in
        for place in it.table.numbers { it.table.standardize(place) }
        it.recipe.preparation.standardize = false
      }),
    Kind(
      "leaking-column", [.leakingColumn], on: [.digits, .adult, .disk, .waves, .titanic, .housing, .blobs],
      plant: { it, stream in
        let answers = it.table.answers
        let classes = it.table.classes
        it.table.add("outcome code") { row in
          if let number = Double(answers[row]), classes.count > 20 {
            return "\(number * 1.1 + 0.01 * number * stream.normalPair().0)"
          }
          let place = classes.firstIndex(of: answers[row]) ?? 0
          return "\(stream.uniform() < 0.01 ? stream.integer(below: classes.count) : place)"
        }
      },
      twin: { it, stream in
        // As good as any real column, and no better.
        let answers = it.table.answers
        let classes = it.table.classes
        let values = answers.map { Double($0) ?? 0 }
        let mean = values.reduce(0, +) / Double(values.count)
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
        it.table.add("survey") { row in
          if Double(answers[row]) != nil, classes.count > 20 {
            return "\(values[row] + 1.5 * deviation * stream.normalPair().0)"
          }
          return "\(Double(classes.firstIndex(of: answers[row]) ?? 0) + 2 * stream.normalPair().0)"
        }
      }),
    Kind(
      "identifier", [.identifierColumn], on: [.digits, .adult, .disk, .waves, .housing, .blobs],
      plant: { it, stream in
        var numbers = (0..<90_000).map { $0 + 10_000 }
        stream.shuffle(&numbers)
        it.table.add("customer_id") { "\(numbers[$0])" }
      }, twin: { it, stream in it.table.add("reading") { _ in "\(stream.normalPair().0 * 1000)" } }),
    Kind(
      "constant-columns", [.constantColumn], on: [.adult, .disk, .waves, .titanic, .housing, .blobs],
      plant: { it, _ in for number in 1...3 { it.table.add("source \(number)") { _ in "\(number * 7)" } } },
      twinOn: [.digits, .disk, .waves, .housing],
      twin: { it, stream in
        it.table.add("flag") { _ in stream.uniform() < 0.1 ? "1" : "0" }
      }),
  ]
}
