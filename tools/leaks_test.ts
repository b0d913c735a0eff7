// A leak scan that finds nothing must be one that would find something: each kind is left behind once, on purpose.
import { assert, assertEquals } from "@std/assert";
import { leaks, probeCount, snapshot } from "./leaks.ts";

/** Other programs may come and go meanwhile: only what this test made counts. */
const MADE = /leak-scan|left-behind/;
const kinds = (found: readonly string[]): string[] =>
  [...new Set(found.filter((line) => MADE.test(line)).map((line) => line.split(":")[0] ?? ""))].sort();

const FOR_ALL = ["process", "shared memory", "socket", "temporary file"];
const BY_A_HOLDER = ["memfd"];
const FOR_ROOT = ["cgroup", "mount", "network namespace"];

Deno.test("every kind that the scan looks for is left behind by a test", () => {
  assertEquals(FOR_ALL.length + BY_A_HOLDER.length + FOR_ROOT.length, probeCount);
});

Deno.test("a process, a bound socket and files left behind are found, and nothing once they are gone", async () => {
  const folder = Deno.makeTempDirSync({ dir: "/tmp", prefix: "leak-scan-" });
  const before = snapshot();
  const program = `${folder}/rtt-left-behind`;
  Deno.copyFileSync("/bin/sleep", program);
  const child = new Deno.Command(program, { args: ["60"] }).spawn();
  const listener = Deno.listen({ transport: "unix", path: `${folder}/panel.sock` });
  const shared = Deno.makeTempFileSync({ dir: "/dev/shm", prefix: "leak-scan-" });
  const temporary = Deno.makeTempDirSync({ dir: "/tmp", prefix: "rtt-leak-scan-" });
  try {
    assertEquals(kinds(leaks(before)), FOR_ALL);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    listener.close();
    for (const path of [shared, temporary, folder]) Deno.removeSync(path, { recursive: true });
  }
  assertEquals(leaks(before).filter((line) => MADE.test(line)), []);
});

Deno.test("a memfd of ours is found", async () => {
  const before = snapshot();
  const script = "import os,sys; os.memfd_create('rtt-leak-scan'); print('made', flush=True); sys.stdin.read()";
  const child = new Deno.Command("python3", { args: ["-c", script], stdin: "piped", stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const found = leaks(before).filter((line) => line.includes("rtt-leak-scan"));
  await reader.cancel();
  await child.stdin.close();
  await child.status;
  assertEquals(kinds(found), BY_A_HOLDER);
});

// An ordinary user can leave none of these behind outside of namespaces that end with its processes.
if (Deno.uid() === 0) {
  Deno.test("a mount, a cgroup and a network namespace left behind are found, and nothing once they are gone", async () => {
    const before = snapshot();
    const name = `rtt-leak-scan-${Deno.pid}`;
    const mounted = Deno.makeTempDirSync({ dir: "/var/tmp", prefix: "leak-scan-" });
    const cgroup = `${hierarchy()}/${name}`;
    const hadFolder = exists("/run/netns");
    await run("mount", "-t", "tmpfs", "none", mounted);
    Deno.mkdirSync(cgroup);
    Deno.mkdirSync("/run/netns", { recursive: true });
    Deno.writeTextFileSync(`/run/netns/${name}`, "");
    try {
      // As `ip netns add` does it: the namespace is mounted on its name, and lives without a process.
      await run("unshare", `--net=/run/netns/${name}`, "true");
      assertEquals(kinds(leaks(before)), FOR_ROOT);
    } finally {
      await run("umount", `/run/netns/${name}`);
      await run("umount", mounted);
      for (const path of [`/run/netns/${name}`, ...(hadFolder ? [] : ["/run/netns"]), cgroup, mounted]) {
        Deno.removeSync(path);
      }
    }
    assertEquals(leaks(before).filter((line) => MADE.test(line)), []);
  });
}

async function run(command: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  assert(success, `${command}: ${new TextDecoder().decode(stderr)}`);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Where root may make a cgroup: cgroup 2, or a hierarchy of cgroup 1. */
function hierarchy(): string {
  const found = ["", "/unified", "/pids", "/memory"].map((each) => `/sys/fs/cgroup${each}`)
    .find((each) => exists(`${each}/cgroup.procs`));
  assert(found !== undefined, "there is a hierarchy of cgroups");
  return found;
}
