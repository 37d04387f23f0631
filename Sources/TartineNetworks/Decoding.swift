import TartineEngine

extension KeyedDecodingContainer {
  /// Decodes a case of an enumeration; for an unknown name, the error lists the valid ones, and appends the hint.
  package func decodeName<Name: RawRepresentable & CaseIterable>(
    _: Name.Type, forKey key: Key, default fallback: Name, hint: String? = nil
  ) throws -> Name where Name.RawValue == String {
    guard let text = try decodeIfPresent(String.self, forKey: key) else { return fallback }
    let known = Name.allCases.map(\.rawValue)
    guard let name = KnownName.of(text, among: known).flatMap(Name.init) else {
      let names = known.joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self,
        debugDescription: "there is no '\(text)'; there are \(names)" + (hint.map { "; \($0)" } ?? ""))
    }
    return name
  }
}
