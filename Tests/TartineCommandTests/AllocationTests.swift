import Testing

@Suite struct AllocationTests {
  /// 100 steps of dense, batch norm, dropout, penalties, clipping and Adam, once the first ten are done.
  @Test(arguments: ["1", "2"]) func aStepAllocatesNothing(threads: String) throws {
    let result = try CommandRunner().run([threads], executable: "TartineAllocationProbe")
    #expect(result.code == 0)
    #if os(Linux)
      #expect(result.output == "allocations 0\n")
    #endif
  }
}
