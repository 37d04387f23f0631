import Synchronization

/// An option that a message tells a person to use, by the name that it has where they are: an argument or setting of the
/// library, or a flag where the command has said so.
package enum OptionName: String, Sendable, CaseIterable, CustomStringConvertible {
  // Of the data.
  case target, task, test, missing, leaveOut, skipLines, noHeader
  case sampleWeights = "weights"
  case splitShares = "split"
  case splitBy, splitSeed
  // Of the recipe.
  case learningRate = "optimizer.learningRate"
  case clip = "optimizer.clip"
  case loss = "loss.kind"
  case classWeights = "loss.classWeights"
  case calibrate = "decision.calibrates"
  case threshold = "decision.threshold"
  // Of an evaluation or examination.
  case humanError, budget, folds
  // Of the places of files.
  case out = "folder"
  case resume, again, study, studyName

  /// Names the options in all messages from here on; nil: as the library does.
  package static func spell(_ names: (@Sendable (OptionName) -> String)?) { speller.withLock { $0 = names } }

  private static let speller = Mutex<(@Sendable (OptionName) -> String)?>(nil)

  /// The name as in the library, `weights` or `optimizer.clip`, or the command's flag.
  package var description: String { Self.speller.withLock { $0?(self) } ?? rawValue }
}
