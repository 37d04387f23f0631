import TartineEngine
import TartineKernels

/// The interpreter of a program: its memory for one batch, and the phases of a pass over it. Allocates nothing after
/// its creation.
///
/// Training runs the parts of a phase on several threads, with a barrier after each phase; prediction runs a whole
/// pass over a few rows on one thread. Backward goes by value, last to first: for each part of a value its readers
/// propagate to it, then the operation that makes it differentiates, so that the part stays in a worker's cache.
package final class Pass {
  package let program: Program
  /// The memory of the pass, and what its frame points to.
  private let arenas: [Arena]
  private let operations: UnsafeMutableBufferPointer<any Operation>
  private let values: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
  private let gradients: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>
  private let propagators: UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Int>>
  private let copies: UnsafeMutableBufferPointer<Int>
  /// Set before a phase, and only read during it.
  let frame: UnsafeMutablePointer<Frame>

  /// - Parameters:
  ///   - weights, state, parameterGradients: buffers created by the graph.
  ///   - seed: the seed of the random draws.
  init(
    _ program: Program, precision: Precision, seed: UInt64 = 0, weights: Arena, state: Arena,
    parameterGradients: Arena? = nil
  ) {
    self.program = program
    let memory = Arena(program.memory)
    arenas = [memory, weights, state] + [parameterGradients].compactMap { $0 }
    let count = program.values.count
    operations = .allocate(capacity: count - 1)
    _ = operations.initialize(from: program.operations)
    values = .allocate(capacity: count)
    _ = values.initialize(from: program.values.map { memory[$0] })
    gradients = .allocate(capacity: count)
    _ = gradients.initialize(
      from: program.gradients.map { place in
        switch place {
        case nil: nil
        case .own(let offset): memory[offset]
        case .value(let value): memory[program.values[value]]
        }
      })
    propagators = .allocate(capacity: count)
    _ = propagators.initialize(
      from: program.propagators.map { list in
        let copy = UnsafeMutableBufferPointer<Int>.allocate(capacity: list.count)
        _ = copy.initialize(from: list)
        return copy
      })
    copies = .allocate(capacity: count)
    _ = copies.initialize(from: program.copies)
    frame = .allocate(capacity: 1)
    frame.initialize(
      to: Frame(
        kernels: precision.kernels, precision: precision, values: values, gradients: gradients, copies: copies,
        memory: memory.base, weights: weights.base, state: state.base, parameterGradients: parameterGradients?.base,
        seed: seed))
  }

  deinit {
    frame.deinitialize(count: 1)
    frame.deallocate()
    operations.deinitialize()
    operations.deallocate()
    values.deallocate()
    gradients.deallocate()
    for list in propagators { list.deallocate() }
    propagators.deallocate()
    copies.deallocate()
  }

  /// The input of the pass, for a batch that lies elsewhere.
  var input: UnsafeMutableRawPointer {
    get { values[0] }
    set { values[0] = newValue }
  }

  /// What the last operation makes: the logits.
  var output: UnsafeMutableRawPointer { values[values.count - 1] }

  /// The number of operations.
  var count: Int { operations.count }

  /// The rows of what an operation makes.
  func rows(_ number: Int) -> Int { frame.pointee.rows(of: number + 1) }

  func parts(_ number: Int) -> Int { operations[number].parts(rows: rows(number)) }

  /// Computes a part of what an operation makes.
  func forward(_ number: Int, _ part: Int) {
    let block = operations[number].block(part, rows: rows(number))
    operations[number].forward(part, block, frame.pointee)
  }

  func updateState(_ number: Int) { operations[number].updateState(frame.pointee) }

  /// Computes a part of the gradient of what an operation makes, and of its vectors.
  ///
  /// - Returns: Σ g² of the vectors.
  func backward(_ number: Int, _ part: Int) -> Double {
    let block = operations[number].block(part, rows: rows(number))
    let readers = propagators[number + 1]
    for place in readers.indices {
      operations[readers[place]].propagate(to: number + 1, block, adding: place > 0, frame.pointee)
    }
    return operations[number].differentiate(part, block, frame.pointee)
  }

  /// Differentiates a part of an operation, whose gradient has been propagated already.
  func differentiate(_ number: Int, _ part: Int) -> Double {
    operations[number].differentiate(
      part, operations[number].block(part, rows: rows(number)), frame.pointee)
  }

  /// Computes the gradient of a part of an operation's parameters.
  ///
  /// - Returns: Σ g² of it.
  func parameterGradient(_ number: Int, _ part: Int) -> Double {
    operations[number].parameterGradient(part, frame.pointee)
  }

  /// Rereads weights and moving averages after a change, before prediction.
  func prepare() {
    for number in operations.indices { operations[number].prepare(frame.pointee) }
  }

  /// Runs all operations in turn over whole rows, on this thread.
  func predict(rows: Int) {
    frame.pointee.rows = rows
    for operation in operations.indices {
      let width = operations[operation].width
      operations[operation].forward(0, Block(rows: 0..<self.rows(operation), columns: 0..<width), frame.pointee)
    }
  }

  /// The matrices in which a value may have become non-finite, first to last.
  func results(_ number: Int) -> [UnsafeMutableRawPointer] { operations[number].results(frame.pointee) }

  /// The gradient with respect to an operation's own sum.
  func gradient(_ number: Int) -> UnsafeMutableRawPointer? { gradients[number + 1] }
  func value(_ number: Int) -> UnsafeMutableRawPointer { values[number + 1] }
}
