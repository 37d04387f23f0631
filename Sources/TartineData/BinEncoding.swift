import TartineKernels

/// The piecewise-linear encoding of number columns: for the bin from a to b, min(1, max(0, (x − a) / (b − a))).
///
/// Beside the standardized number it lets the first layer model a piecewise-linear effect of a number, which
/// smooth networks learn slowly and trees at once.
///
/// **Source**: Gorishniy, Rubachev, Babenko 2022, On Embeddings for Numerical Features in Tabular Deep
/// Learning, equation 1; there without the standardized number, and with open outer bins.
package final class BinEncoding: Sendable {
  private let columns: [Int32]
  private let starts, slopes: [Float]

  /// No bins.
  package static let none = BinEncoding(edges: [])

  /// - Parameter edges: the edges by stored column, in standardized units, each bin wide enough for a finite
  ///   slope.
  package init(edges: [(column: Int, edges: [Float])]) {
    let bins = edges.flatMap { column, edges in
      zip(edges, edges.dropFirst()).map { (column: Int32(column), start: $0, slope: 1 / ($1 - $0)) }
    }
    columns = bins.map(\.column)
    starts = bins.map(\.start)
    slopes = bins.map(\.slope)
  }

  /// The number of bins of all columns.
  package var count: Int { columns.count }

  func withBins(_ body: (UnsafePointer<tartine_bins>) -> Void) {
    columns.withUnsafeBufferPointer { columns in
      starts.withUnsafeBufferPointer { starts in
        slopes.withUnsafeBufferPointer { slopes in
          var bins = tartine_bins(
            count: columns.count, columns: columns.baseAddress, starts: starts.baseAddress,
            slopes: slopes.baseAddress)
          body(&bins)
        }
      }
    }
  }
}
