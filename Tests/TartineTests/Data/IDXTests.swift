import Foundation
import Tartine
import Testing

@Suite struct IDXTests {
  private func header(_ sizes: [Int], type: UInt8 = 8) -> [UInt8] {
    [0, 0, type, UInt8(sizes.count)]
      + sizes.flatMap { size in (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * (3 - $0))) } }
  }

  private func folder(images: [UInt8], labels: [UInt8]) throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/tartine-idx-\(UUID().uuidString)"
    try Files.makeFolder(path)
    try Files.write(images, to: path + "/train-images-idx3-ubyte")
    try Files.write(labels, to: path + "/train-labels-idx1-ubyte")
    return path
  }

  @Test func imagesAndLabels() throws {
    let pixels = (0..<120).map { UInt8($0) }
    let path = try folder(
      images: header([20, 2, 3]) + pixels, labels: header([20]) + (0..<20).map { UInt8($0 % 4) })
    let data = try ImageFolder(idx: path).train
    #expect(data.rowCount == 20 && data.task.task == .multiclass)
    let block = try data.requireImages()
    #expect(block.shape == (2, 3, 1) && Array(block.pixels(1)) == Array(6..<12))
  }

  @Test(arguments: [
    ("train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "test-images-idx3-ubyte", "test-labels-idx1-ubyte"),
    (
      "emnist-digits-train-images-idx3-ubyte", "emnist-digits-train-labels-idx1-ubyte",
      "emnist-digits-test-images-idx3-ubyte", "emnist-digits-test-labels-idx1-ubyte"
    ),
  ]) func otherNamesAreFound(_ names: (String, String, String, String)) throws {
    let path = FileManager.default.temporaryDirectory.path + "/tartine-idx-\(UUID().uuidString)"
    try Files.makeFolder(path)
    let images = header([20, 2, 3]) + (0..<120).map { UInt8($0) }
    let labels = header([20]) + (0..<20).map { UInt8($0 % 4) }
    for (name, bytes) in [(names.0, images), (names.1, labels), (names.2, images), (names.3, labels)] {
      try Files.write(bytes, to: path + "/" + name)
    }
    let folder = try ImageFolder(idx: path)
    #expect(folder.train.rowCount == 20 && folder.test?.rowCount == 20)
    #expect(folder.train.checksums.count == 2 && folder.test?.checksums.count == 2)
    // Two data sets in one folder are ambiguous.
    for set in ["other", "third"] { try Files.write(images, to: path + "/\(set)-train-images-idx3-ubyte") }
    if names.0.hasPrefix("emnist") { #expect(throws: DataError.self) { try ImageFolder(idx: path) } }
  }

  @Test func aHeadersClaimIsCheckedBeforeItIsBelieved() throws {
    let labels = header([20]) + [UInt8](repeating: 1, count: 20)
    for sizes in [[2_000_000, 32, 32], [1 << 31, 1 << 31, 1 << 31], [21, 2, 3], [20, 2, 2]] {
      let path = try folder(images: header(sizes) + [UInt8](repeating: 0, count: 120), labels: labels)
      let error = #expect(throws: DataError.self) { try ImageFolder(idx: path) }
      #expect(error?.message.contains("its header claims") == true)
    }
    for bad in [[], [0, 0], [1, 2, 3, 4], header([3], type: 13), header([3])] as [[UInt8]] {
      let path = try folder(images: bad, labels: labels)
      #expect(throws: DataError.self) { try ImageFolder(idx: path) }
    }
    let path = try folder(
      images: header([20, 2, 3]) + [UInt8](repeating: 0, count: 120),
      labels: header([19]) + [UInt8](repeating: 1, count: 19))
    let error = #expect(throws: DataError.self) { try ImageFolder(idx: path) }
    #expect(error?.message.contains("20 images, but 19 labels") == true)
  }
}
