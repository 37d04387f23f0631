import Dispatch
import TartineEngine

/// Work that is divided among all processors.
enum Parallel {
  /// Some parts after the other, enough for all processors.
  static func rounds(of count: Int) -> [Range<Int>] {
    let size = 4 * Workers.processorCount
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// What the parts of a piece of work give, in their order.
  static func map<Part>(_ count: Int, _ work: (Int) -> Part) -> [Part] {
    guard count > 1 else { return count == 0 ? [] : [work(0)] }
    let parts = UnsafeMutablePointer<Part>.allocate(capacity: count)
    defer {
      parts.deinitialize(count: count)
      parts.deallocate()
    }
    withoutActuallyEscaping(work) { work in
      // Each part is written once, by one thread.
      nonisolated(unsafe) let (work, parts) = (work, parts)
      DispatchQueue.concurrentPerform(iterations: count) { (parts + $0).initialize(to: work($0)) }
    }
    return Array(UnsafeBufferPointer(start: parts, count: count))
  }
}
