import TartineKernels

/// The floating-point type that a network computes in.
///
/// `float32` is what training uses; `float64` runs the same kernels, compiled from the same text, where
/// finite differences or another library's values are to be met closely.
public enum Precision: String, Codable, Sendable, CaseIterable {
  /// 32 bits, `Float`.
  case float32
  /// 64 bits, `Double`.
  case float64

  /// Bytes of one element.
  public var size: Int { self == .float32 ? 4 : 8 }

  /// The kernels of this precision for this processor.
  package var kernels: UnsafePointer<tartine_kernels> {
    self == .float32 ? KernelTables.float32.table : KernelTables.float64.table
  }

  /// Sets elements that lie one after the other to one value.
  package func fill(_ start: UnsafeMutableRawPointer, count: Int, with value: Double) {
    switch self {
    case .float32: start.assumingMemoryBound(to: Float.self).update(repeating: Float(value), count: count)
    case .float64: start.assumingMemoryBound(to: Double.self).update(repeating: value, count: count)
    }
  }
}

/// The choice of kernels, made once.
private struct KernelTables: @unchecked Sendable {
  static let float32 = KernelTables(table: tartine_kernels_for(TARTINE_FLOAT32))
  static let float64 = KernelTables(table: tartine_kernels_for(TARTINE_FLOAT64))

  let table: UnsafePointer<tartine_kernels>
}

/// A scalar that the engine has kernels for: `Float` or `Double`.
public protocol EngineScalar: BinaryFloatingPoint, Sendable {
  /// The precision that has this type as its elements.
  static var precision: Precision { get }
}

extension Float: EngineScalar {
  /// `float32`.
  public static var precision: Precision { .float32 }
}

extension Double: EngineScalar {
  /// `float64`.
  public static var precision: Precision { .float64 }
}
