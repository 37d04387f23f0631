import TartineDigits
import TartineFiles

/// A folder of IDX files: train images and, if present, test images.
public struct ImageFolder: Sendable {
  /// `train-images…` and `train-labels…`.
  public let train: Dataset
  /// `t10k-images…` and `t10k-labels…`, or `test-…`.
  public let test: Dataset?

  /// Reads files with MNIST's names, plain or .gz: `train-images-idx3-ubyte`, with a period before `idx3`, or
  /// with a prefix, as in EMNIST.
  /// - Throws: `FileError` or `DataError` that names the file.
  public init(idx folder: String, task: LearningTask? = nil) throws {
    guard let train = try Self.read(folder, part: "train", task: task) else {
      throw DataError(
        "it holds no train-images-idx3-ubyte and train-labels-idx1-ubyte, plain or .gz.", source: folder)
    }
    self.train = train
    for name in Self.testNames {
      if let test = try Self.read(folder, part: name, task: task) {
        self.test = test
        return
      }
    }
    test = nil
  }

  private static let testNames = ["t10k", "test"]

  private static func read(_ folder: String, part: String, task: LearningTask?) throws -> Dataset? {
    guard let (block, column, checksums) = try labelledImages(folder, part: part) else { return nil }
    var data =
      try part == "train"
      ? Dataset(
        source: folder, inputs: .images(block), targets: [column], task: task ?? .multiclass,
        because: task == nil ? "images have a class each" : "as asked")
      : Dataset(measuring: block, target: column, source: folder, task: task ?? .multiclass)
    data.checksums = checksums
    return data
  }

  private enum Kind: String, CaseIterable {
    case images = "idx3"
    case labels = "idx1"
  }

  /// The file of one set: `t10k-images-idx3-ubyte`, `t10k-images.idx3-ubyte`,
  /// `emnist-digits-test-images-idx3-ubyte`, plain or .gz, plain preferred.
  /// - Throws: `DataError` where the folder contains files of several data sets.
  private static func find(_ kind: Kind, of part: String, in folder: String) throws -> String? {
    var found: [String: String] = [:]
    for name in Files.names(in: folder).sorted() {
      let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
      let ending = ["-", "."].map { "\(part)-\(kind)\($0)\(kind.rawValue)-ubyte" }.first { ending in
        plain == ending || plain.hasSuffix("-" + ending)
      }
      guard let ending else { continue }
      let set = String(plain.dropLast(ending.count))
      found[set] = found[set] ?? "\(folder)/\(name)"
    }
    if let own = found[""] { return own }
    guard found.count < 2 else {
      throw DataError(
        "it holds several sets of images, \(Dataset.list(found.keys.sorted().map { String($0.dropLast()) })); give each a folder of "
          + "its own.", source: folder)
    }
    return found.first?.value
  }

  /// The images to predict: the test images, if present. Labels are optional.
  package static func images(_ folder: String) throws -> ImageBlock {
    for part in testNames + ["train"] {
      if let path = try find(.images, of: part, in: folder) { return try block(IDXFile(path)) }
    }
    throw DataError("it holds no t10k-images-idx3-ubyte or train-images-idx3-ubyte, plain or .gz.", source: folder)
  }

  /// The labelled images to evaluate a model on: the test images, if present.
  package static func measured(_ folder: String, task: LearningTask) throws -> Dataset {
    for part in testNames + ["train"] {
      if let (block, column, _) = try labelledImages(folder, part: part) {
        return try Dataset(measuring: block, target: column, source: folder, task: task)
      }
    }
    throw DataError(
      "it holds no t10k-images-idx3-ubyte with t10k-labels-idx1-ubyte, nor the train files, plain or .gz.",
      source: folder)
  }

  private static func block(_ images: IDXFile) throws -> ImageBlock {
    guard images.sizes.count == 3 || images.sizes.count == 4 else {
      throw DataError("images have 3 or 4 dimensions, and these have \(images.sizes.count).", source: images.path)
    }
    guard images.sizes.allSatisfy({ $0 > 0 }) else { throw DataError("it holds no images.", source: images.path) }
    return ImageBlock(
      shape: (images.sizes[1], images.sizes[2], images.sizes.count == 4 ? images.sizes[3] : 1), fullScale: 255,
      pixels: images.elements)
  }

