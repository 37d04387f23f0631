import TartinePlatform

/// Times in the format of a study's file: `2026-11-24 18:30:00.123456`, in UTC.
enum UTC {
  static var now: String {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    var seconds = time.tv_sec
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let micro = "\(time.tv_nsec / 1000)"
    return
      "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min)):"
      + "\(two(parts.tm_sec)).\(String(repeating: "0", count: 6 - micro.count))\(micro)"
  }

  /// Returns the seconds since 1970, or nil for text in another format.
  static func seconds(_ text: String) -> Double? {
    let numbers = text.split { !$0.isNumber }.compactMap { Double($0) }
    guard numbers.count >= 6 else { return nil }
    var parts = tm()
    // Reject dates that do not exist.
    guard numbers[0] < 10_000, numbers[1...5].allSatisfy({ $0 < 100 }) else { return nil }
    let whole = numbers.map { Int32(min($0, 10_000)) }
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (whole[0] - 1900, whole[1] - 1, whole[2])
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (whole[3], whole[4], whole[5])
    let fraction =
      text.split(separator: ".").dropFirst().first.flatMap { Double("0.\($0.prefix { $0.isNumber })") } ?? 0
    return Double(timegm(&parts)) + fraction
  }
}
