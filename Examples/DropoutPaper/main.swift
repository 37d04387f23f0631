// Table 2 of Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014: MNIST without
// augmentation, three layers of 1024 ReLU units with dropout and a largest norm, 1.06 % of the test pictures wrong.
//
//     swift run -c release TartineDropoutPaper MNIST_FOLDER [--seed N] [--epochs N] [--out curve.csv]
//
// Keeps 0.8 of the inputs and 0.5 of the hidden units, as there; rate, momentum, norm and the number of epochs were chosen
// on dev, which is 10 000 of the train pictures. The model is the last epoch's. Prints a line an epoch, then the test error.

import Foundation
import Tartine

/// What stands behind a flag.
func value(_ flag: String) -> String? {
  let arguments = CommandLine.arguments
  guard let place = arguments.firstIndex(of: flag), place + 1 < arguments.count else { return nil }
  return arguments[place + 1]
}

/// Says how it goes, and keeps the curve.
final class Curve: TrainingObserver {
  private(set) var lines = ["epoch,rate,train error,dev error"]

  func observe(_ event: TrainingEvent) -> TrainingDecision {
    if case .epoch(let record, _) = event {
      let figures = [record.learningRate, record.train.score, record.dev.score].map { String(format: "%.5f", $0) }
      lines.append("\(record.epoch),\(figures.joined(separator: ","))")
      print(lines[lines.count - 1])
    }
    return .proceed
  }
}

guard CommandLine.arguments.count > 1 else {
  print("usage: TartineDropoutPaper MNIST_FOLDER [--seed N] [--epochs N] [--out curve.csv]")
  exit(64)
}
let images = try ImageFolder(idx: CommandLine.arguments[1])
let split = try images.train.split(.shares(train: 5.0 / 6, dev: 1.0 / 6, test: nil), seed: 0, test: images.test)

let recipe = Recipe {
  Dropout(keep: 0.8)
  for _ in 0..<3 {
    Dense(1024)
    ReLU()
    Dropout(keep: 0.5)
  }
}
.optimizer(.momentum(learningRate: .cosine(from: 1), beta: 0.95))
.penalty(.maxNorm(2))
.batchSize(128)
.epochs(value("--epochs").flatMap { Int($0) } ?? 200)
.keeping(.last)

let curve = Curve()
let run = try recipe.train(on: split, seed: value("--seed").flatMap { UInt64($0) } ?? 0, observers: [curve])
if let path = value("--out") {
  try (curve.lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
}
print("dev: \(run.dev)")
print("test: \(try run.test())")
