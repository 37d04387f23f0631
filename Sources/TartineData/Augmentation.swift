import TartinePlatform
import TartineEngine
import TartineKernels

/// Random changes to train images, drawn anew in every epoch, so that the network rarely sees the same image
/// twice.
///
/// Shift, rotation, zoom, shear, flips and elastic deformation are applied in one resampling step with
/// bilinear interpolation and edge padding. Noise, contrast and brightness follow, clipped to the range from
/// black to white; random erasing comes last. The draw is a function of (seed, epoch, image), so it does not
/// depend on the number of threads and is the same after a resumed run. Dev and test images are never
/// changed.
///
/// An operation must preserve the label: a flipped digit is another digit, or none. `tartine
/// preview-augmentation` shows what the network will see.
///
/// **Source**: Simard, Steinkraus, Platt, *Best practices for convolutional neural networks*, 2003, §2, for
/// elastic deformation (its σ = 4 and α = 34 are about ``elastic`` 1.4 and ``smoothness`` 7); DeVries and
/// Taylor, *Cutout*, 2017, and Zhong et al., *Random erasing*, 2020.
///
/// **Differs from**: Simard et al. smooth noise with a Gaussian; here the displacement is a cubic B-spline
/// through normally distributed control points, ``smoothness`` apart.
public struct Augmentation: Hashable, Sendable {
  /// The probability of a left-right flip.
  public var horizontalFlip = 0.0
  /// The probability of a top-bottom flip.
  public var verticalFlip = 0.0
  /// The padding, in pixels, from which a random crop of the original size is taken: a shift by whole pixels.
  public var crop = 0
  /// The largest shift, as a fraction of width and height.
  public var shift = 0.0
  /// The largest rotation, in degrees, in either direction.
  public var rotation = 0.0
  /// The largest zoom: by a factor of 1 + zoom, or its inverse.
  public var zoom = 0.0
  /// The largest shear, in degrees.
  public var shear = 0.0
  /// The standard deviation of the pixel displacement in elastic deformation, in pixels.
  public var elastic = 0.0
  /// The length scale of the elastic deformation, in pixels.
  public var smoothness = 7.0
  /// The largest brightness change, as a fraction of white, added to all pixels.
  public var brightness = 0.0
  /// The largest contrast change: by a factor of 1 + contrast, or its inverse.
  public var contrast = 0.0
  /// The standard deviation of the noise added to each pixel, as a fraction of white.
  public var noise = 0.0
  /// The probability of random erasing.
  public var erasing = 0.0
  /// The largest fraction of the image that is erased; the smallest is 0.02.
  public var erasedShare = 0.33

  /// No augmentation.
  public init() {}

  private init(crop: Int) { self.crop = crop }

  /// No augmentation.
  public static let none = Augmentation()

  /// Mild rotation, zoom, shear, shift and elastic deformation that preserve most labels, handwriting's too.
  public static var preset: Augmentation {
    var mild = Augmentation()
    (mild.rotation, mild.zoom, mild.shear, mild.shift, mild.elastic) = (5, 0.05, 3, 0.03, 0.8)
    return mild
  }

  /// Whether no operation is enabled.
  public var isNone: Bool { !moves && !colors && erasing == 0 }

  var moves: Bool {
    horizontalFlip > 0 || verticalFlip > 0 || crop > 0 || shift > 0 || rotation > 0 || zoom > 0 || shear > 0
      || elastic > 0
  }

  var colors: Bool { brightness > 0 || contrast > 0 || noise > 0 }

  /// Each enabled operation on its own, with its name.
  package var operations: [(name: String, augmentation: Augmentation)] {
    Self.numbers.compactMap { key, path in
      guard key != .smoothness, key != .erasedShare, self[keyPath: path] > 0 else { return nil }
      var one = Augmentation()
      (one.smoothness, one.erasedShare) = (smoothness, erasedShare)
      one[keyPath: path] = self[keyPath: path]
      return (key.rawValue, one)
    }
      + (crop > 0 ? [(Key.crop.rawValue, Augmentation(crop: crop))] : [])
  }

