import TartineKernels

/// The layout of an arena's buffers: reserve first, allocate once.
package struct ArenaLayout: Sendable {
  /// The alignment of buffers: a cache line, which is also the widest vector.
  package static let alignment = 64

  package private(set) var byteCount = 0

  package init() {}

  /// Reserves space for `count` elements of `size` bytes and returns its offset.
  package mutating func reserve(_ count: Int, size: Int) -> Int {
    let offset = byteCount
    byteCount += (count * size + Self.alignment - 1) / Self.alignment * Self.alignment
    return offset
  }
}

/// One aligned, zeroed block of memory that contains every buffer of a graph.
///
/// It is passed from one owner to the next, or only read once it is shared: there is no locking.
package final class Arena: @unchecked Sendable {
  package let byteCount: Int
  package let base: UnsafeMutableRawPointer

  /// Whether the memory is allocated in large pages, which pays off from several pages on.
  private let isMapped: Bool

  package init(_ layout: ArenaLayout) {
    byteCount = max(layout.byteCount, ArenaLayout.alignment)
    if byteCount >= 8 << 20, let memory = tartine_memory_create(byteCount) {
      base = memory
      isMapped = true
    } else {
      base = .allocate(byteCount: byteCount, alignment: ArenaLayout.alignment)
      base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
      isMapped = false
    }
  }

  package convenience init(byteCount: Int) {
    var layout = ArenaLayout()
    _ = layout.reserve(byteCount, size: 1)
    self.init(layout)
  }

  deinit {
    if isMapped { tartine_memory_destroy(base, byteCount) } else { base.deallocate() }
  }

  package subscript(offset: Int) -> UnsafeMutableRawPointer { base + offset }

  package func copy(from other: Arena) {
    precondition(other.byteCount == byteCount, "arenas of one graph have one size")
    base.copyMemory(from: other.base, byteCount: byteCount)
  }
}
