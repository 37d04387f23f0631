import TartineKernels

/// A team of threads, including the caller, that spin briefly between tasks and then sleep.
///
/// Each run has its own team, so that concurrent runs share nothing.
package final class Workers: @unchecked Sendable {
  /// The number of threads, at least 1.
  package let count: Int
  private let team: OpaquePointer?

  /// - Parameter requested: the number of threads; only one where no other can be started.
  package init(_ requested: Int) {
    team = requested > 1 ? tartine_workers_create(Int32(requested)) : nil
    count = team == nil ? 1 : requested
  }

  deinit {
    if let team { tartine_workers_destroy(team) }
  }

  /// The number of processors that this process may use.
  package static var processorCount: Int { Int(tartine_processor_count()) }

  /// The size of this machine's memory in bytes.
  package static var physicalMemory: Int { Int(tartine_physical_memory()) }

  /// Runs the parts `0 ..< parts` of a task and returns when all are done. Allocates nothing.
  ///
  /// The result of a part must depend on its number alone, never on the worker that runs it: this makes
  /// results independent of the number of threads.
  package func perform(_ parts: Int, context: UnsafeMutableRawPointer, body: tartine_work) {
    if parts > 1, let team {
      tartine_workers_run(team, Int32(parts), body, context)
    } else {
      for part in 0..<parts { body(context, Int32(part), 0) }
    }
  }

  /// Runs work on the calling thread with subnormal numbers flushed to 0, like the team's own work, since
  /// some processors are a hundred times slower at them. The previous mode is restored on return.
  package static func flushingDenormals<Result>(_ work: () throws -> Result) rethrows -> Result {
    let before = tartine_flush_denormals()
    defer { tartine_restore_denormals(before) }
    return try work()
  }
}
