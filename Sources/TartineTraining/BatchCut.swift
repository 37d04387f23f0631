/// An epoch as ⌈n/B⌉ batches whose sizes differ by at most one, so that every row is used and no batch is
/// tiny.
package struct BatchCut {
  package let count: Int
  private let rows, base, extra: Int

  package init(rows: Int, batchSize: Int) {
    self.rows = rows
    count = (rows + batchSize - 1) / batchSize
    base = rows / count
    extra = rows % count
  }

  /// The largest batch.
  package var largest: Int { base + (extra > 0 ? 1 : 0) }
  /// The smallest batch.
  package var smallest: Int { base }

  /// The positions of a batch in the epoch's order.
  package subscript(batch: Int) -> Range<Int> {
    let start = batch * base + min(batch, extra)
    return start..<start + base + (batch < extra ? 1 : 0)
  }
}
