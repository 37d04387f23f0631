import Tartine
import Testing

@Suite struct SuggestionTests {
  @Test func theClosestNameIsSuggested() {
    #expect(Suggestion.closest(to: "trian", among: ["tune", "train", "runs"]) == "train")
    #expect(Suggestion.closest(to: "survived", among: ["Name", "Survived"]) == "Survived")
    #expect(
      Suggestion.closest(to: "optimizer.learningrate", among: ["optimizer.learningRate"]) == "optimizer.learningRate")
    // As other libraries call it.
    let keys = ["optimizer.clip", "optimizer.learningRate", "epochs"]
    #expect(Suggestion.closest(to: "optimizer.lr", among: keys) == "optimizer.learningRate")
    #expect(Suggestion.closest(to: "num_epochs", among: keys) == "epochs")
    #expect(Suggestion.closest(to: "colour", among: ["price", "rooms"]) == nil)
    #expect(Suggestion.text(for: "pric", among: ["price"]) == " Did you mean 'price'?")
  }

  @Test(arguments: [
    ("{\"a\": 1,\n \"b\": }", "line 2, column 7: a value is expected, not '}'"),
    ("{\"a\": 1", "line 1, column 8: ',' or '}' is expected, not the end of the text"),
    ("{'a': 1}", "line 1, column 2: a name in double quotes is expected, not '''"),
    ("[1,\n2\n 3]", "line 3, column 2: ',' or ']' is expected, not '3'"),
    ("{\"ä\": nan}", "line 1, column 7: a value is expected, not 'n'"),
    ("{\"a\" 1}", "line 1, column 6: ':' is expected, not '1'"),
    ("{} x", "line 1, column 4: the end of the text is expected, not 'x'"),
  ]) func jsonErrorsHaveAPlace(_ text: String, _ message: String) {
    do {
      _ = try JSON.decode(JSONValue.self, from: text)
      Issue.record("it is not JSON")
    } catch {
      #expect(JSON.explain(error, text: text) == "it is not valid JSON: \(message)")
    }
  }
}
