/// A source of rows, prepared as network inputs.
package protocol RowSource {
  var rowCount: Int { get }
  /// The one-hot elements, where there are many.
  var oneHot: OneHotLayout? { get }
  /// Writes rows, one after the other, as elements of that precision. Called concurrently.
  ///
  /// - Parameter ones: the one-hot elements that `output` holds, and on return those of these rows; nil: its contents are
  ///   unknown.
  func write(
    _ rows: Range<Int>, to output: UnsafeMutableRawPointer, ones: UnsafeMutablePointer<Int32>?, precision: Precision)
}

extension RowSource {
  /// None.
  package var oneHot: OneHotLayout? { nil }
}
