import { assertEquals } from "@std/assert";
import { visible } from "./output.ts";

Deno.test("control characters of drivers are shown and not sent to the terminal", () => {
  assertEquals(
    visible("\x1b]0;owned\x07\r\x9b31m ünïcode\tand\nlines"),
    "\\x1b]0;owned\\x07\\x0d\\x9b31m ünïcode\tand\nlines",
  );
  assertEquals(visible("\x00\x7f"), "\\x00\\x7f");
});
