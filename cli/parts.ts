/** The files that the executable carries beside its code: native library, keeper, drivers, wasm, CUE. */
import { gunzipSync } from "node:zlib";

// A URL and no joined path: inside the executable a path with ".." in it is not found.
const FOLDER = new URL("../dist/parts/", import.meta.url);

/** Names in `dist/parts`, made by `./x build`, included by `compile.sh`; `highs.wasm` is in the executable only. */
export type Part = "librtt_panel.so" | "rtt-keeper" | "rtt-drivers" | "rtt_wasm.bin" | "cue.wasm.gz" | "highs.wasm";

/** Every byte of the executable is read at every start, so that large parts are packed there. */
const PACKED: ReadonlySet<Part> = new Set(["librtt_panel.so", "rtt-keeper", "rtt-drivers", "highs.wasm"]);

export function readPart(part: Part): Uint8Array<ArrayBuffer> {
  if (!Deno.build.standalone || !PACKED.has(part)) return Deno.readFileSync(new URL(part, FOLDER));
  return new Uint8Array(gunzipSync(Deno.readFileSync(new URL(`${part}.gz`, FOLDER))));
}