  /// A sentence that says which value is invalid, or nil.
  public var problem: String? {
    for (name, value) in [
      ("horizontalFlip", horizontalFlip), ("verticalFlip", verticalFlip), ("erasing", erasing),
      ("brightness", brightness), ("shift", shift), ("erasedShare", erasedShare),
    ] where !(value >= 0 && value <= 1) {
      return "augmentation.\(name) must be from 0 to 1, not \(value)"
    }
    for (name, value) in [
      ("zoom", zoom), ("contrast", contrast), ("noise", noise), ("elastic", elastic),
    ] where !(value >= 0 && value <= 100) {
      return "augmentation.\(name) must be from 0 to 100, not \(value)"
    }
    if !(rotation >= 0 && rotation <= 180) {
      return "augmentation.rotation must be from 0 to 180 degrees, not \(rotation)"
    }
    if !(shear >= 0 && shear < 90) { return "augmentation.shear must be from 0 to 90 degrees, not \(shear)" }
    if crop < 0 || crop > 1 << 12 { return "augmentation.crop must be from 0 to 4096 pixels, not \(crop)" }
    if !(smoothness >= 1 && smoothness <= 1e4) {
      return "augmentation.smoothness must be at least 1 pixel, not \(smoothness)"
    }
    return nil
  }

  /// The number of floats of scratch space for one image; 0 without augmentation.
  package func room(height: Int, width: Int, channels: Int) -> Int {
    guard !isNone else { return 0 }
    var lowered = lowered(height: height, width: width, channels: channels, scale: 1, seed: 0, epoch: 0)
    return tartine_augmentation_room(&lowered)
  }

  /// The kernel's parameters, for images of this shape.
  func lowered(height: Int, width: Int, channels: Int, scale: Double, seed: UInt64, epoch: Int) -> tartine_augmentation
  {
    var stream = tartine_stream(seed: seed, purpose: .augmentation, layer: 0)
    stream.step = UInt32(truncatingIfNeeded: epoch)
    return tartine_augmentation(
      height: height, width: width, channels: channels, scale: scale, moves: moves, colors: colors,
      horizontal_flip: horizontalFlip, vertical_flip: verticalFlip, crop: Double(crop), shift: shift,
      rotation: rotation * .pi / 180, log_zoom: log1p(zoom), shear: tan(shear * .pi / 180), elastic: elastic,
      smoothness: smoothness, brightness: brightness, log_contrast: log1p(contrast), noise: noise, erasing: erasing,
      erased: max(0.02, erasedShare), stream: stream)
  }
}

extension Augmentation {
  /// The enabled operations, as the flag takes them: `rotation=5,zoom=0.05`.
  package var flag: String {
    let set = Self.numbers.filter { self[keyPath: $0.1] != Self.none[keyPath: $0.1] }.map {
      "\($0.0.rawValue)=\(self[keyPath: $0.1])"
    }
    return (set + (crop == 0 ? [] : ["crop=\(crop)"])).joined(separator: ",")
  }
}

extension Augmentation: Codable {
  private enum Key: String, CodingKey {
    case horizontalFlip, verticalFlip, crop, shift, rotation, zoom, shear, elastic, smoothness, brightness, contrast
    case noise, erasing, erasedShare
  }

  private static let numbers: [(Key, WritableKeyPath<Augmentation, Double> & Sendable)] = [
    (.horizontalFlip, \.horizontalFlip), (.verticalFlip, \.verticalFlip), (.shift, \.shift), (.rotation, \.rotation),
    (.zoom, \.zoom), (.shear, \.shear), (.elastic, \.elastic), (.smoothness, \.smoothness),
    (.brightness, \.brightness), (.contrast, \.contrast), (.noise, \.noise), (.erasing, \.erasing),
    (.erasedShare, \.erasedShare),
  ]

  /// Decodes; omitted operations are off.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self.init()
    for (key, path) in Self.numbers {
      if let number = try values.decodeIfPresent(Double.self, forKey: key) { self[keyPath: path] = number }
    }
    crop = try values.decodeIfPresent(Int.self, forKey: .crop) ?? 0
  }

  /// Encodes every number.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    for (key, path) in Self.numbers { try values.encode(self[keyPath: path], forKey: key) }
    try values.encode(crop, forKey: .crop)
  }
}
