// What the gate runner believes: a gate that ran nothing, skipped something or ended badly has failed.
import { assertEquals } from "@std/assert";
import { countCases } from "./count.ts";

const root = new URL("..", import.meta.url);

Deno.test("test runners are counted by their own summary lines, summed", () => {
  assertEquals(
    countCases({ denoTest: true }, "ok | 5 passed | 0 failed (1ms)\nok | 2 passed (3 steps) | 0 failed\n", true, root),
    {
      passed: 7,
      failed: 0,
      why: "",
    },
  );
  const cargo =
    "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\ntest result: FAILED. 1 passed; 2 failed; 0 ignored;";
  assertEquals(countCases({ cargoTest: true }, cargo, false, root), { passed: 4, failed: 2, why: "" });
  assertEquals(countCases({ output: "cases: (\\d+)" }, "cases: 4\ncases: 6\n", true, root), {
    passed: 10,
    failed: 0,
    why: "",
  });
});

Deno.test("no case, a skipped case and a bad end each fail", () => {
  assertEquals(countCases({ denoTest: true }, "ok | 0 passed | 0 failed\n", true, root).failed, 1);
  assertEquals(countCases({ denoTest: true }, "", true, root).why, "it ran no case");
  assertEquals(countCases({ denoTest: true }, "ok | 4 passed | 0 failed | 2 ignored (1ms)\n", true, root).failed, 2);
  assertEquals(
    countCases({ cargoTest: true }, "test result: ok. 3 passed; 0 failed; 1 ignored;", true, root).failed,
    1,
  );
  assertEquals(countCases({ output: "cases: (\\d+)" }, "cases: 4\n", false, root).failed, 1);
  assertEquals(countCases({ files: ["**/*.no-such-ending"] }, "", true, root).failed, 1);
  assertEquals(countCases({ files: ["**/*.ts"] }, "", false, root), { passed: 0, failed: 1, why: "" });
});
