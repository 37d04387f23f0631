import Dispatch
import TartineEngine

/// Work distributed over all processors.
enum Parallel {
  /// Runs some parts one after the other, enough for all processors.
  static func rounds(of count: Int) -> [Range<Int>] {
    let size = 4 * Workers.processorCount
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// The results of the parts, in order.
  /// - Throws: the error of the first part that throws.
  static func map<Part, Failure: Error>(
    count: Int, _ work: (Int) throws(Failure) -> Part
  ) throws(Failure) -> [Part] {
    let parts = UnsafeMutablePointer<Result<Part, Failure>>.allocate(capacity: count)
    defer {
      parts.deinitialize(count: count)
      parts.deallocate()
    }
    withoutActuallyEscaping(work) { work in
      // Each element is written once, by one thread.
      nonisolated(unsafe) let (work, parts) = (work, parts)
      DispatchQueue.concurrentPerform(iterations: count) { number in
        (parts + number).initialize(to: Result { () throws(Failure) in try work(number) })
      }
    }
    return try UnsafeBufferPointer(start: parts, count: count).map { part throws(Failure) in try part.get() }
  }
}
