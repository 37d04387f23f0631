import Tartine
import Testing

/// Augmentation of images when a batch is gathered.
@Suite struct AugmentationTests {
  /// Images of height × width × channels.
  private func rows(_ count: Int, _ shape: (Int, Int, Int), _ pixel: (Int, Int, Int, Int) -> UInt8) -> PreparedRows {
    var pixels: [UInt8] = []
    for image in 0..<count {
      for y in 0..<shape.0 {
        for x in 0..<shape.1 { for c in 0..<shape.2 { pixels.append(pixel(image, y, x, c)) } }
      }
    }
    return PreparedRows(
      width: shape.0 * shape.1 * shape.2,
      elements: .bytes(
        ImageBlock(shape: shape, fullScale: 255, pixels: pixels[...]), rows: (0..<Int32(count)).map { $0 },
        scale: 1 / 255), targets: .none, origin: Array(0..<count))
  }

  private func changed(_ rows: PreparedRows, epoch: Int = 1, _ change: (inout Augmentation) -> Void) -> [[Float]] {
    var augmentation = Augmentation()
    change(&augmentation)
    let floats = AugmentedRows(rows, by: augmentation, seed: 3, epoch: epoch)!.floats(width: rows.width)
    return (0..<rows.rowCount).map { Array(floats[($0 * rows.width)..<(($0 + 1) * rows.width)]) }
  }

  private func noise(_ count: Int, _ shape: (Int, Int, Int)) -> PreparedRows {
    var stream = RandomStream(seed: 1, purpose: .test)
    return rows(count, shape) { _, _, _, _ in UInt8(truncatingIfNeeded: stream.next()) }
  }

  @Test func mirrored() {
    let shape = (5, 7, 3)
    let images = noise(2, shape)
    let plain = images.floats(width: images.width)
    func plainPixel(_ image: Int, _ y: Int, _ x: Int, _ c: Int) -> Float {
      plain[((image * 5 + y) * 7 + x) * 3 + c]
    }
    let sideways = changed(images) { $0.horizontalFlip = 1 }
    let upsideDown = changed(images) { $0.verticalFlip = 1 }
    for image in 0..<2 {
      for y in 0..<5 {
        for x in 0..<7 {
          for c in 0..<3 {
            let place = (y * 7 + x) * 3 + c
            #expect(abs(sideways[image][place] - plainPixel(image, y, 6 - x, c)) < 1e-5)
            #expect(abs(upsideDown[image][place] - plainPixel(image, 4 - y, x, c)) < 1e-5)
          }
        }
      }
    }
  }

  /// A crop moves the image by whole pixels, all offsets about equally often.
  @Test func croppedByWholePixels() {
    let images = rows(900, (9, 9, 1)) { _, y, x, _ in y == 4 && x == 4 ? 255 : 0 }
    var places: [Int: Int] = [:]
    for image in changed(images, { $0.crop = 1 }) {
      let lit = image.indices.filter { image[$0] > 0.999 }
      #expect(lit.count == 1 && image.reduce(0, +) < 1.001)
      places[lit.first ?? -1, default: 0] += 1
    }
    #expect(Set(places.keys) == Set([3, 4, 5].flatMap { y in [3, 4, 5].map { y * 9 + $0 } }))
    #expect(places.values.allSatisfy { (60...145).contains($0) })
  }

  /// A linear gradient stays one when rotated and scaled, wherever no edge was met.
  @Test func movesArePlanar() {
    let side = 33
    let images = rows(40, (side, side, 1)) { _, y, x, _ in UInt8(2 * x + 3 * y + 20) }
    func slopes(_ change: (inout Augmentation) -> Void) -> [(x: Float, y: Float)] {
      changed(images, change).map { image in
        func at(_ y: Int, _ x: Int) -> Float { image[y * side + x] * 255 }
        for y in 14..<19 {
          for x in 14..<19 {
            #expect(abs(at(y, x + 1) - 2 * at(y, x) + at(y, x - 1)) < 1e-2)
            #expect(abs(at(y + 1, x) - 2 * at(y, x) + at(y - 1, x)) < 1e-2)
          }
        }
        return (at(16, 17) - at(16, 16), at(17, 16) - at(16, 16))
      }
    }
    let turned = slopes { $0.rotation = 30 }
    #expect(turned.allSatisfy { abs($0.x * $0.x + $0.y * $0.y - 13) < 0.05 })
    #expect(turned.contains { $0.x > 2.7 } && turned.contains { $0.x < 1.3 })
    let zoomed = slopes { $0.zoom = 0.25 }
    #expect(zoomed.allSatisfy { abs($0.y / $0.x - 1.5) < 0.01 && $0.x > 1.59 && $0.x < 2.51 })
    #expect(zoomed.contains { $0.x > 2.2 } && zoomed.contains { $0.x < 1.8 })
    let sheared = slopes { $0.shear = 20 }
    #expect(sheared.allSatisfy { abs($0.x - 2) < 0.01 } && Set(sheared.map { ($0.y * 10).rounded() }).count > 5)
    let shifted = slopes { $0.shift = 0.1 }
    #expect(shifted.allSatisfy { abs($0.x - 2) < 0.01 && abs($0.y - 3) < 0.01 })
  }

