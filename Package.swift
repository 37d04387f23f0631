// swift-tools-version: 6.2
import PackageDescription

// One target for each module, lowest first; a target may only depend on those above it in this list.
let package = Package(
  name: "Tartine",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Tartine", targets: ["Tartine"]),
    .library(name: "TartinePredict", targets: ["TartinePredict"]),
    .executable(name: "tartine", targets: ["TartineCommand"]),
    .executable(name: "tartine-benchmark", targets: ["TartineBenchmark"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // C: hot loops, matrix products, worker threads, embedded data, system libraries.
    .target(
      name: "TartineKernels",
      cSettings: [.define("ACCELERATE_NEW_LAPACK")],
      linkerSettings: [
        .linkedLibrary("pthread", .when(platforms: [.linux])),
        .linkedLibrary("m", .when(platforms: [.linux])),
        .linkedFramework("Accelerate", .when(platforms: [.macOS])),
      ]),
    .target(name: "TartineDigits"),
    .systemLibrary(
      name: "TartineZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "TartineSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),

    // The engine, and the modules built on it.
    .target(name: "TartinePlatform"),
    .target(name: "TartineEngine", dependencies: ["TartineKernels", "TartinePlatform"]),
    .target(name: "TartineFiles", dependencies: ["TartineEngine", "TartineZlib"]),
    .target(name: "TartineNetworks", dependencies: ["TartineEngine"]),
    .target(name: "TartineOptimizers", dependencies: ["TartineNetworks"]),
    .target(
      name: "TartineData", dependencies: ["TartineEngine", "TartineFiles", "TartineDigits"]),

    // The loop: train, read the result, show it.
    .target(
      name: "TartineTraining",
      dependencies: ["TartineNetworks", "TartineOptimizers", "TartineData", "TartineFiles"]),
    .target(name: "TartinePredict", dependencies: ["TartineTraining"]),
    .target(name: "TartineDiagnosis", dependencies: ["TartineTraining"]),
    .target(name: "TartineSearch", dependencies: ["TartineDiagnosis", "TartineSQLite"]),
    .target(name: "TartineImprovement", dependencies: ["TartineDiagnosis"]),
    .target(name: "TartineReports", dependencies: ["TartineDiagnosis", "TartineSearch", "TartineImprovement"]),
    .target(name: "Tartine", dependencies: ["TartineReports"]),
    .executableTarget(
      name: "TartineCommand",
      dependencies: [
        "Tartine", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .executableTarget(
      name: "TartineBenchmark",
      dependencies: [
        "Tartine", "TartineKernels", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Programs of the README, built and run by the tests.
    .executableTarget(name: "TartineTitanicExample", dependencies: ["Tartine"], path: "Examples/Titanic"),
    .executableTarget(name: "TartineDropoutPaper", dependencies: ["Tartine"], path: "Examples/DropoutPaper"),
    .executableTarget(name: "TartineLayerExample", dependencies: ["Tartine"], path: "Examples/CustomLayer"),
    .executableTarget(name: "TartineLecture", dependencies: ["Tartine"], path: "Examples/Lecture"),

    // Measurements behind the documentation's claims about diagnosis; the tests run a small part.
    .executableTarget(
      name: "TartineEvidence", dependencies: ["Tartine"], path: "Tests/Evidence",
      exclude: ["Tuning/tuners.py", "Tuning/throughput.py", "Tuning/measured"]),

    // Tests. The probe counts allocations, in its own process.
    .testTarget(
      name: "TartineTests", dependencies: ["Tartine", "TartineKernels"]),
    .testTarget(
      name: "TartineCommandTests",
      dependencies: [
        "Tartine", "TartineCommand", "TartineBenchmark", "TartineAllocationProbe", "TartineTitanicExample",
        "TartineLayerExample", "TartineLecture", "TartineEvidence",
      ]),
    .target(name: "TartineAllocationCounter", path: "Tests/TartineAllocationCounter"),
    .executableTarget(
      name: "TartineAllocationProbe", dependencies: ["Tartine", "TartineAllocationCounter"],
      path: "Tests/TartineAllocationProbe"),
  ],
  swiftLanguageModes: [.v6]
)
