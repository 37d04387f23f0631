import TartineEngine
import TartineKernels

/// The elements of a table's row as the network takes them, made from fewer stored floats when a batch is gathered.
///
/// A category is stored as one float, the place of its 1, and becomes one-hot: a column of 500 levels takes 4 bytes a row. Bins
/// follow behind all columns: min(1, max(0, (x − a) / (b − a))) for the bin from a to b. Beside the standardized number they let
/// the first layer bend a number's effect at each edge, which smooth networks learn slowly and trees do at once.
///
/// **Source**: Gorishniy, Rubachev, Babenko 2022, *On embeddings for numerical features in tabular deep learning*, equation 1;
/// there without the standardized number, and with the outer bins open.
package final class RowEncoding: @unchecked Sendable {
  /// A stored float.
  package enum Column: Hashable, Sendable {
    /// An element as it is.
    case number
    /// The place of a 1 among so many elements; −1 for none.
    case category(elements: Int)
  }

  /// Floats of a stored row.
  package let storedWidth: Int
  /// Elements of a row that the network takes.
  package let width: Int
  /// The one-hot elements, for products that know them; nil where there are few.
  package let oneHot: OneHotLayout?

  // Fixed at the start, and read by the kernel.
  private let integers: UnsafeMutablePointer<Int32>
  private let floats: UnsafeMutablePointer<Float>
  package let lowered: tartine_encoding

  /// From this many one-hot elements of a row on, products are made of those that are 1. With fewer a dense product is as
  /// fast.
  private static let fewestOneHot = 1024

  /// - Parameters:
  ///   - columns: the stored floats of a row.
  ///   - edges: by stored column, in standardized units, ascending far enough for a slope.
  package init(_ columns: [Column], bins edges: [(column: Int, edges: [Float])] = []) {
    var runs: [(from: Int, to: Int, count: Int)] = []
    var categories: [(column: Int, start: Int, count: Int)] = []
    var place = 0
    for (index, column) in columns.enumerated() {
      switch column {
      case .number:
        if let last = runs.last, last.from + last.count == index, last.to + last.count == place {
          runs[runs.count - 1].count += 1
        } else {
          runs.append((index, place, 1))
        }
        place += 1
      case .category(let elements):
        categories.append((index, place, elements))
        place += elements
      }
    }
    let bins = edges.flatMap { column, edges in
      zip(edges, edges.dropFirst()).map { (column: column, start: $0, slope: 1 / ($1 - $0)) }
    }
    storedWidth = columns.count
    width = place + bins.count
    let parts = [
      runs.map(\.from), runs.map(\.to), runs.map(\.count), categories.map(\.column), categories.map(\.start),
      categories.map(\.count), bins.map(\.column),
    ]
    integers = .allocate(capacity: max(1, parts.reduce(0) { $0 + $1.count }))
    floats = .allocate(capacity: max(1, 2 * bins.count))
    var starts: [UnsafePointer<Int32>] = []
    var next = integers
    for part in parts {
      starts.append(UnsafePointer(next))
      for value in part {
        next.initialize(to: Int32(value))
        next += 1
      }
    }
    for (index, bin) in bins.enumerated() {
      (floats + index).initialize(to: bin.start)
      (floats + bins.count + index).initialize(to: bin.slope)
    }
    lowered = tartine_encoding(
      stored: columns.count, width: width, run_count: runs.count, run_from: starts[0], run_to: starts[1],
      run_lengths: starts[2], category_count: categories.count, category_columns: starts[3], category_starts: starts[4],
      category_lengths: starts[5],
      bins: tartine_bins(
        count: bins.count, columns: starts[6], starts: UnsafePointer(floats), slopes: UnsafePointer(floats + bins.count)
      ))
    guard categories.reduce(0, { $0 + $1.count }) >= Self.fewestOneHot else {
      oneHot = nil
      return
    }
    var dense = runs.map { $0.to..<$0.to + $0.count }
    if !bins.isEmpty { dense.append(place..<width) }
    oneHot = OneHotLayout(count: categories.count, dense: dense)
  }

  deinit {
    integers.deallocate()
    floats.deallocate()
  }
}
