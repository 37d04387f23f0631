import TartineKernels
import TartinePlatform

/// The floating-point type of a network.
///
/// Training uses `float32`; `float64` runs the same kernels, compiled from the same text, for finite
/// differences or close comparison with another library.
public enum Precision: String, Codable, Sendable, CaseIterable {
  /// 32 bits, `Float`.
  case float32
  /// 64 bits, `Double`.
  case float64

  /// The size of one element in bytes.
  public var size: Int { self == .float32 ? 4 : 8 }

  /// The kernels of this precision for this processor.
  package var kernels: UnsafePointer<tartine_kernels> {
    self == .float32 ? KernelTables.float32.table : KernelTables.float64.table
  }

  /// Fills contiguous elements with one value.
  package func fill(_ start: UnsafeMutableRawPointer, count: Int, with value: Double) {
    switch self {
    case .float32: start.assumingMemoryBound(to: Float.self).update(repeating: Float(value), count: count)
    case .float64: start.assumingMemoryBound(to: Double.self).update(repeating: value, count: count)
    }
  }
}

/// The selected kernels, determined once.
private struct KernelTables: @unchecked Sendable {
  static let float32 = KernelTables(table: tartine_kernels_for(TARTINE_FLOAT32))
  static let float64 = KernelTables(table: tartine_kernels_for(TARTINE_FLOAT64))

  let table: UnsafePointer<tartine_kernels>
}

/// A scalar type with kernels: `Float` or `Double`.
public protocol EngineScalar: BinaryFloatingPoint, Sendable {
  /// The precision whose elements have this type.
  static var precision: Precision { get }
  /// Not to be called: see `exp`.
  static func _exp(_ x: Self) -> Self
  /// Not to be called: see `log`.
  static func _log(_ x: Self) -> Self
  /// Not to be called: see `tanh`.
  static func _tanh(_ x: Self) -> Self
}

// In an extension, so that a package with functions of these names for Float and Double is not ambiguous beside this one.
extension EngineScalar {
  /// eˣ.
  @inlinable public static func exp(_ x: Self) -> Self { _exp(x) }
  /// The natural logarithm.
  @inlinable public static func log(_ x: Self) -> Self { _log(x) }
  /// The hyperbolic tangent.
  @inlinable public static func tanh(_ x: Self) -> Self { _tanh(x) }
}

extension Float: EngineScalar {
  /// `float32`.
  public static var precision: Precision { .float32 }
  /// eˣ.
  public static func _exp(_ x: Float) -> Float { expf(x) }
  /// The natural logarithm.
  public static func _log(_ x: Float) -> Float { logf(x) }
  /// The hyperbolic tangent.
  public static func _tanh(_ x: Float) -> Float { tanhf(x) }
}

extension Double: EngineScalar {
  /// `float64`.
  public static var precision: Precision { .float64 }
  /// eˣ.
  public static func _exp(_ x: Double) -> Double { TartinePlatform.exp(x) }
  /// The natural logarithm.
  public static func _log(_ x: Double) -> Double { TartinePlatform.log(x) }
  /// The hyperbolic tangent.
  public static func _tanh(_ x: Double) -> Double { TartinePlatform.tanh(x) }
}
