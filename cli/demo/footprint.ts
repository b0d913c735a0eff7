/**
 * What a project has made on this host and what of it is still there. It looks while the project runs, because afterwards
 * nothing tells whose a socket, a memfd or a cgroup was; and it looks for these very things later, by number and not by name.
 */

export class Footprint {
  /** Processes of the project and all below them, with their start, since numbers come again. */
  readonly #processes = new Map<number, string>();
  readonly #memfds = new Set<string>();
  readonly #sockets = new Set<string>();
  readonly #namespaces = new Set<string>();
  readonly #cgroups = new Set<string>();
  /** Open before the project began, and so inherited at most. */
  readonly #foreign: ReadonlySet<string> = new Set([...boundSockets().keys(), ...namespacesOf("self")]);

  constructor(readonly dir: string) {}

  /** Remembers what is there now. */
  look(): void {
    for (const pid of familyOf(this.dir)) {
      const { started } = stat(pid);
      if (started === "") continue; // It ended between two looks.
      this.#processes.set(pid, started);
      for (const name of cgroupsOf(pid)) this.#cgroups.add(name);
      for (const name of namespacesOf(pid)) this.#remember(name, this.#namespaces);
      for (const { target, inode } of descriptorsOf(pid)) {
        if (target.startsWith("/memfd:")) this.#memfds.add(inode);
        if (target.startsWith("socket:")) this.#remember(inode, this.#sockets);
      }
    }
  }

  /** How many things of each kind are remembered: a look that saw nothing proves nothing. */
  get seen(): Readonly<Record<"process" | "memfd" | "socket" | "namespace" | "cgroup", number>> {
    return {
      process: this.#processes.size,
      memfd: this.#memfds.size,
      socket: this.#sockets.size,
      namespace: this.#namespaces.size,
      cgroup: this.#cgroups.size,
    };
  }

  /** One line for each thing that is still there. */
  left(): readonly string[] {
    return [
      ...this.#leftProcesses(),
      ...this.#leftSockets(),
      ...text("/proc/self/mountinfo").split("\n").filter((line) => line.includes(this.dir)).map((line) =>
        `mount: ${line}`
      ),
      ...cgroupFolders().filter((folder) => this.#cgroups.has(folder.slice(folder.lastIndexOf("/") + 1)))
        .map((folder) => `cgroup: ${folder}`),
      ...this.#held(),
    ];
  }

  #remember(name: string, among: Set<string>): void {
    if (!this.#foreign.has(name)) among.add(name);
  }

  #leftProcesses(): readonly string[] {
    const alive = [...this.#processes].filter(([pid, started]) => stat(pid).started === started).map(([pid]) => pid);
    return [...new Set([...alive, ...namedBy(this.dir)])].filter((pid) => stat(pid).state !== "Z").map((pid) =>
      `process: ${pid} ${commandLine(pid).join(" ").trim()}`
    );
  }

  #leftSockets(): readonly string[] {
    return [...boundSockets()].filter(([inode, path]) => this.#sockets.has(inode) || path.includes(this.dir))
      .map(([inode, path]) => `socket: ${inode} ${path}`);
  }

  /** What lives as long as anybody holds it: a process that is none of ours may. Mounts of a cell go with its namespace. */
  #held(): readonly string[] {
    const found: string[] = [];
    for (const pid of pids()) {
      for (const { target, inode } of descriptorsOf(pid)) {
        if (target.startsWith("/memfd:") && this.#memfds.has(inode)) found.push(`memfd: ${target}, held by ${pid}`);
      }
      for (const name of namespacesOf(pid)) {
        if (this.#namespaces.has(name)) found.push(`namespace: ${name}, process ${pid} is in it`);
      }
    }
    return found;
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

/** Like `mnt:[4026532201]`, which is its name on the whole host. */
function namespacesOf(pid: number | "self"): readonly string[] {
  return ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].map((kind) => link(`/proc/${pid}/ns/${kind}`)).filter(
    (name) => name !== "",
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
function boundSockets(): ReadonlyMap<string, string> {
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
