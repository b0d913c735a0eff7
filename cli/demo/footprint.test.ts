/** A scan that finds nothing must be one that would find something: each kind is left behind once, by a process of a folder. */
import { assert, assertEquals } from "@std/assert";
import { isThere } from "../files.ts";
import { Footprint } from "./footprint.ts";

const isRoot = Deno.uid() === 0;

/** Holds a memfd and a socket bound by a name that tells nothing, says so, and lasts until its input ends. */
const HOLDER = `
import os, socket, sys
os.memfd_create("rtt-left-behind")
os.chdir(sys.argv[1])
bound = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
bound.bind("keeper.sock")
bound.listen(1)
print("ready", flush=True)
sys.stdin.read()
`;

/** The kinds of what is left, each once. */
function kinds(footprint: Footprint): readonly string[] {
  return [...new Set(footprint.left().map((line) => line.slice(0, line.indexOf(":"))))].sort();
}

Deno.test("a process is known by the folder that it names; its memfds and sockets by what they are; a mount in any namespace", async () => {
  const dir = Deno.makeTempDirSync({ prefix: "rtt-footprint-" });
  const footprint = new Footprint(dir);
  assertEquals(footprint.left(), []);
  // What is mounted in a namespace of its own lives there and nowhere else; an ordinary user may do that, too.
  const own = ["--mount", ...(isRoot ? [] : ["--user", "--map-root-user"])];
  const script = 'mount -t tmpfs none "$2" && exec python3 -c "$1" "$2"';
  const args = [...own, "sh", "-c", script, "sh", HOLDER, dir];
  const holder = new Deno.Command("unshare", { args, stdin: "piped", stdout: "piped" }).spawn();
  const lines = holder.stdout.getReader();
  await lines.read();
  footprint.look();
  assertEquals([footprint.seen.process, footprint.seen.memfd, footprint.seen.socket], [1, 1, 1]);
  assertEquals(kinds(footprint), ["memfd", "mount", "process", "socket"]);
  await lines.cancel();
  await holder.stdin.close();
  await holder.status;
  assertEquals(footprint.left(), []);
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("a memfd and a socket are found when their process is gone and another one holds them", async () => {
  const dir = Deno.makeTempDirSync({ prefix: "rtt-footprint-" });
  const footprint = new Footprint(dir);
  // The child lives on in a session of its own, and nothing of it names the folder.
  const script = HOLDER.replace(
    'print("ready"',
    `
if os.fork() == 0:
  os.execvp("sh", ["sh", "-c", "cat > /dev/null"])
print("ready"`,
  ).replace("import os", "import fcntl, os").replace(
    'os.memfd_create("rtt-left-behind")',
    'fcntl.fcntl(os.memfd_create("rtt-left-behind"), fcntl.F_SETFD, 0)',
  ).replace("bound.listen(1)", "bound.listen(1); fcntl.fcntl(bound.fileno(), fcntl.F_SETFD, 0)");
  const holder = new Deno.Command("python3", { args: ["-c", script, dir], stdin: "piped", stdout: "piped" }).spawn();
  const lines = holder.stdout.getReader();
  await lines.read();
  footprint.look();
  holder.kill("SIGKILL");
  await holder.status;
  assertEquals(kinds(footprint), ["memfd", "process", "socket"]);
  await lines.cancel();
  await holder.stdin.close();
  for (let tries = 0; footprint.left().length > 0 && tries < 200; tries++) {
    await new Promise((wake) => setTimeout(wake, 10));
  }
  assertEquals(footprint.left(), []);
  Deno.removeSync(dir, { recursive: true });
});

if (isRoot) {
  Deno.test("a mount below the folder and a cgroup that a process of it was in are found", async () => {
    const dir = Deno.makeTempDirSync({ prefix: "rtt-footprint-" });
    const footprint = new Footprint(dir);
    const cgroup = `${hierarchy()}/rtt-left-behind-${Deno.pid}`;
    const run = async (command: string, ...args: string[]) =>
      assert((await new Deno.Command(command, { args }).output()).success, command);
    Deno.mkdirSync(cgroup);
    await run("mount", "-t", "tmpfs", "none", dir);
    const script = 'echo 0 > "$1/cgroup.procs" && echo ready && cat > /dev/null; :';
    const args = ["-c", script, dir, cgroup];
    const holder = new Deno.Command("sh", { args, stdin: "piped", stdout: "piped" }).spawn();
    const lines = holder.stdout.getReader();
    await lines.read();
    footprint.look();
    await lines.cancel();
    await holder.stdin.close();
    await holder.status;
    assertEquals(kinds(footprint), ["cgroup", "mount"]);
    await run("umount", dir);
    Deno.removeSync(cgroup);
    assertEquals(footprint.left(), []);
    Deno.removeSync(dir);
  });
}

/** Where root may make a cgroup: cgroup 2, or a hierarchy of cgroup 1. */
function hierarchy(): string {
  const found = ["", "/unified", "/pids", "/memory"].map((each) => `/sys/fs/cgroup${each}`)
    .find((each) => isThere(`${each}/cgroup.procs`));
  assert(found !== undefined, "there is a hierarchy of cgroups");
  return found;
}
