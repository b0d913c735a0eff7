/** The files that the executable carries beside its code: native library, keeper, drivers, wasm, CUE. */

// URLs and no joined paths: inside the executable a path with ".." in it is not found.
const FOLDER = new URL("../dist/parts/", import.meta.url);
const INDEX = new URL("../dist/parts.json", import.meta.url);

/** Names in `dist/parts`, made by `./x build`; `highs.wasm` is in the executable only. */
export type Part = "librtt_panel.so" | "rtt-keeper" | "rtt-drivers" | "rtt_wasm.wasm" | "cue.wasm" | "highs.wasm";

/** Where the parts lie in the executable: bytes from its start. */
type Index = Readonly<Record<Part, { readonly at: number; readonly bytes: number }>>;

export function readPart(part: Part): Uint8Array<ArrayBuffer> {
  return Deno.build.standalone ? readCarried(part) : Deno.readFileSync(new URL(part, FOLDER));
}

/**
 * The run-time reads at every start all that `deno compile` puts into the executable. The parts lie before that, where
 * nobody reads what no command asks for.
 */
function readCarried(part: Part): Uint8Array<ArrayBuffer> {
  const index: Index = JSON.parse(Deno.readTextFileSync(INDEX));
  const { at, bytes } = index[part];
  using executable = Deno.openSync(Deno.execPath());
  executable.seekSync(at, Deno.SeekMode.Start);
  const content = new Uint8Array(bytes);
  for (let read = 0; read < bytes;) {
    const more = executable.readSync(content.subarray(read));
    if (more === null) throw new Error(`cannot read ${part} because the executable ends before it does`);
    read += more;
  }
  return content;
}
