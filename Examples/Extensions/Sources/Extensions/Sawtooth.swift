import Tartine

/// Falls linearly to 0 in each epoch, and begins again at a peak that falls over the run.
package struct Sawtooth: CustomSchedule {
  package static let name = "sawtooth"
  /// The share of the peak that is left at the end of the run.
  package var end = 0.1

  package init(end: Double = 0.1) { self.end = end }

  package func factor(at place: SchedulePlace) -> Double {
    (1 - place.epochs.truncatingRemainder(dividingBy: 1)) * (1 - (1 - end) * place.progress)
  }
}
