/** How times are taken: interleaved, so that a busy moment of the machine hits both sides, and by the median. */

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle];
  if (upper === undefined || lower === undefined) throw new Error("cannot take a median because there is no sample");
  return (upper + lower) / 2;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Median milliseconds of each of several works, run in turn `rounds` times after one round that does not count. */
export async function interleaved(works: readonly (() => unknown)[], rounds: number): Promise<number[]> {
  const samples = works.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, work] of works.entries()) {
      const milliseconds = await timed(work);
      if (round >= 0) samples[index]?.push(milliseconds);
    }
  }
  return samples.map(median);
}

/** Runs a program to its end; anything but success is an error with the program's own words. */
export async function run(program: string, args: readonly string[], cwd = "/"): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  if (!success) {
    throw new Error(`cannot measure because ${program} ${args.join(" ")} ended with ${code}: ${text(stderr)}`);
  }
  return text(stdout);
}

/** A folder of its own for `use`, removed afterwards. */
export async function inScratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = Deno.makeTempDirSync({ prefix: "bench-" });
  try {
    return await use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
