extension KeyedDecodingContainer {
  /// Decodes a case of an enumeration; for an unknown name, the error lists the valid ones.
  package func decodeName<Name: RawRepresentable & CaseIterable>(
    _: Name.Type, forKey key: Key, default fallback: Name
  ) throws -> Name where Name.RawValue == String {
    guard let text = try decodeIfPresent(String.self, forKey: key) else { return fallback }
    guard let name = Name(rawValue: text) else {
      let names = Name.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "there is no '\(text)'; there are \(names)")
    }
    return name
  }
}
