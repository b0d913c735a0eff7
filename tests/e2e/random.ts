/** What a random test does can be done again: its seed is printed, and taken from RTT_SEED. */
import { Random } from "../fakes/random.ts";

export function seeded(file: string): Random {
  const seed = Number(Deno.env.get("RTT_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  console.log(`seed ${seed}; again: RTT_SEED=${seed} deno test -A ${file}`);
  return new Random(seed);
}
