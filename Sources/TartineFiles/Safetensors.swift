import TartineEngine

/// The safetensors format: a JSON header with names, shapes and offsets, then the tensors' bytes.
///
/// Tensors are stored contiguously, widest element first, then by name. The metadata key `checksum` contains
/// a checksum of the metadata and all tensors, so that any flipped bit is detected.
///
/// **Source**: the format's description in the safetensors project, and `research` notes: the header is at
/// most 100 MB, offsets are contiguous from 0, and the last one is the file's end.
package struct Safetensors {
  package struct Tensor {
    package let shape: [Int]
    package let precision: Precision
    package let bytes: ArraySlice<UInt8>

    package init(shape: [Int], precision: Precision, bytes: ArraySlice<UInt8>) {
      self.shape = shape
      self.precision = precision
      self.bytes = bytes
    }
  }

  package var metadata: [String: String]
  package var tensors: [String: Tensor]

  package init(metadata: [String: String], tensors: [String: Tensor]) {
    self.metadata = metadata
    self.tensors = tensors
  }

  private static let metadataKey = "__metadata__"
  private static let checksumKey = "checksum"
  private static let longestHeader = 100_000_000

  private static func typeName(_ precision: Precision) -> String { precision == .float32 ? "F32" : "F64" }

  /// Order of the tensors in the file.
  private var order: [(key: String, value: Tensor)] {
    tensors.sorted { ($1.value.precision.size, $0.key) < ($0.value.precision.size, $1.key) }
  }

  private var checksum: String {
    var sum = Checksum()
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != Self.checksumKey {
      sum.add(key)
      sum.add("\u{0}")
      sum.add(value)
      sum.add("\u{0}")
    }
    for (key, tensor) in order {
      sum.add(key)
      sum.add("\(Self.typeName(tensor.precision))\(tensor.shape)")
      tensor.bytes.withUnsafeBytes { sum.add($0) }
    }
    return sum.text
  }

  // MARK: Writing

  /// The file's bytes: identical for equal contents.
  package func encoded() throws -> [UInt8] {
    var metadata = metadata
    metadata[Self.checksumKey] = checksum
    var header: [String: JSONValue] = [Self.metadataKey: .object(metadata.mapValues { .string($0) })]
    var offset = 0
    for (name, tensor) in order {
      header[name] = .object([
        "dtype": .string(Self.typeName(tensor.precision)),
        "shape": .array(tensor.shape.map { .integer($0) }),
        "data_offsets": .array([.integer(offset), .integer(offset + tensor.bytes.count)]),
      ])
      offset += tensor.bytes.count
    }
    var text = Array(try JSON.text(JSONValue.object(header)).utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    var file: [UInt8] = []
    file.reserveCapacity(8 + text.count + offset)
    for shift in stride(from: 0, to: 64, by: 8) { file.append(UInt8(truncatingIfNeeded: text.count >> shift)) }
    file += text
    for (_, tensor) in order { file += tensor.bytes }
    return file
  }

  // MARK: Reading

  /// Checks every claim of the header against the file before using any.
  package init(_ file: [UInt8], path: String) throws(FileError) {
    func damaged(_ what: String) -> FileError {
      FileError(
        .damaged, path, "'\(path)' is not a complete model file: \(what). Check the name, or use an undamaged copy.")
    }
    guard file.count >= 8 else { throw damaged("it has only \(file.count) bytes") }
    var length: UInt64 = 0
    for index in 0..<8 { length |= UInt64(file[index]) << (8 * UInt64(index)) }
    guard length <= UInt64(Self.longestHeader), Int(length) <= file.count - 8 else {
      throw damaged("its header claims \(length) bytes, and the file has \(file.count)")
    }
    let start = 8 + Int(length)
    guard length > 1, file[8] == UInt8(ascii: "{") else { throw damaged("it does not begin like a safetensors file") }
    let header: [String: JSONValue]
    do {
      header = try JSON.decode([String: JSONValue].self, from: file[8..<start])
    } catch {
      throw damaged("its header is not JSON")
    }
    metadata = [:]
    if case .object(let entries)? = header[Self.metadataKey] {
      for (key, value) in entries { metadata[key] = value.string }
    }
    tensors = [:]
    var places: [(Int, Int)] = []
    for (name, entry) in header where name != Self.metadataKey {
      let precision: Precision
      switch entry["dtype"]?.string {
      case "F32": precision = .float32
      case "F64": precision = .float64
      default: throw damaged("tensor '\(name)' has an element type other than F32 and F64")
      }
      guard case .array(let sizes)? = entry["shape"], case .array(let offsets)? = entry["data_offsets"],
        offsets.count == 2, let first = offsets[0].integer, let last = offsets[1].integer,
        first >= 0, first <= last, last <= file.count - start
      else { throw damaged("tensor '\(name)' lies outside the file") }
      var bytes = precision.size
      var shape: [Int] = []
      for size in sizes {
        guard let size = size.integer, size >= 0 else { throw damaged("tensor '\(name)' has an invalid shape") }
        let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
        guard !overflow else { throw damaged("tensor '\(name)' claims more than any memory can hold") }
        bytes = product
        shape.append(size)
      }
      guard last - first == bytes else { throw damaged("tensor '\(name)' does not match the size of its shape") }
      places.append((first, last))
      tensors[name] = Tensor(shape: shape, precision: precision, bytes: file[(start + first)..<(start + last)])
    }
    var end = 0
    for (first, last) in places.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
      guard first == end else { throw damaged("its tensors overlap or leave gaps") }
      end = last
    }
    guard end == file.count - start else {
      throw damaged("its tensors take \(end) bytes, and the file holds \(file.count - start)")
    }
    if let expected = metadata[Self.checksumKey], expected != checksum {
      throw damaged("its checksum does not match its content, so it was changed")
    }
  }
}
