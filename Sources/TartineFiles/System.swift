import TartinePlatform

/// The system's message for the last error.
func systemError() -> String { String(cString: strerror(errno)) }
