/** A keeper that this process has started. */
import { NativeError } from "./load.ts";
import type { Check, KeeperPlaces } from "./mod.ts";
import type { Calls } from "./symbols.ts";

export interface KeeperProcess {
  readonly pid: number;
  /** Waits until it listens or has failed; false when neither has happened in time. */
  ready(withinMs: number): Promise<boolean>;
  /** Waits until it has ended, and answers how: its exit code, or −signal; undefined when it has not in time. */
  exited(withinMs: number): Promise<number | undefined>;
  /** Lets go of it: it goes on, and nobody here hears how it ends. */
  release(): void;
}

/** Exit codes and signals in one number. */
const SIGNALS = 1_000;
const RUNNING = -2;

export function openKeeperProcess(
  calls: Calls,
  check: Check,
  places: KeeperPlaces,
  keeper: Uint8Array<ArrayBuffer>,
  drivers: Uint8Array<ArrayBuffer>,
): KeeperProcess {
  const lines = [places.run, places.store, places.logs, places.project, places.words];
  const wrong = lines.find((each) => each.includes("\n"));
  if (wrong !== undefined) {
    throw new NativeError(
      "native.text",
      `cannot start a keeper because the path ${JSON.stringify(wrong)} has two lines`,
    );
  }
  const text = new TextEncoder().encode(lines.map((each) => `${each}\n`).join(""));
  const sizes = [text, keeper, drivers].map((each) => BigInt(each.length)) as [bigint, bigint, bigint];
  const process = check(calls.rtt_keeper_start(text, sizes[0], keeper, sizes[1], drivers, sizes[2]));
  const wait = async (answer: Promise<number>): Promise<boolean> => waited(await answer);
  return {
    pid: check(calls.rtt_keeper_pid(process)),
    ready: (withinMs) => wait(calls.rtt_keeper_ready_wait(process, withinMs)),
    async exited(withinMs) {
      if (!(await wait(calls.rtt_keeper_exit_wait(process, withinMs)))) return undefined;
      const status = check(calls.rtt_keeper_exit(process));
      if (status === RUNNING) return undefined;
      return status >= SIGNALS ? SIGNALS - status : status;
    },
    release: () => void check(calls.rtt_keeper_drop(process)),
  };
}

/** The words of a call on another thread stay there; only a bug makes one fail. */
export function waited(answer: number): boolean {
  if (answer < 0) {
    throw new NativeError("native.wait", "cannot wait because the object is closed or waited for already");
  }
  return answer > 0;
}
