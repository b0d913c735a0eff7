/** One value has one sequence of bytes, and nothing else is read as that value. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LIMITS } from "../../core/limits.ts";
import { decodeBase64, decodeHex, encodeBase64, encodeHex } from "../../core/trust/base64.ts";
import { canonical, canonicalText, parseCanonical } from "../../core/trust/canonical.ts";

const encoder = new TextEncoder();

/** Keys that a parser of JavaScript is tempted to treat in its own way. */
const key = fc.oneof(
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom("10", "9", "01", "-1", "__proto__", "constructor", "", "é", "\u{1f600}", "\ufb33"),
);
const leaf = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
}));

function isRead(text: string): boolean {
  return parseCanonical(encoder.encode(text), "it", "test.broken").ok;
}

Deno.test("what is written is read as the same value", () => {
  fc.assert(fc.property(value, (made) => {
    const read = parseCanonical(canonical(made), "it", "test.broken");
    assert(read.ok, canonicalText(made));
    assertEquals(canonicalText(read.value), canonicalText(made));
  }));
});

Deno.test("any other text of the value is refused", () => {
  const edit = fc.tuple(
    fc.nat(),
    fc.constantFrom(" ", "\n", "0", "\\", '"', ",", "{", "e1", "\\u0041", "\u00e9"),
    fc.nat(2),
  );
  fc.assert(
    fc.property(value, fc.array(edit, { minLength: 1, maxLength: 3 }), (made, edits) => {
      const text = edits.reduce((before, [place, piece, gone]) => {
        const at = place % (before.length + 1);
        return before.slice(0, at) + piece + before.slice(at + gone);
      }, canonicalText(made)).toWellFormed();
      assertEquals(isRead(text), isOneOfACanonical(text), text);
    }),
    { numRuns: 2_000 },
  );
});

/** By definition: parsed and written again, it is the same text. */
function isOneOfACanonical(text: string): boolean {
  try {
    return canonicalText(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

Deno.test("each trick of JSON is refused", () => {
  const tricks = [
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '{"b":1,"a":2}',
    '{"9":1,"10":2}',
    '{"é":1,"z":2}',
    '{ "a":1}',
    "[1.0]",
    "[1e2]",
    "[-0]",
    "[9007199254740993]",
    '["\\u0041"]',
    '["\\/"]',
    '["\\ud800"]',
    '{"\\ud800":1}',
    '["\\u001F"]',
    "",
    "nul",
    "[1,]",
    "\ufeff[1]",
  ];
  for (const trick of tricks) assert(!isRead(trick), trick);
  for (const good of ['{"10":2,"9":1}', '["\\u001f","/","\\\\\\""]', '{"":{"__proto__":1}}']) {
    assert(isRead(good), good);
  }
});

Deno.test("nesting has its limit, whatever stands in texts", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assert(isRead(nested(LIMITS.jsonDepth)));
  assert(!isRead(nested(LIMITS.jsonDepth + 1)));
  assert(!isRead("[".repeat(1_000_000)));
  const hidden = JSON.stringify(["[".repeat(200), '"'.repeat(99), "\\".repeat(99), '\\"[[['.repeat(50)]);
  assert(isRead(hidden));
  assert(!isRead(`[${hidden},${nested(LIMITS.jsonDepth)}]`));
});

Deno.test("base64 and hexadecimal text have one spelling", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    assertEquals(encodeBase64(bytes), btoa(String.fromCharCode(...bytes)));
    assertEquals(decodeBase64(encodeBase64(bytes)), bytes);
    assertEquals(decodeHex(encodeHex(bytes)), bytes);
  }));
  const text = fc.stringMatching(/^[A-Za-z0-9+/=\-_ é]{0,12}$/);
  fc.assert(
    fc.property(text, (text) => {
      const bytes = decodeBase64(text);
      assert(bytes === undefined || encodeBase64(bytes) === text, text);
    }),
    { numRuns: 5_000 },
  );
});
