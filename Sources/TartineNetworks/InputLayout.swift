/// The meaning of the elements of a table's input row.
package struct InputLayout: Hashable, Sendable {
  /// The element of each number.
  package let numbers: [Int]
  /// The elements of each category: one for each level.
  package let categories: [Range<Int>]

  package init(numbers: [Int], categories: [Range<Int>]) {
    self.numbers = numbers
    self.categories = categories
  }
}

/// A layer that treats the columns of a table individually: it must be the first layer, and is bound to the
/// columns when the network becomes a graph.
package protocol ColumnLayer: RowLayer {
  func bound(to layout: InputLayout) -> Self
  /// The positions of the columns in its output.
  func outputLayout(for layout: InputLayout) -> InputLayout
}
