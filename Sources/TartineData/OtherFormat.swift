/// File formats that are not CSV, recognized by their first bytes, so that an error names the format and how to convert it.
enum OtherFormat {
  /// The format of a file, and what to do; nil where it may be CSV.
  static func description(of bytes: UnsafeBufferPointer<UInt8>) -> String? {
    let start = Array(bytes.prefix(longest))
    // A header may begin with the letters of a signature; of these formats only a PDF begins with text.
    let isText = !start.prefix(shortest).contains { $0 < 0x09 || $0 >= 0x0E && $0 < 0x20 || $0 >= 0x80 }
    if let found = signatures.first(where: { start.starts(with: $0.bytes) && (!isText || $0.bytes.first == 0x25) }) {
      return found.text
    }
    let text = String(decoding: start.drop { $0 <= 0x20 || $0 == 0xEF || $0 == 0xBB || $0 == 0xBF }, as: UTF8.self)
      .lowercased()
    let unspaced = text.filter { !$0.isWhitespace }
    if ["{\"", "{}", "[{", "[[", "[\"", "[]"].contains(where: unspaced.hasPrefix) {
      return "it is JSON" + converted(by: "read_json")
    }
    if ["<!doctype", "<html", "<table", "<head", "<body"].contains(where: text.hasPrefix) {
      return
        "it is a web page (HTML), perhaps one that a download gave instead of the file; open it in a browser to see"
    }
    if text.hasPrefix("<?xml") { return "it is XML" + converted(by: "read_xml") }
    let first = text.split(whereSeparator: \.isNewline).first { !$0.hasPrefix("%") && !$0.allSatisfy(\.isWhitespace) }
    if first?.hasPrefix("@relation") == true {
      return "it is an ARFF file; put the names of its attributes into one line above the data, separated by commas"
    }
    if text.split(whereSeparator: \.isNewline).prefix(4).contains(where: isRule) {
      return
        "it is a table as a program prints it, with rules of dashes; export it as CSV, as with psql --csv, sqlite3 -csv -header or "
        + "mysql --batch"
    }
    return nil
  }

  /// Whether a line is drawn below the names of columns: `---+---`, `|---|---|` or `---  ---`.
  private static func isRule(_ line: Substring) -> Bool {
    let isDrawn = line.allSatisfy { "-+|=: ".contains($0) }
    let dashes = line.split { $0 != "-" && $0 != "=" }.count { $0.count > 2 }
    return line.hasPrefix("-[ record") || line.contains { "┌┬┐├┼".contains($0) }
      || isDrawn && (dashes > 1 || line.contains("-") && line.count { $0 == "|" } > 1)
  }

  private static let (longest, shortest) = (4096, 64)

  private static func converted(by reader: String) -> String {
    "; save it as CSV, in Python with pandas.\(reader)(FILE).to_csv('data.csv', index=False)"
  }

  private static let signatures: [(bytes: [UInt8], text: String)] = [
    ([0x50, 0x4B, 0x03, 0x04], "it is a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV"),
    ([0xD0, 0xCF, 0x11, 0xE0], "it is an Excel workbook; save the sheet as CSV"),
    (Array("PAR1".utf8), "it is a Parquet file" + converted(by: "read_parquet")),
    (Array("ARROW1".utf8), "it is an Arrow or Feather file" + converted(by: "read_feather")),
    (Array("SQLite format 3".utf8), "it is a SQLite database; export the table as CSV"),
    ([0x89, 0x48, 0x44, 0x46], "it is an HDF5 file" + converted(by: "read_hdf")),
    ([0x93] + Array("NUMPY".utf8), "it is a NumPy array; save it with numpy.savetxt, and a line of names above it"),
    (Array("%PDF".utf8), "it is a PDF document, and no table can be read from it"),
    (Array("BZh".utf8), "it is compressed with bzip2; decompress it, or compress it with gzip"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "it is compressed with xz; decompress it, or compress it with gzip"),
    ([0x28, 0xB5, 0x2F, 0xFD], "it is compressed with zstd; decompress it, or compress it with gzip"),
    ([0x89, 0x50, 0x4E, 0x47], "it is a PNG image, and not a table"),
    ([0xFF, 0xD8, 0xFF], "it is a JPEG image, and not a table"),
    ([0x80, 0x03], "it is a Python pickle" + converted(by: "read_pickle")),
    ([0x80, 0x04], "it is a Python pickle" + converted(by: "read_pickle")),
    ([0x80, 0x05], "it is a Python pickle" + converted(by: "read_pickle")),
  ]
}
