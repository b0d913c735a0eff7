/** Lower-case hexadecimal text of bytes, or of the UTF-8 bytes of a string. */
export function encodeHex(src: string | Uint8Array | ArrayBuffer): string;

/** Bytes of hexadecimal text of either case; throws a `TypeError` or `RangeError` where the text is malformed. */
export function decodeHex(src: string): Uint8Array<ArrayBuffer>;
