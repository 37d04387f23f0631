import Foundation
import Tartine
import Testing

/// Model files of the engine's first form, with what it predicted for `rows.csv`: fused layers with a temperature, an average of
/// the weights with category embeddings and input noise, and a list of embeddings, row norms, PReLU and a residual block.
@Suite struct ModelFileTests {
  @Test(arguments: ["classes", "average", "layers"]) func olderModelsPredictTheSame(name: String) throws {
    let folder = Fixtures.folder("Golden/Models")
    let predictions = try Model("\(folder)/\(name).safetensors").predict(csv: "\(folder)/rows.csv")
    let lines = try String(contentsOfFile: "\(folder)/\(name).csv", encoding: .utf8).split(separator: "\n").dropFirst()
    #expect(predictions.count == 24 && lines.count == 24)
    for (prediction, line) in zip(predictions, lines) {
      let fields = line.split(separator: ",").map(String.init)
      if let value = prediction.number {
        let expected = try #require(Double(fields[0]))
        // Another processor's instructions round otherwise.
        #expect(abs(value - expected) <= 1e-5 * abs(expected), "\(value), was \(expected)")
      } else {
        let expected = fields.dropFirst().compactMap(Double.init)
        #expect(prediction.text == fields[0] && expected.count == 3)
        #expect(zip(prediction.probabilities, expected).allSatisfy { abs($0 - $1) <= 1e-5 })
      }
    }
  }
}
