/** What the panel's native side promises, from the library as the executable carries it. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { readPart } from "../../cli/parts.ts";
import { fromPrivateFolder } from "../../ffi/load.ts";
import { lockHolder, NativeError, openNative } from "../../ffi/mod.ts";
import { ABI } from "../../ffi/symbols.ts";
import { inNamespaces, run, script, temporary } from "./processes.ts";

const LIBRARY = readPart("librtt_panel.so");
const NATIVE = openNative(LIBRARY);

Deno.test("the clock is the one that frames are stamped with, and never goes back", () => {
  const [uptime = 0] = Deno.readTextFileSync("/proc/uptime").split(" ").map(Number);
  const times = Array.from({ length: 1_000 }, () => NATIVE.monotonicNs());
  assert(Math.abs((times[0] ?? 0) / 1e9 - uptime) < 5, "seconds since the start of the system");
  assert(times.every((each, at) => at === 0 || each >= (times[at - 1] ?? 0)));
});

Deno.test("a lock has one holder, in this process or another, and is free when that one is gone", async () => {
  using folder = temporary();
  const path = `${folder.path}/a.lock`;
  const lock = NATIVE.lock(path);
  assert(lock !== undefined);
  assertEquals([NATIVE.lock(path), lockHolder(path)], [undefined, Deno.pid]);
  const other = `const lock = native.lock("${path}"); console.log(lock === undefined);`;
  assertEquals(await run(script(other)), { code: 0, said: "true" });
  lock[Symbol.dispose]();
  // It ends without letting go.
  assertEquals(await run(script(`native.lock("${path}"); Deno.exit(9);`)), { code: 9, said: "" });
  using again = NATIVE.lock(path);
  assert(again !== undefined);
});

Deno.test("a lock does not follow a link", () => {
  using folder = temporary();
  Deno.writeTextFileSync(`${folder.path}/file`, "kept");
  Deno.symlinkSync("file", `${folder.path}/a.lock`);
  assertThrows(() => NATIVE.lock(`${folder.path}/a.lock`), NativeError, "a.lock");
  assertEquals(Deno.readTextFileSync(`${folder.path}/file`), "kept");
});

Deno.test("a socket below a folder with a long path is served by the folder's short one", async () => {
  using folder = temporary("x".repeat(200));
  using short = NATIVE.openFolder(folder.path);
  const path = `${short.path}/panel.sock`;
  await using served = serve(path, () => new Response("here"));
  assertEquals(await served.ask(), "here");
  assert(Deno.statSync(`${folder.path}/panel.sock`).isSocket);
});

Deno.test("peers of this user and these namespaces are no strangers", async () => {
  using folder = temporary();
  const path = `${folder.path}/panel.sock`;
  await using served = serve(path, () => new Response(String(NATIVE.strangers(path))));
  for (let at = 0; at < 5; at++) assertEquals(await served.ask(), "0");
  assertEquals(await run(script(client(path))), { code: 0, said: "0" });
  assertEquals(NATIVE.strangers(`${path}.other`), 0);
});

Deno.test("a peer of another user namespace is counted, and its connection is shut down", async () => {
  using folder = temporary();
  // Served by the short path, as the panel does; who connects knows the long one.
  using short = NATIVE.openFolder(folder.path);
  const path = `${short.path}/panel.sock`;
  const counts: number[] = [];
  await using served = serve(path, () => {
    counts.push(NATIVE.strangers(path));
    return new Response("answered");
  });
  const stranger = await run(inNamespaces(["--user"], script(client(`${folder.path}/panel.sock`))));
  assert(stranger.code !== 0 && !stranger.said.includes("answered"), "the stranger hears nothing");
  assertEquals(counts, [1]);
  assertEquals([await served.ask(), counts.at(-1)], ["answered", 0]);
});

Deno.test("systemd is told at the socket that it named, and nobody is told where it named none", async () => {
  using folder = temporary();
  const says = `
    try { console.log(native.notify("READY=1")); } catch (thrown) { console.log(thrown.code); }`;
  assertEquals(await run(script(says)), { code: 0, said: "false" });
  const nowhere = { NOTIFY_SOCKET: `${folder.path}/notify` };
  assertEquals(await run(script(says), nowhere), { code: 0, said: "native.system" });
});

Deno.test("a library of another version is not used, and one that is none is an error", () => {
  const library = fromPrivateFolder(LIBRARY);
  assertEquals(library.symbols.rtt_panel_abi(), ABI);
  library.close();
  assertThrows(() => fromPrivateFolder(new TextEncoder().encode("not a library")));
});

Deno.test("the library and the keeper start whatever the host says of programs in memory", async () => {
  using folder = temporary();
  const starts = `
    const link = await openKeeper(native, places("${folder.path}"));
    console.log(link.started);
    await link.request({ kind: "shutdown" });
    for await (const event of link.events()) if (event.kind === "lost") break;
    await link.close();`;
  const forbid = ["sh", "-c", 'echo 2 2>/dev/null >/proc/sys/vm/memfd_noexec; exec "$@"', "sh"];
  const namespaces = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
  assertEquals(await run(inNamespaces(namespaces, [...forbid, ...script(starts)])), { code: 0, said: "true" });
});

Deno.test("a process that ends with a link open ends as it was told", async () => {
  using folder = temporary();
  const ends = `
    const link = await openKeeper(native, places("${folder.path}"));
    await link.request({ kind: "configure", noPanelForNs: 50_000_000, logBytes: 65_536 });
    setTimeout(() => Deno.exit(7), 20);
    for await (const event of link.events()) console.log(event.kind);`;
  assertEquals(await run(script(ends)), { code: 7, said: "" });
  // Its keeper has no panel from now on, and ends by itself.
  const lock = `${folder.path}/.rtt/run/keeper.lock`;
  for (let waited = 0;; waited += 10) {
    using free = NATIVE.lock(lock);
    if (free) break;
    assert(waited < 10_000, "the keeper ends");
    await new Promise((wake) => setTimeout(wake, 10));
  }
});

Deno.test("a keeper that can't start is reported with its own words", async () => {
  using folder = temporary();
  const starts = (program: string) => `
    const keeper = new TextEncoder().encode(${JSON.stringify(program)});
    try {
      await openKeeper(native, { ...places("${folder.path}"), keeper });
    } catch (thrown) {
      console.log(thrown.name, thrown.exit ?? thrown.code, thrown.message);
    }`;
  const broken = await run(script(starts("no program")));
  assertMatch(broken.said, /^NativeError native.system cannot start the keeper because the system says: /);
  // An interpreter that does not find what it is to run.
  const ended = await run(script(starts("#!/bin/sh\n")));
  assertMatch(ended.said, /^RttError 1 cannot start the keeper because it ended with \d+; it said: .*\/proc\/self\/fd/);
});

interface Served extends AsyncDisposable {
  ask(): Promise<string>;
}

function serve(path: string, answer: () => Response): Served {
  const server = Deno.serve({ path, onListen: () => {} }, answer);
  const http = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  return {
    ask: async () => await (await fetch("http://localhost/", { client: http })).text(),
    async [Symbol.asyncDispose]() {
      http.close();
      await server.shutdown();
    },
  };
}

/** Asks once, and says the answer. */
function client(path: string): string {
  return `
    using http = Deno.createHttpClient({ proxy: { transport: "unix", path: "${path}" } });
    console.log(await (await fetch("http://localhost/", { client: http })).text());`;
}
