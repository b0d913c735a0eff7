/** The files that the executable carries beside its code: native library, keeper, drivers, wasm, CUE. */

// A URL and no joined path: inside the executable a path with ".." in it is not found.
const FOLDER = new URL("../dist/parts/", import.meta.url);

/** Names in `dist/parts`, made by `./x build`, included by `compile.sh`. */
export type Part = "librtt_panel.so" | "rtt-keeper" | "rtt-drivers" | "rtt_wasm.bin" | "cue.wasm.gz";

export function readPart(part: Part): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(part, FOLDER));
}
