import Tartine

/// A failure's message and exit code.
struct Failure {
  let message: String
  let code: Int32

  /// Returns nil for errors that the argument parser prints itself: wrong usage, help, version.
  init?(_ error: any Error) {
    switch error {
    case let error as DataError: self.init(error.description, 65)
    case let error as FileError:
      let code: Int32 =
        switch error.kind {
        case .missing: 66
        case .damaged: 65
        case .cannotCreate: 73
        case .writeFailed: 74
        }
      self.init(error.description, code)
    case let error as RecipeError: self.init(error.description, 64)
    case let error as SearchError: self.init(error.description, 64)
    case let error as NetworkError: self.init(error.description, 64)
    case let error as ShapeError: self.init(error.description, 64)
    case let error as DataSourceError: self.init(error.description, 64)
    case let error as FoldError:
      guard let inner = Failure(error.error) else { return nil }
      self.init(error.description, inner.code)
    case let error as DivergenceError: self.init(error.description, 75)
    case let error as UsageError: self.init(error.description, 64)
    default: return nil
    }
  }

  private init(_ message: String, _ code: Int32) {
    self.message = message
    self.code = code
  }
}

/// Flags that do not go together.
struct UsageError: Error {
  let description: String

  init(_ description: String) { self.description = description }
}
