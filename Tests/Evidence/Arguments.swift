/// A command and its flags.
struct Arguments {
  let verb: String
  private let rest: [String]

  init(_ arguments: some Sequence<String>) {
    rest = Array(arguments)
    verb = rest.first ?? ""
  }

  func text(_ name: String) -> String? {
    guard let place = rest.firstIndex(of: "--\(name)"), place + 1 < rest.count else { return nil }
    return rest[place + 1]
  }

  subscript(name: String) -> Int? { text(name).flatMap { Int($0) } }
}
