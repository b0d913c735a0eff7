/** What the kernel runs to run a program: the interpreter of a `#!` line, or the loader that an ELF file names. */

export interface Interpreter {
  /** As written in the file. */
  readonly path: string;
  /** For `#!/usr/bin/env NAME`: the name that `env` looks up. */
  readonly looksUp: string | null;
}

/** Length of a `#!` line that the kernel reads. */
const LINE_BYTES = 256;
const ELF_MAGIC = 0x464c457f;
const ELF_64_BITS = 2;
const ELF_LITTLE_ENDIAN = 1;
const PROGRAM_HEADERS_AT = 32;
const PROGRAM_HEADER_SIZE_AT = 54;
const PROGRAM_HEADER_COUNT_AT = 56;
const HEADER_BYTES = 64;
const TYPE_INTERPRETER = 3;
const OFFSET_AT = 8;
const FILE_SIZE_AT = 32;
const PROGRAM_HEADER_BYTES = 56;

/** Undefined for a static program and for what is no program. The bytes may be anything. */
export function programInterpreter(bytes: Uint8Array): Interpreter | undefined {
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return scriptInterpreter(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== ELF_MAGIC) return undefined;
  if (bytes[4] !== ELF_64_BITS || bytes[5] !== ELF_LITTLE_ENDIAN) return undefined;
  const table = Number(view.getBigUint64(PROGRAM_HEADERS_AT, true));
  const size = view.getUint16(PROGRAM_HEADER_SIZE_AT, true);
  const count = view.getUint16(PROGRAM_HEADER_COUNT_AT, true);
  for (let index = 0; index < count; index++) {
    const header = table + index * size;
    if (header + PROGRAM_HEADER_BYTES > bytes.length) return undefined;
    if (view.getUint32(header, true) !== TYPE_INTERPRETER) continue;
    const at = Number(view.getBigUint64(header + OFFSET_AT, true));
    const length = Number(view.getBigUint64(header + FILE_SIZE_AT, true));
    if (at + length > bytes.length) return undefined;
    const path = decode(bytes.subarray(at, at + length)).replace(/\0.*$/s, "");
    return path === "" ? undefined : { path, looksUp: null };
  }
  return undefined;
}

function scriptInterpreter(bytes: Uint8Array): Interpreter | undefined {
  const line = decode(bytes.subarray(2, LINE_BYTES)).split("\n")[0] ?? "";
  const [path = "", ...rest] = line.trim().split(/[ \t]+/);
  if (path === "") return undefined;
  const name = path.endsWith("/env") ? rest.find((each) => !each.startsWith("-") && !each.includes("=")) : undefined;
  return { path, looksUp: name ?? null };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
