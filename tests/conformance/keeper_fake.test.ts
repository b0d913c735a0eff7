/** The suite on the fake: the simulator's keeper keeps the promises that the real one is held to. */
import { makeTokens } from "../../core/trust/tokens.ts";
import type { CellSpec } from "../../core/keeper.ts";
import { type DriverName, instance } from "../../core/model/names.ts";
import { opaque } from "../fakes/endpoint.ts";
import { FakeKeeperPort } from "../fakes/keeper_port.ts";
import { Random } from "../fakes/random.ts";
import { keeperSuite, type Placed } from "./keeper_suite.ts";

const random = new Random(1);

function placed(driver: string, number: number, direction: "in" | "out"): Placed {
  const endpoint = direction === "out" ? "out" : "in";
  const cell: CellSpec = {
    instance: instance(driver as DriverName, number),
    tag: { plan: "test", move: "" },
    run: [`rtt:${driver}`],
    env: [],
    stdio: null,
    endpoints: [opaque(endpoint, direction)],
    closure: [],
    files: [],
    network: false,
    cpus: [0],
    memoryBytes: 1 << 26,
    openFiles: 64,
    stopWithinNs: 1_000_000_000,
    startEarly: false,
    isolated: true,
    tokens: makeTokens([{ name: endpoint, direction }], Number.MAX_SAFE_INTEGER, random),
    stopOrder: 0,
  };
  return { cell, endpoint };
}

keeperSuite("fake keeper", () => {
  const keeper = new FakeKeeperPort();
  return Promise.resolve({
    keeper,
    source: (number: number) => placed("source", number, "out"),
    sink: (number: number) => placed("sink", number, "in"),
    kill: (victim) => keeper.kill(victim),
    flows: false,
    close: () => {
      keeper.close();
      if (keeper.protests.length > 0) throw new Error(keeper.protests.join("; "));
      return Promise.resolve();
    },
  });
});
