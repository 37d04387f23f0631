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
  /// - Throws: what the first of them throws that does.
  static func map<Part, Failure: Error>(
    count: Int, _ work: (Int) throws(Failure) -> Part
  ) throws(Failure) -> [Part] {
    let parts = UnsafeMutablePointer<Result<Part, Failure>>.allocate(capacity: count)
    defer {
      parts.deinitialize(count: count)
      parts.deallocate()
    }
    withoutActuallyEscaping(work) { work in
      // Each part is written once, by one thread.
      nonisolated(unsafe) let (work, parts) = (work, parts)
      DispatchQueue.concurrentPerform(iterations: count) { number in
        (parts + number).initialize(to: Result { () throws(Failure) in try work(number) })
      }
    }
    return try UnsafeBufferPointer(start: parts, count: count).map { part throws(Failure) in try part.get() }
  }
}
