// swift-tools-version: 6.2
import PackageDescription

// A package of somebody else's: it extends Tartine through public symbols alone.
let package = Package(
  name: "Extensions",
  platforms: [.macOS(.v15)],
  products: [.library(name: "Extensions", targets: ["Extensions"])],
  dependencies: [.package(name: "Tartine", path: "../..")],
  targets: [
    .target(name: "Extensions", dependencies: [.product(name: "Tartine", package: "Tartine")]),
    .executableTarget(
      name: "LayerBenchmark", dependencies: ["Extensions", .product(name: "Tartine", package: "Tartine")]),
    .testTarget(
      name: "ExtensionsTests", dependencies: ["Extensions", .product(name: "Tartine", package: "Tartine")]),
  ],
  swiftLanguageModes: [.v6]
)
