/// What a column's name says about its values.
extension Column {
  /// Whether a name says that the column identifies rows, customers or records.
  package static func isCalledIdentifier(_ name: String) -> Bool {
    let words = words(of: name)
    guard let last = words.last else { return false }
    return identifiers.contains(last) || words[0] == "id" || words.count > 1 && counters.contains(last)
      || endings.contains { last.count > $0.count && last.hasSuffix($0) }
  }

  /// The words of a name, in lower case.
  package static func words(of name: String) -> [String] {
    var words: [String] = []
    var before: Character = " "
    for character in name {
      if !character.isLetter {
        before = " "
        continue
      }
      // `customerId` is two words.
      if before == " " || character.isUppercase && !before.isUppercase { words.append("") }
      words[words.count - 1] += character.lowercased()
      before = character
    }
    return words
  }

  private static let identifiers: Set<String> = [
    "id", "ids", "key", "uuid", "guid", "uid", "pk", "index", "idx", "rowid", "rownum", "serial", "matricule",
    "matricula",
    "identifier", "identifiant", "folio", "nr", "no", "number", "ref", "isbn", "ean", "gtin", "sku", "vin", "imei",
    "iban", "ssn",
    "passport", "phone", "telephone", "telefon", "teléfono", "mobile", "客户编号", "编号",
  ]
  /// Words that count records after another word, such as `order num`.
  private static let counters: Set<String> = ["num", "ref", "reference", "numero", "número", "nummer"]
  private static let endings = ["nr", "nummer", "编号"]
}
