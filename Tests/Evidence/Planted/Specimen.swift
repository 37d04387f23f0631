import Foundation
import Tartine

/// Data and a recipe, healthy until a fault is planted.
struct Specimen {
  /// The training data, as a user has them.
  enum Data {
    case table(Table, test: Table?)
    case images(Images, test: Images?)
  }

  var data: Data
  var recipe: Recipe
  var splitBy: SplitMethod?

  init(_ data: Data) {
    self.data = data
    recipe = Self.plain(hidden: [128, 64])
  }

  /// A recipe that trains well on every data set here.
  static func plain(hidden: [Int]) -> Recipe {
    Recipe(Network(HiddenStack(hidden: hidden))).optimizer(.adam(learningRate: .cosine(from: 3e-3))).batchSize(32)
      .epochs(60)
  }

  /// The table to plant faults in.
  var table: Table {
    get {
      guard case .table(let table, _) = data else { preconditionFailure("this is about tables") }
      return table
    }
    set {
      guard case .table(_, let test) = data else { return }
      data = .table(newValue, test: test)
    }
  }

  /// The hidden layers.
  var stack: HiddenStack {
    get { recipe.network.stack ?? HiddenStack(hidden: []) }
    set { recipe.network = Network(newValue) }
  }

  /// Writes the data to a file, and reads it like a command.
  func split(seed: UInt64) throws -> Split {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tartine-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var source: DataSource
    switch data {
    case .table(let table, let test):
      try table.write(to: "\(folder)/data.csv")
      try test?.write(to: "\(folder)/test.csv")
      source = DataSource(
        data: "\(folder)/data.csv", target: table.target, test: test.map { _ in "\(folder)/test.csv" },
        splitBy: splitBy,
        splitSeed: seed)
    case .images(let images, let test):
      try images.write(to: folder, part: "train")
      try test?.write(to: folder, part: "t10k")
      source = DataSource(data: folder, splitSeed: seed)
    }
    return try source.load()
  }
}

/// The data sets to plant faults in. Thresholds were chosen on the first half and are scored on the second.
enum Habitat: String, CaseIterable {
  case digits, adult, disk, waves
  case mnist, titanic, housing, blobs
  /// Images.
  case digitImages, arrows, mnistImages

  var isTuned: Bool {
    switch self {
    case .digits, .adult, .disk, .waves, .digitImages: true
    case .mnist, .titanic, .housing, .blobs, .arrows, .mnistImages: false
    }
  }

  /// MNIST has an error of a tenth with so few rows.
  private var rows: Int { self == .mnist || self == .mnistImages ? 1_600 : 1_000 }

  /// Draws a sample of the data set; nil if its files are missing.
  func specimen(seed: UInt64, data: String?) throws -> Specimen? {
    var stream = RandomStream(seed: seed, purpose: .test, index: 10 + (Self.allCases.firstIndex(of: self) ?? 0))
    func file(_ name: String, _ target: String) throws -> Specimen? {
      try data.map {
        Specimen(.table(try Table(csv: "\($0)/\(name)", target: target, limit: rows, seed: seed), test: nil))
      }
    }
    switch self {
    case .adult: return try file("adult-train.csv", "income")
    case .titanic:
      var specimen = try file("titanic.csv", "Survived")
      // It numbers passengers, and these are drawn at random.
      specimen?.table.remove("PassengerId")
      return specimen
    case .housing: return try file("housing-train.csv", "median_house_value")
    case .disk: return Specimen(.table(Self.disk(rows, &stream), test: nil))
    case .waves: return Specimen(.table(Self.waves(rows, &stream), test: nil))
    case .blobs: return Specimen(.table(Self.blobs(rows, &stream), test: nil))
    case .arrows: return Specimen(.images(Images(arrows: rows, seed: seed), test: nil))
    case .digitImages, .digits:
      let images = Images(try Dataset.digits(), limit: rows, seed: seed)
      return Specimen(
        self == .digits ? .table(Self.table(of: images, step: 1), test: nil) : .images(images, test: nil))
    case .mnist, .mnistImages:
      guard let data else { return nil }
      let images = Images(try ImageFolder(idx: "\(data)/mnist").train, limit: rows, seed: seed)
      return Specimen(
        self == .mnist ? .table(Self.table(of: images, step: 2), test: nil) : .images(images, test: nil))
    }
  }

  /// Pixels as columns, each the mean of step × step.
  private static func table(of images: Images, step: Int) -> Table {
    let side = images.side / step
    let features = images.pixels.map { image in
      (0..<side * side).map { place in
        var sum = 0
        for y in 0..<step {
          for x in 0..<step { sum += Int(image[(place / side * step + y) * images.side + place % side * step + x]) }
        }
        return Float(sum / (step * step))
      }
    }
    return Table(features: features, answers: images.labels.map { "class \($0)" })
  }

  /// Whether two of four numbers are in a disk around the origin.
  static func disk(_ rows: Int, _ stream: inout RandomStream) -> Table {
    var features: [[Float]] = []
    var answers: [String] = []
    while features.count < rows {
      let x = (0..<4).map { _ in Float(stream.uniform() * 4 - 2) }
      let radius = (x[0] * x[0] + x[1] * x[1]).squareRoot()
      // A gap between the classes, so that hardly any error is left.
      guard abs(radius - 1.4) > 0.15 else { continue }
      features.append(x)
      answers.append(radius < 1.4 ? "inside" : "outside")
    }
    return Table(features: features, answers: answers)
  }

  /// A regression on a product and a wave.
  static func waves(_ rows: Int, _ stream: inout RandomStream) -> Table {
    let features = (0..<rows).map { _ in (0..<5).map { _ in Float(stream.normalPair().0) } }
    return Table(
      features: features,
      answers: features.map { x in
        let value = Double(x[0] * x[1]) + 2 * sin(Double(x[2])) + Double(x[3]) + 0.7 * stream.normalPair().0
        return "\(100 + 20 * value)"
      })
  }

  /// Five classes, each around its own center, in ten dimensions; centers of three of them lie on both sides
  /// of the others.
  static func blobs(_ rows: Int, _ stream: inout RandomStream) -> Table {
    let centres = (0..<8).map { _ in (0..<10).map { _ in 2.0 * stream.normalPair().0 } }
    var features: [[Float]] = []
    var answers: [String] = []
    for _ in 0..<rows {
      let centre = stream.integer(below: centres.count)
      features.append(centres[centre].map { Float($0 + 1.2 * stream.normalPair().0) })
      answers.append("kind \(centre % 5)")
    }
    return Table(features: features, answers: answers)
  }
}
