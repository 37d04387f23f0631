/// Which elements of an input row are what, where the rows are a table's.
package struct InputLayout: Hashable, Sendable {
  /// The element of each number.
  package let numbers: [Int]
  /// The elements of each category: one a level.
  package let categories: [Range<Int>]

  package init(numbers: [Int], categories: [Range<Int>]) {
    self.numbers = numbers
    self.categories = categories
  }
}

/// A layer that treats columns of a table each in its own way: it comes first, and learns of them when the network is
/// planned.
package protocol ColumnLayer: CustomLayer {
  func bound(to layout: InputLayout) -> Self
  /// Where the columns lie in what it makes.
  func outputLayout(for layout: InputLayout) -> InputLayout
}
