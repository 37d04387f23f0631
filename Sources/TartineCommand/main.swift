import Tartine

func go(_ name: String, _ train: Dataset, _ test: Dataset?, seeds: Int) throws {
  var scores: [Double] = []
  for seed in 0..<seeds {
    let split = try train.split(seed: UInt64(seed), test: test)
    let recipe = Recipe.automatic(for: split)
    let run = try recipe.train(on: split, seed: UInt64(seed))
    let t = try run.test()
    scores.append(t.score)
    print(name, "seed", seed, "train", run.train.score, "dev", run.dev.score, "test", t.score, "best", run.bestEpoch, "of", run.history.count, "s", run.seconds, "us/step", run.seconds / Double(run.steps) * 1e6)
  }
  print(name, "mean", scores.reduce(0, +) / Double(scores.count), "median", scores.sorted()[scores.count / 2])
}
let data = "../shared/data/"
for what in CommandLine.arguments.dropFirst() {
  switch what {
  case "digits": try go(what, Dataset.digits(), nil, seeds: 5)
  case "adult":
    try go(what, Dataset(csv: data + "adult-train.csv", target: "income"), Dataset(csv: data + "adult-test.csv", target: "income"), seeds: 3)
  case "housing":
    try go(what, Dataset(csv: data + "housing-train.csv", target: "median_house_value"), Dataset(csv: data + "housing-test.csv", target: "median_house_value"), seeds: 3)
  case "mnist":
    let f = try ImageFolder(idx: data + "mnist")
    let split = try f.train.split(seed: 1, test: f.test)
    let r = try Recipe { Flatten(); Dense(512); BatchNorm(); ReLU(); Dropout(keep: 0.8); Dense(256); BatchNorm(); ReLU(); Dropout(keep: 0.8) }.optimizer(.adam()).batchSize(128).epochs(20).train(on: split)
    print(r.model.plan)
    print("mnist", r.bestEpoch, r.dev.score, try r.test().score, r.seconds, r.seconds / Double(r.steps) * 1e6)
  default: break
  }
}
