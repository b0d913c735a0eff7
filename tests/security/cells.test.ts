/** What a driver of a running panel can't do, each thing shown to be possible outside of its cell first. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { childrenOf, commandLine, statusWord, until } from "../e2e/process.ts";
import { pair, panel, teller } from "../e2e/panels.ts";
import { type By, isRoot, ORDINARY, Project, RTT } from "../e2e/project.ts";
import { buildPlay, play } from "../e2e/play.ts";

const PROBE = Deno.readTextFileSync(new URL("probe.pl", import.meta.url));
const SOCKETS = ["inet", "inet6", "unix", "netlink", "vsock"].map((each) => `socket ${each}`).concat("socketpair");

/** What a reader tries with its lane's descriptor: to open it again, and to write into what it then has. */
const OPENS = ["mode changed", "reopened for writing"];
const WRITES = ["written", "mapped for writing", "made writable", "punched"];

/** Users that a panel may run as here; only root can be two. */
const USERS: readonly (readonly [string, By])[] = [
  ["as this user", []],
  ...(isRoot ? [["as an ordinary user with an empty environment", ORDINARY] as const] : []),
];

/** What became of each try: `ok`, or why not. */
function tries(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^(\S+(?: \S+){0,2}): (.*)$/gm)].map(([, what = "", how = ""]) => [what, how]));
}

/** No new privileges, a filter, no capability, no group, and no namespace of ours. */
function assertConfined(pid: number, name: string): void {
  assertEquals(statusWord(pid, "NoNewPrivs"), "1", name);
  assertEquals(statusWord(pid, "Seccomp"), "2", name);
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    assertEquals(BigInt(`0x${statusWord(pid, set)}`), 0n, `${name} ${set}`);
  }
  assertEquals(statusWord(pid, "Groups") ?? "", "", name);
  for (const namespace of ["pid", "mnt", "net", "ipc", "uts", "user", "cgroup"]) {
    const [theirs, ours] = [pid, Deno.pid].map((each) => Deno.readLinkSync(`/proc/${each}/ns/${namespace}`));
    assert(theirs !== ours, `${name} shares its ${namespace} namespace with its host`);
  }
}

function environmentOf(pid: number): readonly string[] {
  return Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").filter((each) => each !== "").sort();
}

