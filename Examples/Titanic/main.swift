import Tartine

let split = try Dataset(csv: "titanic.csv", target: "Survived").split(seed: 7)

let recipe = Recipe {
  Dense(128); BatchNorm(); ReLU(); Dropout(keep: 0.7)
  Dense(64); BatchNorm(); ReLU(); Dropout(keep: 0.9)
}
.optimizer(.adam(learningRate: .cosine(from: 3e-3)))

let run = try recipe.train(on: split, seed: 1)  // the test set stays locked
print(run.diagnosis)  // error ladder, verdict, prescriptions

if let idea = run.diagnosis.prescriptions.first {  // the loop: idea, experiment, evidence
  let next = try idea.recipe.train(on: split, seed: 1)
  print(try next.compared(to: run))  // paired: −1.2 points (−1.9 to −0.5)
}
print(try run.model.predict(["Sex": "female", "Age": 29]))
print(try run.test())  // evaluates on the test set; counted in the run
