#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The system's message for the last error.
func systemError() -> String { String(cString: strerror(errno)) }
