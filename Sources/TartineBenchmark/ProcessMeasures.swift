#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the system knows of this process.
enum ProcessMeasures {
  private static let began = ContinuousClock.now
  /// Loading the program took so much time of the processor before its first line.
  private static let loading = Double(clock()) / Double(CLOCKS_PER_SEC)

  /// Seconds since the process began.
  static var secondsSinceStart: Double { (ContinuousClock.now - began) / .seconds(1) + loading }

  /// To be called first.
  static func start() { _ = (began, loading) }

  /// The most memory it held at once, in bytes.
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
