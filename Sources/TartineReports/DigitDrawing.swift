import TartineData

/// Draws small images with the terminal's own half blocks: two pixels a character, in shades.
public enum DigitDrawing {
  private static let shades: [Character] = [" ", "░", "▒", "▓", "█"]

  /// An image as lines, each pixel two characters wide so that it stays about square.
  static func lines(_ pixels: UnsafeBufferPointer<UInt8>, width: Int, fullScale: Int) -> [String] {
    stride(from: 0, to: pixels.count, by: width).map { start in
      String(
        pixels[start..<min(start + width, pixels.count)].flatMap { pixel -> [Character] in
          let level = min(shades.count - 1, Int(pixel) * shades.count / (fullScale + 1))
          return [shades[level], shades[level]]
        })
    }
  }

  /// Images side by side under their captions; nil if these are no images.
  package static func sideBySide(
    _ rows: [(row: Int, caption: String)], of dataset: Dataset
  ) -> String? {
    guard case .images(let block) = dataset.inputs, block.shape.channels == 1, block.shape.width <= 32 else {
      return nil
    }
    let pictures = rows.map {
      lines(block.pixels($0.row), width: block.shape.width, fullScale: block.fullScale)
    }
    guard let height = pictures.first?.count else { return nil }
    let column = max(block.shape.width * 2, rows.map(\.caption.count).max() ?? 0) + 3
    func row(_ parts: [String]) -> String {
      var line = ""
      for part in parts { line += part + String(repeating: " ", count: max(0, column - part.count)) }
      while line.last == " " { line.removeLast() }
      return line
    }
    let body = (0..<height).map { line in row(pictures.map { $0[line] }) }
    return ([row(rows.map(\.caption))] + body).joined(separator: "\n")
  }
}
