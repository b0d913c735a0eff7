/** What a project left on this host: processes that name its folder, mounts below it, sockets in it. */

export function leftovers(dir: string): readonly string[] {
  return [...processes(dir), ...mounts(dir), ...sockets(dir)];
}

function processes(dir: string): readonly string[] {
  const own = String(Deno.pid);
  const numbers = [...Deno.readDirSync("/proc")].map((each) => each.name).filter((name) =>
    /^\d+$/.test(name) && name !== own
  );
  return numbers.filter((pid) =>
    text(`/proc/${pid}/cmdline`).includes(dir) && !text(`/proc/${pid}/status`).includes("State:\tZ")
  )
    .map((pid) => `process ${pid}: ${text(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()}`);
}

function mounts(dir: string): readonly string[] {
  return text("/proc/self/mountinfo").split("\n").filter((line) => line.includes(dir)).map((line) => `mount: ${line}`);
}

/** Bound sockets; the name of one that nobody listens on may stay in the folder. */
function sockets(dir: string): readonly string[] {
  return text("/proc/net/unix").split("\n").filter((line) => line.includes(dir)).map((line) => `socket: ${line}`);
}

function text(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // gone meanwhile
  }
}
