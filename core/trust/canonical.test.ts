import { assertEquals, assertThrows } from "@std/assert";
import { decodeBase64, decodeHex, encodeBase64, encodeHex } from "./base64.ts";
import { canonicalText, parseCanonical } from "./canonical.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("keys are sorted by code unit and blanks are gone", () => {
  assertEquals(
    canonicalText({ b: [1, true, null], a: { "\u20ac": "x", $: 1 } }),
    '{"a":{"$":1,"€":"x"},"b":[1,true,null]}',
  );
});

Deno.test("numbers are written as RFC 8785 asks", () => {
  assertEquals(canonicalText([1e-7, -0, 0.1, 333333333.3333333]), "[1e-7,0,0.1,333333333.3333333]");
});

Deno.test("what has no canonical form is a bug", () => {
  for (const value of [NaN, Infinity, 2 ** 53, undefined, () => 1, "\ud800"]) assertThrows(() => canonicalText(value));
});

Deno.test("bytes that are not their own canonical form are refused", () => {
  const refusedTexts = [
    '{"a":1,"a":1}',
    '{"b":1,"a":1}',
    '{"a": 1}',
    '{"a":1.0}',
    '{"a":9007199254740993}',
    '{"a":"\\u0061"}',
    "\ufeff{}",
    "{}\n",
    "",
    "{",
    "[".repeat(65) + "]".repeat(65),
  ];
  for (const text of refusedTexts) assertEquals(parseCanonical(bytes(text), "it", "x").ok, false, text);
  assertEquals(parseCanonical(new Uint8Array([0x22, 0xff, 0x22]), "it", "x").ok, false);
  assertEquals(parseCanonical(bytes("[".repeat(64) + "]".repeat(64)), "it", "x").ok, true);
});

Deno.test("base64 has one spelling for each sequence of bytes", () => {
  assertEquals(encodeBase64(bytes("any carnal pleas")), "YW55IGNhcm5hbCBwbGVhcw==");
  assertEquals(decodeBase64("YW55IGNhcm5hbCBwbGVhcw=="), bytes("any carnal pleas"));
  for (const text of ["YW5", "YW5=X", "YX==", "Y===", "Y W5", "====", "YW55IGNhcm5hbCBwbGVhcx=="]) {
    assertEquals(decodeBase64(text), undefined, text);
  }
});

Deno.test("hexadecimal is lower case and even", () => {
  assertEquals(encodeHex(new Uint8Array([0, 255, 16])), "00ff10");
  assertEquals(decodeHex("00ff10"), new Uint8Array([0, 255, 16]));
  for (const text of ["0", "0G", "FF"]) assertEquals(decodeHex(text), undefined, text);
});
