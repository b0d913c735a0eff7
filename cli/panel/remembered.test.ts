import { assertEquals } from "@std/assert";
import { issue, ok, refuse } from "../../core/errors.ts";
import { Remembered } from "./remembered.ts";

Deno.test("an answer is made once, a refusal each time, and the oldest answer goes when there is no room", () => {
  const made: string[] = [];
  const remembered = new Remembered<string>(2);
  const ask = (from: string, good = true) =>
    remembered.ask(from, () => {
      made.push(from);
      return good ? ok(from.toUpperCase()) : refuse(issue("test.no", "cannot", "no"));
    });
  assertEquals([ask("a"), ask("a"), ask("b")], [ok("A"), ok("A"), ok("B")]);
  assertEquals(made, ["a", "b"]);
  assertEquals([ask("c", false).ok, ask("c", false).ok], [false, false]);
  assertEquals(made, ["a", "b", "c", "c"]);
  ask("c");
  assertEquals([ask("b"), ask("a")], [ok("B"), ok("A")]);
  assertEquals(made, ["a", "b", "c", "c", "c", "a"]);
});
