import { assertEquals, assertNotEquals } from "@std/assert";
import { Random } from "../../tests/fakes/random.ts";
import type { KeeperEvent } from "../keeper.ts";
import type { Instance, Saddr } from "../model/names.ts";
import { checkOpen, equalText, makeTokens, TOKEN_BYTES } from "./tokens.ts";

const imu = "imu.3" as Instance;
const tokens = makeTokens(
  [{ name: "sample", direction: "out" }, { name: "command", direction: "in" }],
  1_000,
  new Random(1),
);
const [sample, command] = tokens;
type Open = Extract<KeeperEvent, { kind: "open" }>;

function open(over: Partial<Open> = {}): Open {
  const token = sample?.token ?? "";
  return {
    seq: 1,
    kind: "open",
    instance: imu,
    request: 1,
    saddr: "imu.3/sample" as Saddr,
    verb: "send",
    token,
    ...over,
  };
}

Deno.test("a token opens its endpoint, with its verb, for its instance, until it expires", () => {
  assertEquals(checkOpen(open(), tokens, 999), "");
  assertEquals(checkOpen(open(), tokens, 1_000), "open.expired");
  assertEquals(checkOpen(open({ verb: "receive" }), tokens, 0), "open.verb");
  assertEquals(checkOpen(open({ saddr: "imu.3/other" as Saddr }), tokens, 0), "open.endpoint");
  assertEquals(checkOpen(open({ saddr: "imu.4/sample" as Saddr }), tokens, 0), "open.endpoint");
  assertEquals(checkOpen(open({ token: command?.token ?? "" }), tokens, 0), "open.token");
  assertEquals(checkOpen(open({ token: "" }), tokens, 0), "open.token");
  assertEquals(checkOpen(open(), undefined, 0), "open.unavailable");
});

Deno.test("tokens are as long as they say, and all different", () => {
  assertEquals(tokens.map((each) => each.token.length), [2 * TOKEN_BYTES, 2 * TOKEN_BYTES]);
  assertNotEquals(sample?.token, command?.token);
});

Deno.test("texts are equal when they are, whatever their lengths", () => {
  assertEquals([
    equalText("ab", "ab"),
    equalText("ab", "ac"),
    equalText("ab", "abc"),
    equalText("abc", "ab"),
    equalText("", ""),
  ], [
    true,
    false,
    false,
    false,
    true,
  ]);
});
