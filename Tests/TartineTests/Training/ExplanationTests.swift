import Foundation
import Tartine
import TartineNetworks
import Testing

/// Shapley values of single predictions.
@Suite struct ExplanationTests {
  private struct Row: Encodable {
    let a, b: Double
    let c: String
    let y: Double
  }

  private struct Case: Encodable {
    let a, b: Double
    let c: String
    let y: String
  }

  private let rows: [Row] = (0..<200).map { (row: Int) -> Row in
    let (a, b, c) = (Double(row * 37 % 101) / 50, Double(row * 61 % 89) / 40, row * 7 % 3)
    return Row(a: a, b: b, c: ["u", "v", "w"][c], y: a * b + Double(c))
  }

  private func cases(_ classes: Int) throws -> Split {
    let cases = rows.map { (row: Row) -> Case in
      let number = Int(row.y * 1.5) % classes
      return Case(a: row.a, b: row.b, c: row.c, y: "k\(number)")
    }
    return try Dataset(rows: cases, target: "y").split(seed: 0)
  }

  private let recipe = Recipe {
    Dense(16); Tanh()
  }.epochs(5)

  /// With one reference row and all orders, the values are those of the definition.
  @Test func valuesAreThoseOfTheDefinition() throws {
    let split = try Dataset(rows: rows, target: "y").split(seed: 0)
    let model = try recipe.train(on: split, threads: 1).model
    func answer(_ a: Row, _ b: Row, _ c: Row) throws -> Double {
      try model.predict(["a": .number(a.a), "b": .number(b.b), "c": .text(c.c)]).number!
    }
    let (x, z) = (rows[11], rows[12])
    #expect(x.c != z.c)
    var exact = ["a": 0.0, "b": 0.0, "c": 0.0]
    for order in [
      ["a", "b", "c"], ["a", "c", "b"], ["b", "a", "c"], ["b", "c", "a"], ["c", "a", "b"], ["c", "b", "a"],
    ] {
      var now = ["a": z, "b": z, "c": z]
      for column in order {
        let before = try answer(now["a"]!, now["b"]!, now["c"]!)
        now[column] = x
        exact[column]! += (try answer(now["a"]!, now["b"]!, now["c"]!) - before) / 6
      }
    }
    let explained = try model.explain(
      rows: [x], against: split.dataset, rows: [12], samples: 600, threads: 1)[0]
    for part in explained.contributions {
      #expect(abs(part.contribution - exact[part.column]!) < 5 * part.error + 1e-4, "\(part.column)")
    }
    #expect(abs(explained.baseValue - (try answer(z, z, z))) < 1e-4)
    #expect(explained.contributions.first { $0.column == "c" }?.value == x.c)
  }

  /// Contributions add up to what the answer is above the base, whatever the task; one thread and two give the same.
  @Test(arguments: [0, 2, 4]) func contributionsAddUp(classes: Int) throws {
    let split = classes == 0 ? try Dataset(rows: rows, target: "y").split(seed: 0) : try cases(classes)
    let model = try recipe.train(on: split, threads: 1).model
    let some = try model.explain(split.dataset, against: split.dataset, rows: split.train, samples: 16, threads: 1)
    #expect(
      some == (try model.explain(split.dataset, against: split.dataset, rows: split.train, samples: 16, threads: 2)))
    #expect(some.count == 200)
    for found in some {
      let sum = found.contributions.reduce(0) { $0 + $1.contribution }
      #expect(abs(found.output - found.baseValue - sum) < 1e-5 * max(1, abs(found.output)))
      let sizes = found.contributions.map { abs($0.contribution) }
      #expect(sizes == sizes.sorted(by: >))
      if classes == 0 {
        #expect(abs(found.output - found.prediction.number!) < 1e-5)
      } else {
        let p = found.prediction.probabilities.max()!
        #expect(abs(found.output - log(p / (1 - p))) < 1e-3 * max(1, abs(found.output)))
      }
    }
  }

  /// Of a linear model the values are w (x − mean), without an error.
  @Test(arguments: [0, 2]) func linearModelsAreExact(classes: Int) throws {
    let split = classes == 0 ? try Dataset(rows: rows, target: "y").split(seed: 0) : try cases(2)
    let model = try Recipe(Network(layers: [])).epochs(5).train(on: split, threads: 1).model
    let sum: Double = split.train.reduce(0) { $0 + rows[$1].a }
    let mean = sum / Double(split.trainCount)
    func answer(_ a: Double, like row: Row, _ label: String) throws -> Double {
      let found = try model.predict(["a": .number(a), "b": .number(row.b), "c": .text(row.c)])
      guard classes > 0 else { return found.number! }
      let p = found.probabilities[model.classes.firstIndex(of: label)!]
      return log(p / (1 - p))
    }
    let found = try model.explain(split.dataset, against: split.dataset, rows: split.train)
    for row in [0, 50, 133] {
      let part = try #require(found[row].contributions.first { $0.column == "a" })
      let label = found[row].prediction.text
      let expected = try answer(rows[row].a, like: rows[row], label) - answer(mean, like: rows[row], label)
      #expect(part.error == 0 && abs(part.contribution - expected) < 2e-3)
    }
  }

  /// A column that the network cannot tell from its reference gives nothing, and what cannot be explained is refused.
  @Test func whatCannotBeExplainedIsRefused() throws {
    let split = try Dataset(rows: rows, target: "y").split(seed: 0)
    let model = try recipe.train(on: split, threads: 1).model
    let same = try model.explain(split.dataset, against: split.dataset, rows: [7], samples: 4)[7]
    #expect(same.contributions.allSatisfy { $0.contribution == 0 && $0.error == 0 })
    #expect(throws: DataError.self) { try model.explain(split.dataset, against: split.dataset, rows: []) }
    let digits = try Dataset.digits()
    #expect(throws: DataError.self) { try model.explain(digits, against: split.dataset) }
    #expect(throws: DataError.self) { try model.explain(split.dataset, against: digits) }
    #expect(throws: DataError.self) { try model.explain(rows: [["a": 1.0]], against: split.dataset) }
  }
}
