/**
 * What a project has made on this host and what of it is still there. It looks while the project runs, because afterwards
 * nothing tells whose a socket, a memfd or a cgroup was; and it looks for these very things later. The kernel counts the
 * inodes of memfds and sockets up and up; those of namespaces come again at once, so that no namespace is told by its own.
 */

export class Footprint {
  /** Processes of the project and all below them, with their start, since numbers come again. */
  readonly #processes = new Map<number, string>();
  readonly #memfds = new Set<string>();
  readonly #sockets = new Set<string>();
  readonly #cgroups = new Set<string>();
  /** Open before the project began, and so inherited at most. */
  readonly #foreign: ReadonlySet<string> = new Set(unixSockets().keys());

  constructor(readonly dir: string) {}

  /** Remembers what is there now. */
  look(): void {
    for (const pid of familyOf(this.dir)) {
      const { started } = stat(pid);
      if (started === "") continue; // It ended between two looks.
      this.#processes.set(pid, started);
      for (const name of cgroupsOf(pid)) this.#cgroups.add(name);
      for (const { target, inode } of descriptorsOf(pid)) {
        if (target.startsWith("/memfd:")) this.#memfds.add(inode);
        if (target.startsWith("socket:") && !this.#foreign.has(inode)) this.#sockets.add(inode);
      }
    }
  }

  /** How many things of each kind are remembered: a look that saw nothing proves nothing. */
  get seen(): Readonly<Record<"process" | "memfd" | "socket" | "cgroup", number>> {
    return {
      process: this.#processes.size,
      memfd: this.#memfds.size,
      socket: this.#sockets.size,
      cgroup: this.#cgroups.size,
    };
  }

  /** One line for each thing that is still there. */
  left(): readonly string[] {
    const cgroups = cgroupFolders().filter((folder) => this.#cgroups.has(folder.slice(folder.lastIndexOf("/") + 1)));
    return [
      ...this.#leftProcesses(),
      ...this.#leftSockets(),
      ...this.#leftMemfds(),
      ...mountsOf(this.dir).map((line) => `mount: ${line}`),
      ...cgroups.map((folder) => `cgroup: ${folder}`),
    ];
  }

  #leftProcesses(): readonly string[] {
    const alive = [...this.#processes].filter(([pid, started]) => stat(pid).started === started).map(([pid]) => pid);
    return [...new Set([...alive, ...namedBy(this.dir)])].filter((pid) => stat(pid).state !== "Z").map((pid) =>
      `process: ${pid} ${commandLine(pid).join(" ").trim()}`
    );
  }

  #leftSockets(): readonly string[] {
    return [...unixSockets()].filter(([inode, path]) => this.#sockets.has(inode) || path.includes(this.dir))
      .map(([inode, path]) => `socket: ${inode} ${path}`);
  }

  /** They live as long as anybody holds them, and that may be a process that is none of ours. */
  #leftMemfds(): readonly string[] {
    return pids().flatMap((pid) =>
      descriptorsOf(pid).filter(({ target, inode }) => target.startsWith("/memfd:") && this.#memfds.has(inode))
        .map(({ target }) => `memfd: ${target}, held by ${pid}`)
    );
  }
}

/** Living processes whose command line names this folder or what is in it, but for this one; the oldest first. */
export function namedBy(dir: string): readonly number[] {
  const names = (word: string): boolean => word === dir || word.startsWith(`${dir}/`);
  return pids().filter((pid) => pid !== Deno.pid && commandLine(pid).some(names) && stat(pid).state !== "Z")
    .sort((one, other) => Number(stat(one).started) - Number(stat(other).started) || one - other);
}

/** These, and all that they have started. */
function familyOf(dir: string): ReadonlySet<number> {
  const parents = new Map(pids().map((pid) => [pid, stat(pid).parent]));
  const family = new Set(namedBy(dir));
  for (let known = 0; known < family.size;) {
    known = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return family;
}

function pids(): readonly number[] {
  return names("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
}

function commandLine(pid: number): readonly string[] {
  return text(`/proc/${pid}/cmdline`).split("\0");
}

/** State, parent and start; of one that is gone, nothing. */
function stat(pid: number): { readonly state: string; readonly parent: number; readonly started: string } {
  const line = text(`/proc/${pid}/stat`);
  const words = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return { state: words[0] ?? "", parent: Number(words[1] ?? 0), started: words[19] ?? "" };
}

function descriptorsOf(pid: number): readonly { readonly target: string; readonly inode: string }[] {
  return names(`/proc/${pid}/fd`).flatMap((name) => {
    const path = `/proc/${pid}/fd/${name}`;
    const target = link(path);
    if (target.startsWith("socket:")) return [{ target, inode: target.slice("socket:[".length, -1) }];
    return target.startsWith("/memfd:") ? [{ target, inode: inodeOf(path) }] : [];
  });
}

/** Mounts on this folder, below it or of it, in every mount namespace that a process is in. */
function mountsOf(dir: string): readonly string[] {
  const namespaces = new Map(pids().map((pid) => [link(`/proc/${pid}/ns/mnt`), pid]));
  return [...namespaces.values()].flatMap((pid) =>
    text(`/proc/${pid}/mountinfo`).split("\n").filter((line) => line.includes(dir)).map((line) =>
      `${line} (seen by ${pid})`
    )
  );
}

function cgroupsOf(pid: number): readonly string[] {
  return text(`/proc/${pid}/cgroup`).split("\n").map((line) => line.slice(line.lastIndexOf("/") + 1)).filter((name) =>
    name.startsWith("rtt")
  );
}

const CGROUP_DEPTH = 8;

/** Folders of cgroups that the keeper names, in every hierarchy. */
function cgroupFolders(folder = "/sys/fs/cgroup", depth = CGROUP_DEPTH): readonly string[] {
  return folders(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    return [...(name.startsWith("rtt") ? [path] : []), ...(depth > 0 ? cgroupFolders(path, depth - 1) : [])];
  });
}

/** Unix sockets by inode, with the path of those that have one. */
function unixSockets(): ReadonlyMap<string, string> {
  return new Map(
    text("/proc/net/unix").trimEnd().split("\n").slice(1).map((line) => {
      const words = line.trim().split(/\s+/);
      return [words[6] ?? "", words.slice(7).join(" ")];
    }),
  );
}

// What is looked at may be gone meanwhile, or not ours to read.
function orElse<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

const text = (path: string): string => orElse(() => Deno.readTextFileSync(path), "");
const link = (path: string): string => orElse(() => Deno.readLinkSync(path), "");
const inodeOf = (path: string): string => orElse(() => String(Deno.statSync(path).ino), "");
const names = (folder: string): readonly string[] =>
  orElse(() => [...Deno.readDirSync(folder)].map((each) => each.name), []);
const folders = (folder: string): readonly string[] =>
  orElse(() => [...Deno.readDirSync(folder)].filter((each) => each.isDirectory).map((each) => each.name), []);
