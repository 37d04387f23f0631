import TartineEngine

/// A learning rate schedule defined outside this package: a function of the step alone, so that no state has to be saved.
///
/// ```swift
/// struct Sawtooth: CustomSchedule {
///   static let name = "sawtooth"
///   func factor(at place: SchedulePlace) -> Double { 1 - place.epochs.truncatingRemainder(dividingBy: 1) }
/// }
/// .adam(learningRate: LearningRate(1e-3, shape: .custom(Sawtooth())))
/// ```
///
/// Register it before a recipe or model file that names it is opened, or a tuner changes a recipe that has it:
/// ``LearningRate/register(_:)``.
public protocol CustomSchedule: NamedExtension {
  /// Returns the learning rate of a step as a multiple of the peak: a finite number, at least 0.
  func factor(at place: SchedulePlace) -> Double
}

/// The place of a step in a run, after the warm-up.
public struct SchedulePlace: Hashable, Sendable {
  /// The index of the step, from 0.
  public let step: Int
  /// The number of steps.
  public let steps: Int
  /// The finished epochs, with a fraction.
  public let epochs: Double
  /// The finished share of the steps, from 0 to 1.
  public var progress: Double { min(1, Double(step) / Double(max(1, steps))) }
}

extension LearningRate {
  /// Registers a schedule, so that recipes and model files can name it. Its name must differ from ``scheduleNames``, ignoring
  /// case and separators, and from that of another registered type.
  public static func register(_ type: (some CustomSchedule).Type) {
    registry.register(type, unlike: scheduleNames)
  }
  static let registry = ExtensionRegistry<any CustomSchedule>()
}
