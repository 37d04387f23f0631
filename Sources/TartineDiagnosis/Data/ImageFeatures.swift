import TartineData

/// A few numeric features of an image, so that sets of images can be compared like tables.
enum ImageFeatures {
  /// The number of grid cells along each side of an image.
  private static let cells = 7

  /// Brightness, contrast and sharpness, and the mean of each cell.
  static func columns(of block: ImageBlock, rows: [Int]) -> [Column] {
    let (height, width, channels) = block.shape
    let (down, across) = (min(cells, height), min(cells, width))
    var names = ["brightness", "contrast", "sharpness"]
    names += (0..<down).flatMap { y in (0..<across).map { "cell \(y + 1), \($0 + 1)" } }
    var values = names.map { _ in [Double](repeating: 0, count: rows.count) }
    var gray = [Double](repeating: 0, count: height * width)
    for (place, row) in rows.enumerated() {
      let pixels = block.pixels(row)
      for at in gray.indices {
        gray[at] =
          (0..<channels).reduce(0.0) { $0 + Double(pixels[at * channels + $1]) } / Double(channels * block.fullScale)
      }
      let features = summary(gray, height, width) + means(gray, height, width, down, across)
      for (feature, value) in features.enumerated() { values[feature][place] = value }
    }
    return zip(names, values).map { Column(name: $0, values: .numbers($1), reason: "measured from the images") }
  }

  /// The names of the features to report.
  static let named: Set<String> = ["brightness", "contrast", "sharpness"]

  /// The mean, the standard deviation, and the mean absolute Laplacian over the standard deviation, which
  /// blurring reduces.
  private static func summary(_ gray: [Double], _ height: Int, _ width: Int) -> [Double] {
    let count = Double(gray.count)
    let mean = gray.reduce(0, +) / count
    let deviation = (gray.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    guard height > 2, width > 2, deviation > 0 else { return [mean, deviation, 0] }
    var edges = 0.0
    for y in 1..<(height - 1) {
      for x in 1..<(width - 1) {
        let at = y * width + x
        edges += abs(4 * gray[at] - gray[at - 1] - gray[at + 1] - gray[at - width] - gray[at + width])
      }
    }
    return [mean, deviation, edges / Double((height - 2) * (width - 2)) / deviation]
  }

  private static func means(_ gray: [Double], _ height: Int, _ width: Int, _ down: Int, _ across: Int) -> [Double] {
    (0..<down).flatMap { y in
      (0..<across).map { x in
        let (top, bottom) = (y * height / down, (y + 1) * height / down)
        let (left, right) = (x * width / across, (x + 1) * width / across)
        var sum = 0.0
        for line in top..<bottom { for place in left..<right { sum += gray[line * width + place] } }
        return sum / Double((bottom - top) * (right - left))
      }
    }
  }
}
