import TartinePlatform

/// Time and memory of this process, from the operating system.
enum ProcessMeasures {
  private static let began = ContinuousClock.now
  /// The processor time that loading the program took before its first line ran.
  private static let loading = Double(clock()) / Double(CLOCKS_PER_SEC)

  /// The seconds since the process started.
  static var secondsSinceStart: Double { (ContinuousClock.now - began) / .seconds(1) + loading }

  /// Starts the clock; call it first.
  static func start() { _ = (began, loading) }

  /// The peak memory of the process, in bytes.
  static var peakMemory: Int {
    var usage = rusage()
    #if canImport(Darwin)
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      // 0 is RUSAGE_SELF, which Glibc and Musl import with different types; they count in KiB.
      getrusage(0, &usage)
      return usage.ru_maxrss * 1024
    #endif
  }
}
