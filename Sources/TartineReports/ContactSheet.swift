import TartineData
import TartineFiles

/// Pictures side by side: each row one picture as it is, and then as an augmentation changes it.
package struct ContactSheet {
  /// How often each picture is shown changed.
  package static let draws = 10

  /// The file's bytes.
  package let png: [UInt8]

  /// - Parameters:
  ///   - rows: pictures of height × width × channels, few enough for one sheet.
  /// Nil where these are no pictures, or nothing is changed.
  package init?(_ rows: PreparedRows, by augmentation: Augmentation, seed: UInt64) {
    guard case .bytes(let block, _, _) = rows.elements else { return nil }
    var columns = [rows.floats(width: rows.width)]
    for epoch in 1...Self.draws {
      guard let changed = AugmentedRows(rows, by: augmentation, seed: seed, epoch: epoch) else { return nil }
      columns.append(changed.floats(width: rows.width))
    }
    let (height, width, depth) = block.shape
    let channels = depth == 3 ? 3 : 1
    // Small pictures are shown larger, pixel by pixel.
    let scale = max(1, 84 / max(height, width))
    let gap = 4
    let tile = (height: height * scale + gap, width: width * scale + gap)
    let size = (height: rows.rowCount * tile.height + gap, width: columns.count * tile.width + gap)
    // Between the pictures a shade that none of them ends in.
    var pixels = [UInt8](repeating: 96, count: size.height * size.width * channels)
    for (column, pictures) in columns.enumerated() {
      for row in 0..<rows.rowCount {
        for y in 0..<height * scale {
          for x in 0..<width * scale {
            let from = row * rows.width + (y / scale * width + x / scale) * depth
            let to = ((gap + row * tile.height + y) * size.width + gap + column * tile.width + x) * channels
            for channel in 0..<channels {
              pixels[to + channel] = UInt8(max(0, min(255, (pictures[from + channel] * 255).rounded())))
            }
          }
        }
      }
    }
    png = PNG.encode(width: size.width, height: size.height, channels: channels, pixels: pixels)
  }
}