function fdOf(pid: number, fd: number | string): string {
  return Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null" }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** The setuid and setgid bits of a file. */
function special(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o6000;
}

for (const [user, by] of USERS) {
  Deno.test(`a driver's files and sockets are those of its manifest, ${user}`, async () => {
    await using project = await Project.make({}, by);
    for (const name of ["secret.txt", "given.txt", "kept.txt"]) project.write(name, `${name}\n`);
    Deno.chmodSync(project.path("kept.txt"), 0o666);
    Deno.chmodSync(project.path("given.txt"), 0o666);
    const room = project.path("room");
    Deno.mkdirSync(room);
    Deno.chmodSync(room, 0o777);
    const devices = isRoot ? [project.path("device")] : [];
    // What is written to it is nowhere; only root can make one.
    for (const device of devices) await run("mknod", "--mode=666", device, "c", "1", "5");
    const own = [
      project.path("secret.txt"),
      project.path("panel.cue"),
      "/etc/passwd",
      "/proc/meminfo",
      `/proc/${Deno.pid}/status`,
    ];
    const words = [
      ...own.map((path) => `read=${path}`),
      `read=${project.path("given.txt")}`,
      ...["given.txt", "kept.txt"].map((name) => `write=${project.path(name)}`),
      ...devices.map((path) => `write=${path}`),
      `write=/tmp/${project.dir.split("/").at(-1)}.txt`,
      `chmod=${project.path("kept.txt")}`,
      `create=${room}/made`,
    ];
    project.write("probe.pl", PROBE);

    const outside = await new Deno.Command("perl", {
      args: [project.path("probe.pl"), ...words, `signal=${Deno.pid}`],
      env: { PROBE_ENDS: "1" },
    }).output();
    const free = tries(new TextDecoder().decode(outside.stderr));
    assertEquals([...free].filter(([what, how]) => how !== "ok" && what !== "socket packet"), []);
    assertEquals(free.size, words.length + SOCKETS.length + 2);
    Deno.removeSync(`/tmp/${project.dir.split("/").at(-1)}.txt`);
    // Both run as their owner now.
    for (const path of [project.path("kept.txt"), `${room}/made`]) assertEquals(special(path), 0o4000, path);
    Deno.chmodSync(project.path("kept.txt"), 0o666);
    Deno.removeSync(`${room}/made`);

    const granted = { [project.path("given.txt")]: "r", [project.path("kept.txt")]: "rw", [room]: "rw" };
    for (const device of devices) Object.assign(granted, { [device]: "rw" });
    const files = `, files: ${JSON.stringify(granted)}`;
    const command = ["perl", "probe.pl", ...words, `signal=${Deno.pid}`];
    project.write("panel.cue", panel(teller(command, files)));
    await project.succeed("keys", "new");
    await project.rendered();
    const plan = await project.plan();
    await project.serve();
    await project.succeed("apply", plan);
    await until("all was tried", () => project.log("teller").includes("tried all"));
    const caged = tries(project.log("teller"));
    assertEquals([...caged].filter(([, how]) => how === "ok").map(([what]) => what).sort(), [
      `read ${project.path("given.txt")}`,
      ...devices.map((path) => `write ${path}`),
      `write ${project.path("kept.txt")}`,
    ], project.log("teller"));
    for (const socket of SOCKETS) assertMatch(caged.get(socket) ?? "", /not permitted|denied/, socket);
    assertEquals(caged.size, free.size);
    assertEquals(special(project.path("kept.txt")), 0, "a driver made a file of the host run as its owner");
    assertEquals([...Deno.readDirSync(room)], []);
    await project.down();
  });

  Deno.test(`a granted network has the families of the Internet and no other, ${user}`, async () => {
    const run = ["perl", "probe.pl"];
    const policy = 'policy: network: ["teller"]';
    await using project = await Project.make(
      { "panel.cue": panel(teller(run, ", network: true"), "cell1", policy), "probe.pl": PROBE },
      by,
    );
    await project.succeed("keys", "new");
    await project.rendered();
    const plan = await project.plan();
    await project.serve();
    await project.succeed("apply", plan);
    await until("all was tried", () => project.log("teller").includes("tried all"));
    const granted = [...tries(project.log("teller"))].filter(([, how]) => how === "ok").map(([what]) => what);
    assertEquals(granted.sort(), ["socket inet", "socket inet6", "socket unix", "socketpair"], project.log("teller"));
    await project.down();
  });

  Deno.test(`every driver has no new privileges, a filter, no capability and only its own words, ${user}`, async () => {
    Deno.env.set("LEAKS_INTO_DRIVERS", "no");
    await using project = await Project.signed(
      { "panel.cue": panel(pair("gen") + teller(["sh", "-c", "sleep 1d"])) },
      by,
    );
    const plan = await project.plan();
    await project.serve();
    await project.succeed("apply", plan);
    const { drivers } = await project.settled();
    assertEquals(drivers.length, 4);
    for (const { name, pid } of drivers) {
      assert(pid !== null, name);
      assertConfined(pid, name);
      assertEquals(environmentOf(pid), ["PATH=/usr/bin:/bin", "RTT_CONTROL_FD=3"], name);
      const open = [...Deno.readDirSync(`/proc/${pid}/fd`)].map((each) => Number(each.name));
      assert([0, 1, 2, 3].every((fd) => open.includes(fd)), name);
      assert(!commandLine(pid).includes(RTT));
    }
    // Of a program that speaks stdio the driver is its parent.
    const joiner = drivers.find(({ name }) => name === "teller")?.pid ?? 0;
    const programs = childrenOf(joiner);
    assertEquals(programs.length, 1);
    for (const program of programs) {
      assertConfined(program, "the program of teller");
      // It has no control socket, and no word of one.
      assertEquals(environmentOf(program), ["PATH=/usr/bin:/bin"]);
      const open = [...Deno.readDirSync(`/proc/${program}/fd`)].map((each) => Number(each.name));
      assertEquals(open.filter((fd) => fd > 2 && fdOf(program, fd).startsWith("socket:")), []);
    }
    const shared = new Set(drivers.map(({ pid }) => Deno.readLinkSync(`/proc/${pid}/ns/mnt`)));
    assertEquals(shared.size, drivers.length, "drivers share a mount namespace");
    await project.down();
  });

  Deno.test(`the sampler reads the four files of its manifest and no other of the host's, ${user}`, async () => {
    const four = ["/proc/diskstats", "/proc/meminfo", "/proc/net/dev", "/proc/stat"];
    const files = JSON.stringify(Object.fromEntries(four.map((path) => [path, "r"])));
    await using project = await Project.signed({
      "panel.cue": panel(`
contracts: "host.sample": {version: "1.0.0", fields: [{name: "cpu", type: "f64"}]}
drivers: sampler: {run: ["rtt:sampler"], files: ${files}, out: samples: "host.sample@1.0.0"}
drivers: drain: {run: ["rtt:sink"], in: samples: "host.sample@^1.0"}
routes: samples: {from: "sampler/samples", to: "drain/samples"}
`),
    }, by);
    const manifest = JSON.parse(Deno.readTextFileSync(project.path("manifests/sampler.json")));
    assertEquals(manifest.files, four.map((path) => ({ path, access: "r" })));
    const plan = await project.plan();
    await project.serve();
    await project.succeed("apply", plan);
    await until("there are samples", async () => ((await project.status()).links[0]?.frames ?? 0) > 0);
    const pid = (await project.settled()).drivers.find(({ name }) => name === "sampler")?.pid ?? 0;
    const open = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => fdOf(pid, name));
    // The network is that of whoever opened its file.
    const read = open.filter((path) => path.startsWith("/proc/")).map((path) => path.replace(/^\/proc\/\d+/, "/proc"));
    assertEquals([...new Set(read)].sort(), four);
    for (const other of ["/proc/uptime", "/proc/vmstat", ...four, "/etc/passwd"]) {
      assert(Deno.statSync(other).isFile);
      assertThrows(() => Deno.statSync(`/proc/${pid}/root${other}`), Deno.errors.NotFound);
    }
    await project.down();
  });

  Deno.test(`a reader can write into its lane in no way, ${user}`, async () => {
    const program = await buildPlay();
    const unsealed = await new Deno.Command(program, { args: ["unsealed"] }).output();
    const free = tries(new TextDecoder().decode(unsealed.stdout));
    assertEquals([...free], [...OPENS, ...WRITES].map((each) => [each, "true"]));
    await using project = await Project.make({ "panel.cue": panel(play("good")) }, by);
    Deno.copyFileSync(program, project.path("play"));
    await project.succeed("keys", "new");
    await project.rendered();
    const plan = await project.plan();
    await project.serve();
    await project.succeed("apply", plan);
    await until("the reader has tried", () => project.log("player").includes("tried all"));
    const caged = tries(project.log("player"));
    for (const write of WRITES) assertEquals(caged.get(write), "false", project.log("player"));
    // A reader that is the same user outside may open it again; that it gains nothing by it was just seen.
    const opened = isRoot && by.length === 0 ? "false" : "true";
    for (const open of OPENS) assertEquals(caged.get(open), opened, project.log("player"));
    await project.down();
  });
}
