import TartineData

/// Draws small gray images in the terminal with block characters, two characters per pixel.
public enum DigitDrawing {
  private static let shades: [Character] = [" ", "░", "▒", "▓", "█"]

  /// Returns an image as lines, each pixel two characters wide so that it is about square.
  static func lines(_ pixels: UnsafeBufferPointer<UInt8>, width: Int, fullScale: Int) -> [String] {
    stride(from: 0, to: pixels.count, by: width).map { start in
      String(
        pixels[start..<min(start + width, pixels.count)].flatMap { pixel -> [Character] in
          let level = min(shades.count - 1, Int(pixel) * shades.count / (fullScale + 1))
          return [shades[level], shades[level]]
        })
    }
  }

  /// An image with a caption.
  package struct Captioned {
    let dataset: Dataset
    let row: Int
    let caption: String

    package init(dataset: Dataset, row: Int, caption: String) {
      self.dataset = dataset
      self.row = row
      self.caption = caption
    }

    /// The image's pixels; nil unless it is a small gray image.
    var block: ImageBlock? {
      guard case .images(let block) = dataset.inputs, block.shape.channels == 1, block.shape.width <= 32 else {
        return nil
      }
      return block
    }
  }

  /// Returns images side by side under their captions, as many as fit, or nil if none can be drawn.
  ///
  /// - Parameter width: The width of the terminal; nil: unlimited.
  package static func sideBySide(_ images: [Captioned], width: Int? = nil) -> String? {
    var drawable = images.compactMap { image in image.block.map { (image, $0) } }
    if let width {
      let each = drawable.map { max($0.1.shape.width * 2, $0.0.caption.count) }.max() ?? 0
      guard each <= width else { return nil }
      drawable = Array(drawable.prefix((width + 3) / (each + 3)))
    }
    let images = drawable.map { image, block in
      lines(block.pixels(image.row), width: block.shape.width, fullScale: block.fullScale)
    }
    guard let height = images.first?.count else { return nil }
    let widest = drawable.map { max($0.1.shape.width * 2, $0.0.caption.count) }.max() ?? 0
    let column = widest + 3
    func row(_ parts: [String]) -> String {
      var line = ""
      for part in parts { line += part + String(repeating: " ", count: max(0, column - part.count)) }
      while line.last == " " { line.removeLast() }
      return line
    }
    let body = (0..<height).map { line in row(images.map { $0[line] }) }
    return ([row(drawable.map(\.0.caption))] + body).joined(separator: "\n")
  }
}
