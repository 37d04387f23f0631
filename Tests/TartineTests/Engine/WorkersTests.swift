import Foundation
import Synchronization
import Tartine
import Testing

/// The thread pool.
@Suite struct WorkersTests {
  /// The record of one piece of work: how often each part was done, and by which workers.
  private final class Record: Sendable {
    let counts = Mutex<[Int: Int]>([:])
    let workers = Mutex<Set<Int>>([])
    /// The number of seconds that any worker but the caller sleeps in a part.
    let delay: Double

    init(delay: Double = 0) { self.delay = delay }

    func run(_ team: Workers, parts: Int) {
      team.perform(parts, context: Unmanaged.passUnretained(self).toOpaque()) { context, part, worker in
        guard let context else { return }
        let record = Unmanaged<Record>.fromOpaque(context).takeUnretainedValue()
        record.counts.withLock { $0[Int(part), default: 0] += 1 }
        record.workers.withLock { _ = $0.insert(Int(worker)) }
        if worker != 0, record.delay > 0 {
          Thread.sleep(forTimeInterval: record.delay)
        } else {
          // Long enough for the others to come.
          var stream = RandomStream(seed: 0, purpose: .test)
          for _ in 0..<2_000 { _ = stream.next() }
        }
      }
    }
  }

  @Test(arguments: [1, 2, 3, 5]) func eachPartIsDoneOnce(_ threads: Int) {
    let team = Workers(threads)
    for parts in [0, 1, 2, 7, 100] {
      for _ in 0..<20 {
        let record = Record()
        record.run(team, parts: parts)
        #expect(record.counts.withLock { $0 } == Dictionary(uniqueKeysWithValues: (0..<parts).map { ($0, 1) }))
      }
    }
  }

  /// A preempted thread that holds a part, as when another process takes its processor: the caller goes on
  /// alone, and after a while with the team again.
  @Test func aCallerWhoseTeamIsNotRunWorksAloneForAWhile() {
    let team = Workers(2)
    var wasAlone = false
    for _ in 0..<200 where !wasAlone {
      let slow = Record(delay: 0.02)
      slow.run(team, parts: 8)
      let next = Record()
      next.run(team, parts: 8)
      #expect(next.counts.withLock { $0.count } == 8)
      wasAlone = slow.workers.withLock { $0 == [0, 1] } && next.workers.withLock { $0 == [0] }
    }
    #expect(wasAlone)
    var isTogether = false
    for _ in 0..<200 where !isTogether {
      Thread.sleep(forTimeInterval: 0.005)
      let record = Record()
      record.run(team, parts: 64)
      isTogether = record.workers.withLock { $0.count } == 2
    }
    #expect(isTogether)
  }
}
