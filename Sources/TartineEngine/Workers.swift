import TartineKernels

/// A team of threads, the caller among them, that spin briefly between pieces of work and then sleep.
///
/// One run of a training has its own team, so that several runs side by side share nothing.
package final class Workers: @unchecked Sendable {
  /// How many threads share the work, at least 1.
  package let count: Int
  private let team: OpaquePointer?

  /// - Parameter requested: the threads wanted; one does the work where no other can be started.
  package init(_ requested: Int) {
    team = requested > 1 ? tartine_workers_create(Int32(requested)) : nil
    count = team == nil ? 1 : requested
  }

  deinit {
    if let team { tartine_workers_destroy(team) }
  }

  /// Processors that this process may use.
  package static var processorCount: Int { Int(tartine_processor_count()) }

  /// Bytes of this machine's memory.
  package static var physicalMemory: Int { Int(tartine_physical_memory()) }

  /// Does the parts `0 ..< parts` of a piece of work and returns when all are done. Allocates nothing.
  ///
  /// What a part computes must depend on its number alone, never on the worker that does it: that is what
  /// makes a result the same for any number of threads.
  package func perform(_ parts: Int, context: UnsafeMutableRawPointer, body: tartine_work) {
    if parts > 1, let team {
      tartine_workers_run(team, Int32(parts), body, context)
    } else {
      for part in 0..<parts { body(context, Int32(part), 0) }
    }
  }

  /// Does work of the calling thread as the team does its own: numbers too small to be normal are taken for 0, since
  /// some processors are a hundred times slower at them. The caller's thread is as before when it returns.
  package static func flushingDenormals<Result>(_ work: () throws -> Result) rethrows -> Result {
    let before = tartine_flush_denormals()
    defer { tartine_restore_denormals(before) }
    return try work()
  }
}
