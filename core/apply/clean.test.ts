/** Old drivers end in order: a source before whoever takes from it, and all of one rank at once. */
import { assertEquals } from "@std/assert";
import type { FakeKeeper } from "../../tests/fakes/keeper.ts";
import { flow, graph, Host } from "../../tests/sim/host.ts";
import { link } from "../../tests/sim/project.ts";
import type { KeeperReply, KeeperRequest } from "../keeper.ts";

/** Each driver that is asked to stop, and who runs at that moment. */
function heard(): { said: string[]; reply: (request: KeeperRequest, keeper: FakeKeeper) => KeeperReply | undefined } {
  const said: string[] = [];
  const reply = (request: KeeperRequest, keeper: FakeKeeper): undefined => {
    if (request.kind !== "stop" || request.withinNs === 0) return undefined;
    said.push(`${request.instance} of ${[...keeper.alive].sort().join(" ")}`);
  };
  return { said, reply };
}

const chain = (host: Host) =>
  graph(host, { ant: 1, bee: 1, cat: 1, dog: 1 }, [
    flow,
    link("more", 8, "bee/out0", "cat/in0"),
    link("other", 9, "dog/out0", "cat/in1"),
  ]);

Deno.test("sources end first, and the next are asked when they have exited", () => {
  const { said, reply } = heard();
  const host = new Host({ reply });
  host.apply(chain(host));
  host.act({ kind: "rollback" });
  const all = "ant.1 bee.1 cat.1 dog.1";
  assertEquals(said.length, 4);
  assertEquals(said.slice(2), ["bee.1 of bee.1 cat.1", "cat.1 of cat.1"]);
  assertEquals(said[0], `ant.1 of ${all}`);
  assertEquals(host.running, "");
  host.clean();
});

Deno.test("who does not end in time is killed, and then the rest end", () => {
  const { said, reply } = heard();
  const host = new Host({ reply });
  host.apply(chain(host));
  host.world.habits.set("ant.1 stop", Infinity);
  host.act({ kind: "rollback" });
  assertEquals([said.length, said.at(-1), host.running], [4, "cat.1 of cat.1", ""]);
  host.clean();
});