  private static func labelledImages(
    _ folder: String, part: String
  ) throws -> (ImageBlock, Column, checksums: [String: String])? {
    guard let imagePath = try find(.images, of: part, in: folder),
      let labelPath = try find(.labels, of: part, in: folder)
    else { return nil }
    let file = try IDXFile(imagePath)
    let images = try block(file)
    let labels = try IDXFile(labelPath)
    guard labels.sizes.count == 1 else {
      throw DataError("labels have 1 dimension, and these have \(labels.sizes.count).", source: labelPath)
    }
    guard images.count == labels.sizes[0] else {
      throw DataError(
        "\(images.count) images, but \(labels.sizes[0]) labels; both files must be of one set.", source: imagePath)
    }
    return (
      images,
      Column(
        name: "label", values: .numbers(labels.elements.map(Double.init)), reason: "every value is a number"),
      [imagePath: file.checksum, labelPath: labels.checksum]
    )
  }
}

/// The contents of one IDX file of bytes: 00 00 08 and the number of dimensions, then each size in four
/// bytes, big-endian, then the elements.
struct IDXFile {
  let path: String
  /// The CRC-32 of the file.
  let checksum: String
  let sizes: [Int]
  let elements: ArraySlice<UInt8>

  init(_ path: String) throws {
    let raw = try Files.read(path)
    let isPacked = Files.isGzip(raw)
    // The header comes first: a small file can claim, or unpack to, more than any memory.
    let start = isPacked ? try Files.gunzip(raw, path: path, most: 4 + 4 * 8) : raw
    guard start.count >= 4, start[0] == 0, start[1] == 0 else {
      throw DataError("it is not an IDX file: it does not begin with two zero bytes.", source: path)
    }
    guard start[2] == 8 else {
      throw DataError("its elements are not bytes (type 8) but of type \(start[2]).", source: path)
    }
    let dimensions = Int(start[3])
    guard (1...4).contains(dimensions), start.count >= 4 + 4 * dimensions else {
      throw DataError("it ends within its header, or has \(dimensions) dimensions; 1 to 4 are supported.", source: path)
    }
    var sizes: [Int] = []
    var product = 1
    for index in 0..<dimensions {
      let size = (0..<4).reduce(0) { $0 << 8 | Int(start[4 + 4 * index + $1]) }
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      product = overflow ? .max / 2 : next
      sizes.append(size)
    }
    let header = 4 + 4 * dimensions
    let bytes = isPacked ? try Self.unpack(raw, header: header, elements: product, path: path) : raw
    guard bytes.count - header == product else {
      throw DataError(
        "its header claims \(sizes.map(String.init).joined(separator: " × ")) elements, \(product) bytes, but "
          + "\(bytes.count - header) follow; download it again.", source: path)
    }
    self.path = path
    checksum = Checksum(of: raw).text
    self.sizes = sizes
    elements = bytes[header...]
  }

  /// Unpacks no more than the header claims, and no more than gzip can have packed.
  private static func unpack(_ raw: [UInt8], header: Int, elements: Int, path: String) throws -> [UInt8] {
    // Deflate's compression ratio is at most 1032.
    guard elements <= raw.count * 1040 else {
      throw DataError(
        "its header claims \(elements) bytes, more than its \(raw.count) packed bytes can hold; fetch it "
          + "again.", source: path)
    }
    return try Files.gunzip(raw, path: path, most: header + elements + 1)
  }
}

extension Dataset {
  /// The built-in 1 797 handwritten digits of 8 × 8 pixels.
  ///
  /// **Source**: Alpaydin and Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
  /// Repository, 1998; CC BY 4.0.
  public static func digits() throws -> Dataset {
    let text = Array(UnsafeBufferPointer(start: tartine_digits_text(), count: tartine_digits_size()))
    let columns = try CSVReader(text, source: "digits").read()
    var pixels = [UInt8](repeating: 0, count: columns[0].count * 64)
    for (place, column) in columns.dropLast().enumerated() {
      guard case .numbers(let numbers) = column.values else { continue }
      for (row, number) in numbers.enumerated() { pixels[row * 64 + place] = UInt8(number) }
    }
    let block = ImageBlock(shape: (8, 8, 1), fullScale: 16, pixels: pixels[...])
    return try Dataset(
      source: "digits", inputs: .images(block), targets: [columns[64]], task: .multiclass,
      because: "images have a class each")
  }
}
