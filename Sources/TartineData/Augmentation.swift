#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
import TartineEngine
import TartineKernels

/// How train pictures are changed, each by a draw of its own in every epoch, so that the network rarely sees one twice.
///
/// Shifting, turning, zooming, shearing, flipping and bending are one resampling, between pixels by the neighbours of
/// each; what comes in from outside is like the edge. Then noise, contrast and brightness, within black and white, and
/// last the erased rectangle. A draw is a function of (seed, epoch, picture): it is the same for any number of threads and
/// after a resumption. Dev and test pictures are never changed.
///
/// An operation must not change what a picture means: a flipped digit is another one, or none.
/// `tartine preview-augmentation` shows what the network will see.
///
/// **Source**: Simard, Steinkraus, Platt, *Best practices for convolutional neural networks*, 2003, §2, for bending (its
/// σ = 4 and α = 34 are about ``elastic`` 1.4 and ``smoothness`` 7); DeVries and Taylor, *Cutout*, 2017, and Zhong et al.,
/// *Random erasing*, 2020.
///
/// **Differs from**: Simard et al. smooth noise by a Gaussian; here it is a cubic B-spline through normal control points,
/// whose distance is ``smoothness``.
public struct Augmentation: Hashable, Sendable {
  /// The probability to be mirrored left to right.
  public var horizontalFlip = 0.0
  /// The probability to be mirrored top to bottom.
  public var verticalFlip = 0.0
  /// Pixels of padding that a random crop of the old size is taken from: a shift by whole pixels.
  public var crop = 0
  /// The farthest shift, as a share of width and height.
  public var shift = 0.0
  /// The farthest turn, in degrees, either way.
  public var rotation = 0.0
  /// The largest zoom: by 1 + zoom, or by its inverse.
  public var zoom = 0.0
  /// The farthest shear, in degrees.
  public var shear = 0.0
  /// The deviation of the pixels' displacement where the picture is bent, in pixels.
  public var elastic = 0.0
  /// The distance over which that displacement changes, in pixels.
  public var smoothness = 7.0
  /// The most that is added to all pixels, as a share of white.
  public var brightness = 0.0
  /// The largest change of contrast: by 1 + contrast, or by its inverse.
  public var contrast = 0.0
  /// The deviation of noise on each pixel, as a share of white.
  public var noise = 0.0
  /// The probability that a rectangle is erased.
  public var erasing = 0.0
  /// The largest share of the picture that is erased; the smallest is a fiftieth.
  public var erasedShare = 0.33

  /// No change.
  public init() {}

  private init(crop: Int) { self.crop = crop }

  /// No change.
  public static let none = Augmentation()

  /// Mild changes that leave most pictures' meaning as it is, handwriting's too: turned, zoomed, sheared, shifted, bent.
  public static var preset: Augmentation {
    var mild = Augmentation()
    (mild.rotation, mild.zoom, mild.shear, mild.shift, mild.elastic) = (5, 0.05, 3, 0.03, 0.8)
    return mild
  }

  /// Whether nothing is changed.
  public var isNone: Bool { !moves && !colors && erasing == 0 }

  var moves: Bool {
    horizontalFlip > 0 || verticalFlip > 0 || crop > 0 || shift > 0 || rotation > 0 || zoom > 0 || shear > 0
      || elastic > 0
  }

  var colors: Bool { brightness > 0 || contrast > 0 || noise > 0 }

  /// Each operation that is on, by its name, alone.
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

  /// What is wrong with the values, in a sentence; nil if nothing is.
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

  /// Floats of room that changing one picture takes; 0 where nothing is changed.
  package func room(height: Int, width: Int, channels: Int) -> Int {
    guard !isNone else { return 0 }
    var lowered = lowered(height: height, width: width, channels: channels, scale: 1, seed: 0, epoch: 0)
    return tartine_augmentation_room(&lowered)
  }

  /// The kernel's view, for pictures of this shape.
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
  /// What changes, as a flag takes it: `rotation=5,zoom=0.05`.
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

  /// Decodes; what is left out does nothing.
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
