/// The partition of a matrix's columns, or of the rows of weights: a function of the shapes alone, so that
/// results do not depend on the number of threads, with any BLAS library.
package struct Cut {
  let count, size, parts: Int

  /// Below this many multiply-adds a product is one part: distributing it would cost more than it saves.
  package static let smallestWork = 1_000_000

  static let mostParts = 8

  /// Narrow parts read much for the work they do: they have 64 columns up to four parts, and 128 up to eight.
  init(_ count: Int, multiplyAdds: Int) {
    let wanted = max(1, min(4, (count + 32) / 64), min(Self.mostParts, (count + 64) / 128))
    self.init(count, parts: multiplyAdds < Self.smallestWork ? 1 : wanted)
  }

  init(_ count: Int, parts wanted: Int) {
    self.count = count
    // Whole cache lines, so that no two workers write to the same one.
    size = wanted == 1 ? count : ((count + wanted - 1) / wanted + 15) / 16 * 16
    parts = (count + size - 1) / size
  }

  subscript(part: Int) -> Range<Int> { part * size..<min((part + 1) * size, count) }
}
