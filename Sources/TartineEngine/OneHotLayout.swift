/// Rows of which most elements belong to one-hot categories: products sum the weights of the elements that are 1, and take only
/// the rest for a matrix.
package final class OneHotLayout: @unchecked Sendable {
  /// Categories, each with at most one element that is 1.
  package let count: Int
  /// First element and number of elements of each range that belongs to no category.
  fileprivate let dense: UnsafeMutableBufferPointer<(start: Int, count: Int)>

  package init(count: Int, dense ranges: [Range<Int>]) {
    self.count = count
    dense = .allocate(capacity: ranges.count)
    _ = dense.initialize(from: ranges.map { ($0.lowerBound, $0.count) })
  }

  deinit { dense.deallocate() }

  /// Whether rows of both have their elements at the same places.
  package func isSame(as other: OneHotLayout) -> Bool {
    self === other || count == other.count && dense.elementsEqual(other.dense, by: ==)
  }
}

/// The elements of a batch that are 1, as plain memory. Whoever made it keeps the layout and the places.
package struct OneHotRows {
  /// [rows, count], each an element of the row; −1 for a category of which none is 1.
  package let places: UnsafeMutablePointer<Int32>
  package let count: Int
  package let dense: UnsafeMutableBufferPointer<(start: Int, count: Int)>

  package init(_ layout: OneHotLayout, places: UnsafeMutablePointer<Int32>) {
    self.places = places
    count = layout.count
    dense = layout.dense
  }
}
