import TartineData
import TartineFiles

/// A sheet of images: each row is one original image and its augmented versions.
package struct ContactSheet {
  /// The number of augmented versions of each image.
  package static let draws = 10

  /// The bytes of the PNG file.
  package let png: [UInt8]

  /// Draws the sheet; returns nil if the rows are not images, or the augmentation changes nothing.
  ///
  /// - Parameters:
  ///   - rows: Images of height × width × channels, few enough for one sheet.
  ///   - augmentation: The augmentation to show.
  ///   - seed: The seed of its random draws.
  package init?(_ rows: PreparedRows, by augmentation: Augmentation, seed: UInt64) {
    guard case .bytes(let block, _, _) = rows.elements else { return nil }
    var columns = [rows.floats(width: rows.width)]
    for epoch in 1...Self.draws {
      guard let changed = AugmentedRows(rows, by: augmentation, seed: seed, epoch: epoch) else { return nil }
      columns.append(changed.floats(width: rows.width))
    }
    let (height, width, depth) = block.shape
    let channels = depth == 3 ? 3 : 1
    // Small images are enlarged, pixel by pixel.
    let scale = max(1, 84 / max(height, width))
    let gap = 4
    let tile = (height: height * scale + gap, width: width * scale + gap)
    let size = (height: rows.rowCount * tile.height + gap, width: columns.count * tile.width + gap)
    // The gaps have a shade of gray that image borders rarely have.
    var pixels = [UInt8](repeating: 96, count: size.height * size.width * channels)
    for (column, images) in columns.enumerated() {
      for row in 0..<rows.rowCount {
        for y in 0..<height * scale {
          for x in 0..<width * scale {
            let from = row * rows.width + (y / scale * width + x / scale) * depth
            let to = ((gap + row * tile.height + y) * size.width + gap + column * tile.width + x) * channels
            for channel in 0..<channels {
              pixels[to + channel] = UInt8(max(0, min(255, (images[from + channel] * 255).rounded())))
            }
          }
        }
      }
    }
    png = PNG.encode(width: size.width, height: size.height, channels: channels, pixels: pixels)
  }
}
