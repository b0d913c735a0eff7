/**
 * Canonical bytes (RFC 8785): one value, one sequence of bytes. Everything that is hashed or signed goes through here, and
 * what is read back must be its own canonical form, so that duplicate keys, other spellings of a number and stray blanks
 * can't hide behind a parser's tolerance.
 */
import { issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const encoder = new TextEncoder();

/** The canonical bytes of a JSON value. A number that JSON can't carry exactly is a bug of the caller. */
export function canonical(value: unknown): Uint8Array {
  return encoder.encode(canonicalText(value));
}

export function canonicalText(value: unknown): string {
  switch (typeof value) {
    case "string":
      if (PLAIN.test(value)) return `"${value}"`;
      if (!value.isWellFormed()) throw new Error("bug: a lone surrogate has no canonical form");
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
        throw new Error(`bug: the number ${value} has no canonical form`);
      }
      return JSON.stringify(value);
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return canonicalList(value);
      return canonicalObject(value as Record<string, unknown>);
    default:
      throw new Error(`bug: a ${typeof value} has no canonical form`);
  }
}

/** Text in which nothing is escaped. */
const PLAIN = /^[ !#-[\]-~]*$/;

function canonicalList(value: readonly unknown[]): string {
  let text = "[";
  for (const each of value) text += text.length === 1 ? canonicalText(each) : `,${canonicalText(each)}`;
  return `${text}]`;
}

/** Keys in UTF-16 code unit order, as RFC 8785 asks, which is how JavaScript sorts. */
function canonicalObject(value: Readonly<Record<string, unknown>>): string {
  let text = "{";
  for (const key of sortedKeys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    text += `${text.length === 1 ? "" : ","}${canonicalText(key)}:${canonicalText(member)}`;
  }
  return `${text}}`;
}

/** Mostly they are in order already: what was parsed from canonical text is. */
function sortedKeys(value: Readonly<Record<string, unknown>>): readonly string[] {
  const keys = Object.keys(value);
  return inOrder(keys) ? keys : keys.sort();
}

function inOrder(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at++) if ((keys[at - 1] ?? "") >= (keys[at] ?? "")) return false;
  return true;
}

/** The value of bytes that are their own canonical form; anything else is refused with `code` and `remedy`. */
export function parseCanonical(
  bytes: Uint8Array,
  what: string,
  code: string,
  remedy = "write it again with rtt; do not edit it by hand",
): Result<unknown> {
  const wrong = (why: string): Result<unknown> => refuse(issue(code, `cannot read ${what} because ${why}`, remedy));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return wrong("its bytes are not UTF-8");
  }
  if (nesting(text) > LIMITS.jsonDepth) return wrong(`it is nested deeper than ${LIMITS.jsonDepth}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong("it is not JSON");
  }
  if (!hasExactNumbers(value)) return wrong("it holds a number beyond ±2^53");
  if (!isCanonical(value, text)) {
    return wrong("it is not in its canonical form (duplicate keys, order, blanks or escapes)");
  }
  return ok(value);
}

/** JavaScript writes what it parsed as RFC 8785 does, but for the order of keys, which is that of the text. */
function isCanonical(value: unknown, text: string): boolean {
  // Only an escape can name half of a surrogate pair, and then it is written as one again.
  if (text.includes("\\u") && !isWellFormed(value)) return false;
  if (hasSortedKeys(value) && JSON.stringify(value) === text) return true;
  // Keys that look like numbers are moved to the front by the parser: those are written the slow way.
  return canonicalText(value) === text;
}

/** Deepest nesting of brackets outside strings: asked before parsing, so that no input overflows a stack. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = endOfString(text, at);
    else if (char === 0x7b || char === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return deepest;
}

/** Where the string that begins here has its last quote; the end of the text when it has none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function hasExactNumbers(value: unknown): boolean {
  if (typeof value === "number") return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return typeof value !== "object" || value === null || Object.values(value).every(hasExactNumbers);
}

function hasSortedKeys(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(hasSortedKeys);
  return inOrder(Object.keys(value)) && Object.values(value).every(hasSortedKeys);
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, each]) => key.isWellFormed() && isWellFormed(each));
}
