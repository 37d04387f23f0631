import Tartine
import TartineKernels

/// A workload's matrix products alone, each with the fastest partition over the threads.
///
/// The products of a layer X W are X W forward, G Wᵀ for the input's gradient (except in the first layer) and
/// Xᵀ G for the weights' gradient.
final class Floor {
  private struct Product {
    let name: String
    let transposedA, transposedB: Bool
    let m, n, k: Int
    let a, b, c: UnsafeMutableRawPointer
    /// The numbers of row and column blocks.
    var rowParts = 1
    var columnParts = 1

    var strideA: Int { transposedA ? m : k }
    var strideB: Int { transposedB ? k : n }
    var parts: Int { rowParts * columnParts }
    var cut: String { "\(name) \(rowParts)x\(columnParts)" }
  }

  private let kernels = Precision.float32.kernels
  /// The library that computes the products; nil: Tartine.
  private let blas: SystemBLAS?
  private let workers: Workers
  private let arena: Arena
  private var products: [Product] = []
  private var current = 0
  private let samples: Int

  init(_ workload: Workload, workers: Workers, blas: SystemBLAS?) {
    self.blas = blas
    self.workers = workers
    let widths = [workload.inputs] + workload.hidden + [workload.classes]
    let batch = workload.batch * workload.members
    samples = workload.batch
    var layout = ArenaLayout()
    // Activations and their gradients by layer, then weights and their gradients.
    let values = widths.map { width in (0..<2).map { _ in layout.reserve(batch * width, size: 4) } }
    let weights = zip(widths, widths.dropFirst()).map { fanIn, fanOut in
      (0..<2).map { _ in layout.reserve(fanIn * fanOut, size: 4) }
    }
    arena = Arena(layout)
    var stream = RandomStream(seed: 0, purpose: .test)
    for index in 0..<arena.byteCount / 4 {
      arena.base.assumingMemoryBound(to: Float.self)[index] = Float(stream.uniform()) - 0.5
    }
    for (layer, (fanIn, fanOut)) in zip(widths, widths.dropFirst()).enumerated() {
      products.append(
        Product(
          name: "forward\(layer)", transposedA: false, transposedB: false, m: batch, n: fanOut, k: fanIn,
          a: arena[values[layer][0]], b: arena[weights[layer][0]], c: arena[values[layer + 1][0]]))
    }
    for (layer, (fanIn, fanOut)) in zip(widths, widths.dropFirst()).enumerated().reversed() {
      products.append(
        Product(
          name: "weights\(layer)", transposedA: true, transposedB: false, m: fanIn, n: fanOut, k: batch,
          a: arena[values[layer][0]], b: arena[values[layer + 1][1]], c: arena[weights[layer][1]]))
      // The scales of members need the gradient of the first layer's input.
      guard layer > 0 || workload.members > 1 else { continue }
      products.append(
        Product(
          name: "inputs\(layer)", transposedA: false, transposedB: true, m: batch, n: fanIn, k: fanOut,
          a: arena[values[layer + 1][1]], b: arena[weights[layer][0]], c: arena[values[layer][1]]))
    }
  }

  func measure(seconds: Double) -> Measurement {
    for index in products.indices { chooseCut(index) }
    var result = Measurement(seconds: seconds, samples: Double(samples)) {
      for index in products.indices { run(index) }
    }
    result.cuts = products.map(\.cut)
    return result
  }

  /// Times several partitions in turns, and keeps the one with the lowest best time.
  private func chooseCut(_ index: Int) {
    var candidates = [(1, 1)]
    if workers.count > 1 {
      let counts = [workers.count, 2 * workers.count, 4 * workers.count]
      candidates += counts.map { ($0, 1) } + counts.map { (1, $0) } + [(workers.count, 2), (2, workers.count)]
    }
    candidates = candidates.filter { $0.0 <= products[index].m && $0.1 <= products[index].n }
    var best = [Double](repeating: .infinity, count: candidates.count)
    let work = products[index].m * products[index].n * products[index].k
    let repeats = max(1, 20_000_000 / work)
    for _ in 0..<12 {
      for (place, cut) in candidates.enumerated() {
        (products[index].rowParts, products[index].columnParts) = cut
        let start = ContinuousClock.now
        for _ in 0..<repeats { run(index) }
        best[place] = min(best[place], (ContinuousClock.now - start) / .seconds(1))
      }
    }
    let place = best.indices.min { best[$0] < best[$1] } ?? 0
    (products[index].rowParts, products[index].columnParts) = candidates[place]
  }

  private func run(_ index: Int) {
    current = index
    workers.perform(products[index].parts, context: Unmanaged.passUnretained(self).toOpaque()) { context, part, _ in
      guard let context else { return }
      Unmanaged<Floor>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.perform(Int(part)) }
    }
  }

  private func perform(_ part: Int) {
    let product = products[current]
    func range(_ part: Int, of parts: Int, _ count: Int) -> Range<Int> {
      part * count / parts..<(part + 1) * count / parts
    }
    let rows = range(part / product.columnParts, of: product.rowParts, product.m)
    let columns = range(part % product.columnParts, of: product.columnParts, product.n)
    let a = product.a + 4 * rows.lowerBound * (product.transposedA ? 1 : product.k)
    let b = product.b + 4 * columns.lowerBound * (product.transposedB ? product.k : 1)
    let c = product.c + 4 * (rows.lowerBound * product.n + columns.lowerBound)
    if let blas {
      blas.multiply(
        product.transposedA, product.transposedB, rows.count, columns.count, product.k, a, product.strideA, b,
        product.strideB, c, product.n)
    } else {
      kernels.pointee.product(
        product.transposedA, product.transposedB, rows.count, columns.count, product.k, a, product.strideA, b,
        product.strideB, false, c, product.n)
    }
  }
}
