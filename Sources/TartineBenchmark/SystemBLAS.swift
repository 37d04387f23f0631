import TartinePlatform

/// The system's OpenBLAS, loaded at run time, as a reference for Tartine's matrix products.
struct SystemBLAS: @unchecked Sendable {
  /// `cblas_sgemm`, row-major: 111 is plain, 112 transposed.
  typealias Product =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafeRawPointer, Int32, UnsafeRawPointer, Int32, Float,
      UnsafeMutableRawPointer, Int32
    ) -> Void

  let name: String
  private let sgemm: Product

  /// Returns nil if there is no OpenBLAS, or it cannot be called from several threads at once.
  init?() {
    guard let library = dlopen("libopenblas.so.0", RTLD_NOW),
      let sgemm = dlsym(library, "cblas_sgemm"), let setThreads = dlsym(library, "openblas_set_num_threads"),
      let isParallel = dlsym(library, "openblas_get_parallel"),
      let configuration = dlsym(library, "openblas_get_config"),
      unsafeBitCast(isParallel, to: (@convention(c) () -> Int32).self)() != 0
    else { return nil }
    self.sgemm = unsafeBitCast(sgemm, to: Product.self)
    let words = String(
      cString: unsafeBitCast(configuration, to: (@convention(c) () -> UnsafePointer<CChar>).self)()
    ).split(separator: " ")
    name = words.prefix(2).joined(separator: " ")
    // Each product runs on the calling thread alone.
    unsafeBitCast(setThreads, to: (@convention(c) (Int32) -> Void).self)(1)
  }

  func multiply(
    _ transposedA: Bool, _ transposedB: Bool, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafeRawPointer, _ strideA: Int,
    _ b: UnsafeRawPointer, _ strideB: Int, _ c: UnsafeMutableRawPointer, _ strideC: Int
  ) {
    sgemm(
      101, transposedA ? 112 : 111, transposedB ? 112 : 111, Int32(m), Int32(n), Int32(k), 1, a, Int32(strideA), b,
      Int32(strideB), 0, c, Int32(strideC))
  }
}
