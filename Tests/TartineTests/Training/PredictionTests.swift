import Foundation
import Synchronization
import Tartine
import Testing

/// Predictions of a trained model.
@Suite struct PredictionTests {
  /// One model predicts from any thread.
  @Test func oneRowFromSeveralThreads() throws {
    var stream = RandomStream(seed: 5, purpose: .test)
    let rows = (0..<60).map { _ in [Float(stream.uniform()), Float(stream.uniform())] }
    let data = try Dataset(
      features: rows, labels: rows.map { $0[0] > $0[1] ? "a" : "b" })
    let recipe = Recipe {
      Dense(8); ReLU()
    }.epochs(2)
    let model = try recipe.train(on: try data.split(seed: 1), seed: 1).model
    let values = rows.map {
      ["x1": RowValue(floatLiteral: Double($0[0])), "x2": RowValue(floatLiteral: Double($0[1]))]
    }
    let expected = try values.map { try model.predict($0).probabilities }
    let wrong = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for (row, probabilities) in zip(values, expected) {
        let again = try? model.predict(row).probabilities
        if again != probabilities { wrong.withLock { $0 += 1 } }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
  }
}
