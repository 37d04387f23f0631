import TartinePlatform

extension LearningRate {
  /// The learning rate of a step.
  ///
  /// - Parameters:
  ///   - step: the index of the step, from 0.
  ///   - total: the number of steps of the whole run.
  ///   - epochSteps: the number of steps of an epoch.
  ///   - devLosses: the dev losses of the epochs so far, which a plateau depends on.
  public func rate(at step: Int, of total: Int, epochSteps: Int, devLosses: [Double] = []) -> Double {
    rate(Place(step: step, total: total, epochSteps: max(1, epochSteps), devLosses: devLosses[...]))
  }

  /// The β₁ of a step, if the schedule sets it; during warm-up it is at its highest.
  package func beta1(at step: Int, of total: Int) -> Double? { beta1(Place(step: step, total: total)) }

  private func beta1(_ place: Place) -> Double? {
    let warmupSteps = warmupSteps(of: place.total)
    switch shape {
    case .oneCycle(let cycle):
      guard place.step >= warmupSteps else { return cycle.highBeta1 }
      return cycle.between(
        cycle.highBeta1, cycle.lowBeta1, cycle.highBeta1, at: place.step - warmupSteps, of: place.total - warmupSteps)
    case .joined(let parts):
      guard let (part, inside) = Self.part(of: parts, place.after(warmupSteps, total: place.total - warmupSteps))
      else { return nil }
      return LearningRate(peak, shape: part.shape, warmup: part.warmup).beta1(inside)
    default: return nil
    }
  }

  private func warmupSteps(of total: Int) -> Int {
    // Invalid shares have already been rejected.
    warmup.isFinite ? Int((warmup * Double(total)).rounded()) : 0
  }

  /// The position of a step in a run, or in a part of one.
  fileprivate struct Place {
    var step, total: Int
    var epochSteps = 1
    var devLosses: ArraySlice<Double> = []

    func after(_ steps: Int, total: Int) -> Place {
      Place(
        step: step - steps, total: total, epochSteps: epochSteps,
        devLosses: devLosses.dropFirst((steps + epochSteps - 1) / epochSteps))
    }
  }

  private func rate(_ place: Place) -> Double {
    let warmupSteps = warmupSteps(of: place.total)
    if place.step < warmupSteps { return peak * Double(place.step + 1) / Double(warmupSteps) }
    let total = place.total - warmupSteps
    let t = Double(place.step - warmupSteps)
    let epochs = t / Double(place.epochSteps)
    let progress = min(1, t / Double(max(1, total)))
    /// Half a cosine from `peak` to `end`.
    func cosine(_ progress: Double, to end: Double) -> Double {
      end + (peak - end) * (1 + cos(Double.pi * progress)) / 2
    }
    switch shape {
    case .constant: return peak
    case .inverseTime(let decay): return peak / (1 + decay * epochs)
    case .inverseSquareRoot(let decay): return peak / (1 + decay * epochs).squareRoot()
    case .exponential(let factor): return peak * pow(factor, epochs)
    case .staircase(let factor, let every): return peak * pow(factor, (epochs / every).rounded(.down))
    case .polynomial(let power, let end): return end + (peak - end) * pow(1 - progress, power)
    case .cosine(let end): return cosine(progress, to: end)
    case .cosineRestarts(let first, let factor, let end):
      return cosine(Self.cycle(epochs, first: first, factor: factor), to: end)
    case .logCosine: return peak * (1 - cos(2 * Double.pi * log2(1 + 15 * progress))) / 2
    case .stableDecay(let share, let end):
      return peak + (end - peak) * max(0, (progress - (1 - share)) / share)
    case .oneCycle(let cycle):
      let start = peak / cycle.startDivisor
      return cycle.between(start, peak, start / cycle.endDivisor, at: place.step - warmupSteps, of: total)
    case .plateau(let factor, let patience):
      return peak * pow(factor, Double(Self.plateaus(in: place.devLosses, patience: patience)))
    case .other(let own):
      // The trainer checks that the learning rate is finite and not negative.
      return peak * own.value.factor(at: SchedulePlace(step: Int(t), steps: total, epochs: epochs))
    case .joined(let parts):
      guard let (part, inside) = Self.part(of: parts, place.after(warmupSteps, total: total)) else { return peak }
      return LearningRate(peak * part.scale, shape: part.shape, warmup: part.warmup).rate(inside)
    }
  }

  /// The finished fraction of its cycle.
  private static func cycle(_ epochs: Double, first: Double, factor: Double) -> Double {
    guard factor > 1 else { return (epochs / first).truncatingRemainder(dividingBy: 1) }
    // (factorⁿ − 1) / (factor − 1) times `first` epochs lie before cycle n.
    let number = log(1 + epochs / first * (factor - 1)) / log(factor)
    // On a boundary, rounding must not fall back into the previous cycle.
    let cycle = (number + 1e-9).rounded(.down)
    let start = first * (pow(factor, cycle) - 1) / (factor - 1)
    return max(0, (epochs - start) / (first * pow(factor, cycle)))
  }

  /// Whether it depends on the number of epochs of the whole run.
  package var dependsOnEpochs: Bool {
    if warmup > 0 { return true }
    switch shape {
    case .constant, .inverseTime, .inverseSquareRoot, .exponential, .staircase, .cosineRestarts, .plateau: return false
    case .polynomial, .cosine, .logCosine, .stableDecay, .oneCycle, .joined, .other: return true
    }
  }

  /// Whether it depends on the dev losses of the epochs so far.
  package var followsDevLosses: Bool { Self.followsDevLosses(shape) }

  private static func followsDevLosses(_ shape: Shape) -> Bool {
    switch shape {
    case .plateau: true
    case .joined(let parts): parts.contains { followsDevLosses($0.shape) }
    default: false
    }
  }

  /// The number of times that the loss had not decreased, by 10⁻⁴ of the best, for more than `patience`
  /// epochs.
  private static func plateaus(in losses: ArraySlice<Double>, patience: Int) -> Int {
    var best = Double.infinity
    var waited = 0
    var count = 0
    for loss in losses {
      // Losses may be negative.
      if best == .infinity || loss < best - 1e-4 * abs(best) {
        best = loss
        waited = 0
      } else {
        waited += 1
      }
      if waited > patience {
        count += 1
        waited = 0
      }
    }
    return count
  }

  /// The part that contains a step, and the position in it; nil without parts.
  private static func part(of parts: [Part], _ place: Place) -> (Part, Place)? {
    var share = 0.0
    var start = 0
    for part in parts.dropLast() {
      share += part.share
      let end = Int((share * Double(place.total)).rounded())
      if place.step < end { return (part, place.after(start, total: end - start)) }
      start = end
    }
    return parts.last.map { ($0, place.after(start, total: place.total - start)) }
  }
}

extension LearningRate.OneCycle {
  /// From `start` to `peak` and on to `end`, which is reached at the last step.
  fileprivate func between(_ start: Double, _ peak: Double, _ end: Double, at step: Int, of total: Int) -> Double {
    let top = rise * Double(total) - 1
    let last = Double(max(1, total - 1))
    func anneal(_ from: Double, _ to: Double, _ progress: Double) -> Double {
      to + (from - to) * (1 + cos(Double.pi * min(1, progress))) / 2
    }
    let t = Double(step)
    return t <= top
      ? anneal(start, peak, top > 0 ? t / top : 1) : anneal(peak, end, (t - max(0, top)) / (last - max(0, top)))
  }
}
