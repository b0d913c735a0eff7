import type { Sandbox } from "../core/keeper.ts";

/** What of a cell's walls is not there, in few words; `confined` when all are. */
export function sandboxText(sandbox: Sandbox): string {
  if (Object.keys(sandbox).length === 0) return "-";
  const missing = [
    ...(sandbox.cgroup?.startsWith("none") ?? true ? ["no cgroup"] : []),
    ...(sandbox.uid === "single" ? ["uid shared"] : []),
    ...(sandbox.net === "granted" ? ["network granted"] : []),
    ...(sandbox.proc?.startsWith("absent") ? ["no /proc"] : []),
    ...(Number(/^abi (\d+)$/.exec(sandbox.landlock ?? "")?.[1] ?? SCOPED) < SCOPED
      ? [`Landlock ${sandbox.landlock}`]
      : []),
  ];
  return [sandbox.isolation === "waived" ? "waived" : "confined", ...missing].join(", ");
}

/** The first ABI of Landlock that keeps signals and abstract sockets inside. */
const SCOPED = 6;
