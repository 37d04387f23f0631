#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The system's words for the last error.
func systemError() -> String { String(cString: strerror(errno)) }
