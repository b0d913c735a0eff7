/** Files that a command is given. */
import { assertEquals, assertThrows } from "@std/assert";
import { RttError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import { readInput, writeOutput } from "./files.ts";

Deno.test("a file that is given may have as many bytes as the limit says, and not one more", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.truncateSync(path, LIMITS.inputBytes);
    assertEquals(readInput(path, "the plan").length, LIMITS.inputBytes);
    Deno.truncateSync(path, LIMITS.inputBytes + 1);
    const refused = assertThrows(() => readInput(path, "the plan"), RttError, "larger than");
    assertEquals(refused.issues.map(({ code }) => code), ["input.unreadable"]);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("what is no regular file is not waited for", () => {
  assertThrows(() => readInput("/dev/zero", "the plan"), RttError, "no regular file");
});

Deno.test("only what the system says against a path is put down to the path", () => {
  const fault = new TypeError("a fault of rtt");
  assertEquals(assertThrows(() => writeOutput("x", "it", () => thrown(fault))), fault);
});

function thrown(what: Error): never {
  throw what;
}
