/** `WalStorage` on a file: what the log may rely on, also on a full disk. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { openWalFile } from "../../cli/adapters/wal.ts";
import { readPart } from "../../cli/parts.ts";
import { LIMITS } from "../../core/limits.ts";
import { NativeError, openNative } from "../../ffi/mod.ts";
import { inNamespaces, run, script, temporary } from "./processes.ts";

const NATIVE = openNative(readPart("librtt_panel.so"));
const SECTOR = LIMITS.walSectorBytes;

Deno.test("a new log is an empty file of ours alone", () => {
  using folder = temporary();
  using wal = openWalFile(`${folder.path}/wal/log`, NATIVE);
  assertEquals(wal.read().length, 0);
  assertEquals((Deno.statSync(`${folder.path}/wal/log`).mode ?? 0) & 0o777, 0o600);
  assertEquals((Deno.statSync(`${folder.path}/wal`).mode ?? 0) & 0o777, 0o700);
});

Deno.test("what is written is read back, by another opener too", () => {
  using folder = temporary();
  const path = `${folder.path}/wal/log`;
  using wal = openWalFile(path, NATIVE);
  wal.write(0, filled(SECTOR, 1));
  wal.write(SECTOR, filled(2 * SECTOR, 2).subarray(SECTOR));
  wal.sync();
  using again = openWalFile(path, NATIVE);
  assertEquals(again.read().slice(0, 2 * SECTOR), join(filled(SECTOR, 1), filled(SECTOR, 2)));
});

Deno.test("room is made ahead in zeroes, and appending to it changes no size", () => {
  using folder = temporary();
  const path = `${folder.path}/wal/log`;
  using wal = openWalFile(path, NATIVE);
  assert(wal.reserve(3 * SECTOR));
  const { size, blocks } = Deno.statSync(path);
  assert(size >= 3 * SECTOR && (blocks ?? 0) * 512 >= size, "its blocks are there");
  assert(wal.read().every((byte) => byte === 0));
  wal.write(0, filled(SECTOR, 7));
  wal.sync();
  assert(wal.reserve(2 * SECTOR), "less than there is");
  const after = Deno.statSync(path);
  assertEquals([after.size, after.blocks], [size, blocks]);
  assertEquals(wal.read().slice(0, SECTOR), filled(SECTOR, 7));
});

Deno.test("a renewed log holds what it was given and zeroes, in another file", () => {
  using folder = temporary();
  const path = `${folder.path}/wal/log`;
  using wal = openWalFile(path, NATIVE);
  wal.write(0, filled(4 * SECTOR, 1));
  const before = Deno.statSync(path).ino;
  wal.renew(filled(SECTOR, 2));
  assert(Deno.statSync(path).ino !== before);
  const bytes = wal.read();
  assertEquals(bytes.slice(0, SECTOR), filled(SECTOR, 2));
  assert(bytes.subarray(SECTOR).every((byte) => byte === 0));
  wal.write(SECTOR, filled(SECTOR, 3));
  wal.sync();
  assertEquals(wal.read().slice(0, 2 * SECTOR), join(filled(SECTOR, 2), filled(SECTOR, 3)));
  assertEquals([...Deno.readDirSync(`${folder.path}/wal`)].map((each) => each.name), ["log"]);
});

Deno.test("a log that is a link to somewhere else is not opened", () => {
  using folder = temporary();
  Deno.mkdirSync(`${folder.path}/wal`);
  Deno.writeTextFileSync(`${folder.path}/other`, "kept");
  Deno.symlinkSync("../other", `${folder.path}/wal/log`);
  assertThrows(() => openWalFile(`${folder.path}/wal/log`, NATIVE), NativeError);
});

Deno.test("on a full disk there is no room, nothing is lost, what does not fit fails, and a log is renewed in its own room", async () => {
  using folder = temporary();
  const fills = `
    const wal = openWalFile("${folder.path}/wal/log", native);
    const first = wal.reserve(8 * ${SECTOR});
    wal.write(0, new Uint8Array(${SECTOR}).fill(5));
    wal.sync();
    const size = Deno.statSync("${folder.path}/wal/log").size;
    const second = wal.reserve(2 ** 21);
    const same = Deno.statSync("${folder.path}/wal/log").size === size;
    const kept = wal.read()[0] === 5;
    let code = "";
    try { wal.write(0, new Uint8Array(2 ** 21)); } catch (thrown) { code = thrown.code; }
    let renewed = "";
    try { wal.renew(new Uint8Array(2 ** 21)); } catch (thrown) { renewed = thrown.code; }
    // Nothing else fits on this disk now, also not a second log.
    try { Deno.writeFileSync("${folder.path}/ballast", new Uint8Array(2 ** 20)); } catch { /* full */ }
    wal.write(${SECTOR}, new Uint8Array(${SECTOR}).fill(6));
    const before = Deno.statSync("${folder.path}/wal/log").size;
    wal.renew(new Uint8Array(${SECTOR}).fill(5));
    const room = Deno.statSync("${folder.path}/wal/log").size === before;
    const again = wal.read().slice(0, 2 * ${SECTOR}).every((byte, at) => byte === (at < ${SECTOR} ? 5 : 0));
    const names = [...Deno.readDirSync("${folder.path}/wal")].map((each) => each.name);
    wal.write(${SECTOR}, new Uint8Array(${SECTOR}).fill(7));
    wal.sync();
    console.log([first, second, same, kept, code, renewed, room, again, names].join(" "));`;
  const mount = ["sh", "-c", `mount -t tmpfs -o size=1m none "$0" && exec "$@"`, folder.path];
  const said = await run(inNamespaces(["--user", "--map-root-user", "--mount"], [...mount, ...script(fills)]));
  assertEquals(said, { code: 0, said: "true false true true native.noSpace native.noSpace true true log" });
});

function filled(count: number, byte: number): Uint8Array {
  return new Uint8Array(count).fill(byte);
}

function join(one: Uint8Array, other: Uint8Array): Uint8Array {
  return new Uint8Array([...one, ...other]);
}
