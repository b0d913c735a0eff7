// What a newcomer sees when the toolchain cannot be brought: the tool, the command that failed, and what to do.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const root = new URL("..", import.meta.url).pathname;

interface Ran {
  readonly code: number;
  readonly said: string;
}

/** A project of only `x` and `tools`, with its own lock file, an empty toolchain folder, and a `python3` of our own. */
async function withProject(
  lock: string,
  python: string,
  use: (x: (args: string[], env?: Record<string, string>) => Promise<Ran>, folder: string) => Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "toolchain-" });
  try {
    await new Deno.Command("cp", { args: ["-r", `${root}x`, `${root}tools`, folder] }).output();
    Deno.mkdirSync(`${folder}/bin`);
    Deno.writeTextFileSync(`${folder}/tools/toolchain.lock`, lock);
    Deno.writeTextFileSync(`${folder}/bin/python3`, `#!/bin/sh\n${python}\n`, { mode: 0o755 });
    await use(async (args, env = {}) => {
      const { code, stdout, stderr } = await new Deno.Command(`${folder}/x`, {
        args,
        clearEnv: true,
        env: { PATH: `${folder}/bin:/usr/bin:/bin`, HOME: folder, RTT_TOOLCHAIN: `${folder}/toolchain`, ...env },
      }).output();
      return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
    }, folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const GO = "tool go 1.0.0 gomod golang.org/toolchain@v0.0.1-go1.0.0.linux-amd64\n";
const lockOf = (hash: string): string =>
  `# a comment\n\ntool thing 1.2.3 pip thing==1.2.3\nfile thing/thing ${hash} member\n\n${GO}`;
/** `python3 -m pip download … DEST REQUIREMENT` makes a wheel, `python3 - WHEEL MEMBER SIZE TARGET` an empty file. */
const WORKING =
  `if [ "$1" = -m ]; then for last; do :; done; echo fetched >>"$HOME/fetched"; touch "$9/x.whl" 2>/dev/null; exit 0; fi
cat >/dev/null; : >"$5"`;

Deno.test("a failing download names the tool, the command, what it said, and the remedy", async () => {
  await withProject(lockOf(EMPTY_SHA256), 'echo "no route to host" >&2; exit 1', async (x) => {
    const { code, said } = await x(["toolchain", "thing"]);
    assertEquals(code, 1);
    assertStringIncludes(said, "cannot install thing because this command failed: python3 -m pip download");
    assertStringIncludes(said, "no route to host");
    assertStringIncludes(said, "remedy: check the network");
  });
});

Deno.test("a file with another SHA-256 is refused and not kept", async () => {
  await withProject(lockOf("0".repeat(64)), WORKING, async (x, folder) => {
    const { code, said } = await x(["toolchain", "thing"]);
    assertEquals(code, 1);
    assertStringIncludes(
      said,
      `because its SHA-256 is ${EMPTY_SHA256} and tools/toolchain.lock says ${"0".repeat(64)}`,
    );
    assert(![...Deno.readDirSync(`${folder}/toolchain/thing`)].some((entry) => entry.name === "thing"));
  });
});

Deno.test("what is there is used again, and fetched again only when its lock line changes", async () => {
  await withProject(lockOf(EMPTY_SHA256), WORKING, async (x, folder) => {
    const fetched = (): number => Deno.readTextFileSync(`${folder}/fetched`).split("\n").length - 1;
    for (let time = 0; time < 2; time++) assertEquals((await x(["toolchain", "thing"])).code, 0);
    assertEquals(fetched(), 1);
    Deno.writeTextFileSync(`${folder}/tools/toolchain.lock`, lockOf(EMPTY_SHA256).replaceAll("1.2.3", "1.2.4"));
    assertEquals((await x(["toolchain", "thing"])).code, 0);
    assertEquals(fetched(), 2);
  });
});

Deno.test("an offline run says what must be fetched first, an unknown tool and task what there is", async () => {
  await withProject(lockOf(EMPTY_SHA256), WORKING, async (x) => {
    const offline = await x(["toolchain", "thing"], { X_OFFLINE: "yes" });
    assertStringIncludes(offline.said, "run './x toolchain thing' once with a network");
    assertStringIncludes((await x(["toolchain", "nothing"])).said, "name one of: thing go");
    const unknown = await x(["tset"]);
    assertStringIncludes(unknown.said, "cannot run task 'tset'");
    assertEquals([offline.code, unknown.code], [1, 1]);
  });
});
