/// Ranks trials with noisy scores by the prediction of a Gaussian process.
package enum Recommendation {
  /// Returns the indices of the trials, best prediction first, without unfinished trials.
  package static func order(_ history: [Observation], in space: SearchSpace) -> [Int] {
    let done = history.indices.filter { history[$0].value?.isFinite == true }
    let byValue = done.sorted { (history[$0].value ?? 0, $0) < (history[$1].value ?? 0, $1) }
    // Fit the better half alone, so that bad trials do not dominate the fit.
    let half = Array(byValue.prefix(max(12, byValue.count / 2)))
    guard half.count >= 8 else { return byValue }
    let values = WarpedValues(half.map { history[$0].value ?? 0 }).list
    guard
      let process = GaussianProcess(
        half.map { history[$0].point }, values, isOrdered: space.parameters.map(\.domain.isOrdered), evaluations: 60)
    else { return byValue }
    let expected = process.predict(half.map { history[$0].point }).map(\.mean)
    let order = half.indices.sorted { (expected[$0], half[$0]) < (expected[$1], half[$1]) }.map { half[$0] }
    return order + byValue.dropFirst(half.count)
  }
}
