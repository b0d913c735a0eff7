/** Drivers that speak the control socket themselves and do it wrong, in the ways that `ffi/keeper/tests/play` knows. */
import { assert } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;

/** The program, built where it is not up to date. Answers its path. */
export async function buildPlay(): Promise<string> {
  const manifest = `${ROOT}ffi/Cargo.toml`;
  const args = ["build", "--quiet", "--locked", "--manifest-path", manifest, "-p", "rtt-keeper", "--example", "play"];
  const { success, stderr } = await new Deno.Command("cargo", { args, stdout: "null", stderr: "piped" }).output();
  assert(success, new TextDecoder().decode(stderr));
  return `${Deno.env.get("CARGO_TARGET_DIR") ?? `${ROOT}ffi/target`}/debug/examples/play`;
}

/** It stands between a source and a sink. */
export function play(name: string): string {
  return `
drivers: source: {run: ["rtt:gen", "--rate=100"], out: load: "load@1.0.0"}
drivers: player: {run: ["./play", "${name}"], in: in: "load@^1.0", out: out: "load@1.0.0"}
drivers: drain: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: toPlayer: {from: "source/load", to: "player/in"}
routes: fromPlayer: {from: "player/out", to: "drain/load"}
`;
}