  /// On a linear gradient a displacement shows as a difference in brightness.
  @Test func bentByWhatIsAsked() {
    let side = 40
    let images = rows(60, (side, side, 1)) { _, _, x, _ in UInt8(5 * x + 20) }
    let bent = changed(images) { ($0.elastic, $0.smoothness) = (1.5, 6) }
    var squares: Float = 0
    var steps: Float = 0
    for image in bent {
      for y in 8..<32 {
        for x in 8..<31 {
          let displacement = (image[y * side + x] * 255 - Float(5 * x + 20)) / 5
          let next = (image[y * side + x + 1] * 255 - Float(5 * x + 25)) / 5
          squares += displacement * displacement
          steps += (next - displacement) * (next - displacement)
        }
      }
    }
    let count = Float(60 * 24 * 23)
    #expect(abs((squares / count).squareRoot() - 1.5) < 0.2)
    // Neighbors move together: less than a quarter of a pixel apart, and not two.
    #expect((steps / count).squareRoot() < 0.4)
  }

  @Test func colorsStayBetweenBlackAndWhite() {
    let images = rows(50, (8, 8, 3)) { _, y, x, _ in UInt8(40 * (y % 4) + 10 * x) }
    let plain = images.floats(width: images.width)
    for (image, values) in changed(images, { $0.brightness = 0.2 }).enumerated() {
      let shift = values[30] - plain[image * 192 + 30]
      #expect(abs(shift) <= 0.2001)
      for (place, value) in values.enumerated() {
        #expect(abs(value - min(1, max(0, plain[image * 192 + place] + shift))) < 0.2)
      }
    }
    let all = changed(images) { ($0.brightness, $0.contrast, $0.noise) = (0.5, 1, 0.3) }.flatMap { $0 }
    #expect(all.allSatisfy { $0 >= 0 && $0 <= 1 } && all.contains(0) && all.contains(1))
    let gray = rows(50, (16, 16, 1)) { _, _, _, _ in 128 }
    let noisy = changed(gray) { $0.noise = 0.1 }.flatMap { $0 }
    let deviation = (noisy.reduce(0) { $0 + ($1 - 0.502) * ($1 - 0.502) } / Float(noisy.count)).squareRoot()
    #expect(abs(deviation - 0.1) < 0.004)
  }

  @Test func erasedRectangles() {
    let images = rows(400, (20, 20, 1)) { _, _, _, _ in 255 }
    let shares = changed(images) { ($0.erasing, $0.erasedShare) = (0.5, 0.25) }.map { image in
      Float(image.filter { $0 < 0.9999 }.count) / 400
    }
    let erased = shares.filter { $0 > 0 }
    #expect((150...250).contains(erased.count))
    #expect(erased.allSatisfy { $0 <= 0.2501 } && erased.contains { $0 > 0.2 } && erased.contains { $0 < 0.05 })
  }

  /// A draw belongs to an image in an epoch: no two are alike, and none depends on the other images of a
  /// batch.
  @Test func drawsAreKeyed() {
    let one = rows(50, (12, 12, 1)) { _, y, x, _ in UInt8(y * 12 + x) }
    func draws(_ rows: PreparedRows, _ epoch: Int) -> [[Float]] {
      changed(rows, epoch: epoch) {
        $0 = .preset
        $0.noise = 0.01
      }
    }
    let first = draws(one, 1)
    #expect(Set(first + draws(one, 2)).count == 100)
    #expect(draws(one, 1) == first)
    let order: [Int32] = [7, 3, 49]
    #expect(gathered(order, of: one) == order.map { first[Int($0)] })
  }

  /// Some rows in another order, as in a batch.
  private func gathered(_ order: [Int32], of rows: PreparedRows) -> [[Float]] {
    var augmentation = Augmentation.preset
    augmentation.noise = 0.01
    let room = Arena(byteCount: rows.room(for: augmentation) * 4)
    let lowered = rows.lowered(augmentation, seed: 3, epoch: 1)!
    var output = [Float](repeating: 0, count: order.count * rows.width)
    var scratch = order
    rows.gather(
      order, count: order.count, to: &output, kernels: Precision.float32.kernels, scratch: &scratch,
      augmentation: AugmentationRoom(lowered, room: room.base.assumingMemoryBound(to: Float.self)))
    return order.indices.map { Array(output[($0 * rows.width)..<(($0 + 1) * rows.width)]) }
  }

  @Test func augmentationIsForImages() throws {
    let rows = (0..<40).map { [Float($0), Float($0 % 7)] }
    let split = try Dataset(features: rows, labels: rows.map { $0[1] > 3 ? "a" : "b" }).split(seed: 1)
    #expect {
      _ = try Recipe {
        Dense(3); ReLU()
      }.epochs(1).augmentation(.preset).train(on: split)
    } throws: {
      "\($0)".contains("a table")
    }
    var wrong = Augmentation()
    wrong.horizontalFlip = 2
    #expect(wrong.problem?.contains("horizontalFlip") == true)
    #expect(try JSON.convert(Augmentation.preset, to: Augmentation.self) == .preset)
  }

  @Test func aImageFile() {
    let png = PNG.encode(width: 3, height: 2, channels: 3, pixels: (0..<18).map { $0 })
    #expect(Array(png[1..<4]) == Array("PNG".utf8))
    // The length, name, content and checksum of each chunk follow each other to the end.
    var place = 8
    var names: [String] = []
    while place < png.count {
      let length = png[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      let named = Array(png[(place + 4)..<(place + 8 + length)])
      names.append(String(decoding: named.prefix(4), as: UTF8.self))
      var sum = Checksum()
      named.withUnsafeBytes { sum.add($0) }
      let stored = png[(place + 8 + length)..<(place + 12 + length)].reduce(0) { $0 << 8 | UInt32($1) }
      #expect(UInt32(sum.text, radix: 16) == stored)
      place += 12 + length
    }
    #expect(names == ["IHDR", "IDAT", "IEND"] && place == png.count)
  }
}
