/** Standard base64 with padding, strict: one spelling for each sequence of bytes. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Values by character code; above 63: no character of the alphabet. */
const VALUES = new Uint8Array(128).fill(0xff);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b, c] = [bytes[at] ?? 0, bytes[at + 1], bytes[at + 2]];
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    parts.push(
      ALPHABET.charAt(bits >> 18),
      ALPHABET.charAt((bits >> 12) & 63),
      b === undefined ? "=" : ALPHABET.charAt((bits >> 6) & 63),
      c === undefined ? "=" : ALPHABET.charAt(bits & 63),
    );
  }
  return parts.join("");
}

/** The bytes, or undefined for anything but the one spelling that `encodeBase64` gives. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const chars = text.length - padding;
  const bytes = new Uint8Array(text.length / 4 * 3 - padding);
  let [bits, have, written] = [0, 0, 0];
  for (let at = 0; at < chars; at++) {
    const value = VALUES[text.charCodeAt(at)] ?? 0xff;
    if (value > 63) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes[written++] = (bits >> have) & 0xff;
  }
  // Stray bits below the padding would be a second spelling.
  return (bits & ((1 << have) - 1)) === 0 ? bytes : undefined;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function encodeHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte] ?? "";
  return text;
}

/** The bytes of lower-case hexadecimal text, or undefined. */
export function decodeHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => parseInt(text.slice(at * 2, at * 2 + 2), 16));
}
