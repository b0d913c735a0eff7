/** What a run may leave behind on this host: looked at before and after, and the difference is a leak. */

/** One kind of thing, and every such thing that is there now, each as a line that a person can act on. */
interface Probe {
  readonly kind: string;
  readonly look: () => string[];
}

export type Snapshot = ReadonlyMap<string, ReadonlySet<string>>;

const CGROUP_DEPTH = 8;
const OURS = /^rtt/;

function entries(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch {
    return []; // gone meanwhile, or not ours to read
  }
}

function text(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function link(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

const pids = (): string[] => entries("/proc").map((entry) => entry.name).filter((name) => /^\d+$/.test(name));

/** Zombies too: their name stays until somebody waits for them. */
function processes(): string[] {
  return pids().flatMap((pid) => {
    const comm = text(`/proc/${pid}/comm`).trim();
    const exe = link(`/proc/${pid}/exe`);
    const program = exe.slice(exe.lastIndexOf("/") + 1);
    return OURS.test(comm) || OURS.test(program) ? [`${pid} ${comm} ${exe}`] : [];
  });
}

function memfds(): string[] {
  return pids().flatMap((pid) =>
    entries(`/proc/${pid}/fd`).flatMap((entry) => {
      const target = link(`/proc/${pid}/fd/${entry.name}`);
      return target.startsWith("/memfd:rtt") ? [`pid ${pid} fd ${entry.name} ${target}`] : [];
    })
  );
}

/** Bound Unix sockets, by path or abstract name; unbound ones belong to a process and are seen as that. */
function sockets(): string[] {
  return text("/proc/net/unix").split("\n").slice(1).flatMap((line) => {
    const path = line.trim().split(/\s+/).slice(7).join(" ");
    return /(^|\/|@|\.)rtt|panel\.sock|keeper\.sock/.test(path) ? [path] : [];
  });
}

const mounts = (): string[] => text("/proc/self/mountinfo").split("\n").filter((line) => line !== "");

function cgroups(): string[] {
  const found: string[] = [];
  const visit = (folder: string, depth: number): void => {
    for (const entry of entries(folder)) {
      if (!entry.isDirectory || entry.isSymlink) continue;
      const path = `${folder}/${entry.name}`;
      if (OURS.test(entry.name)) found.push(path);
      if (depth < CGROUP_DEPTH) visit(path, depth + 1);
    }
  };
  visit("/sys/fs/cgroup", 0);
  return found;
}

const inFolder = (folder: string, pattern: RegExp) => (): string[] =>
  entries(folder).filter((entry) => pattern.test(entry.name)).map((entry) => `${folder}/${entry.name}`);

const PROBES: readonly Probe[] = [
  { kind: "process", look: processes },
  { kind: "memfd", look: memfds },
  { kind: "socket", look: sockets },
  { kind: "mount", look: mounts },
  { kind: "cgroup", look: cgroups },
  { kind: "shared memory", look: inFolder("/dev/shm", /./) },
  { kind: "temporary file", look: inFolder("/tmp", OURS) },
  { kind: "network namespace", look: inFolder("/run/netns", /./) },
];

export const probeCount: number = PROBES.length;

export function snapshot(): Snapshot {
  return new Map(PROBES.map((probe) => [probe.kind, new Set(probe.look())]));
}

/** What is there now and was not there before, one line each. */
export function leaks(before: Snapshot): string[] {
  return [...snapshot()].flatMap(([kind, now]) =>
    [...now].filter((line) => !before.get(kind)?.has(line)).map((line) => `${kind}: ${line}`)
  );
}
