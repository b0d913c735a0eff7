import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalTopology } from "../../core/model/scenario.ts";
import { MACHINES, writeSysfs } from "../../tests/fixtures/topology/machines.ts";
import { parseList, readTopology } from "./topology.ts";

for (const [name, machine] of Object.entries(MACHINES)) {
  Deno.test(`what the kernel shows of ${name} is read back`, () => {
    const root = Deno.makeTempDirSync();
    writeSysfs(root, machine);
    const found = readTopology(root);
    Deno.removeSync(root, { recursive: true });
    assertEquals(canonicalTopology(found), canonicalTopology(machine));
  });
}

Deno.test("cpus that the first process may not use are not there", () => {
  const root = Deno.makeTempDirSync();
  const machine = MACHINES["two sockets"];
  assert(machine !== undefined);
  writeSysfs(root, machine);
  Deno.mkdirSync(`${root}/proc/1`, { recursive: true });
  Deno.writeTextFileSync(`${root}/proc/1/status`, "Name:\tinit\nCpus_allowed_list:\t0,8-9\n");
  const found = readTopology(root);
  Deno.removeSync(root, { recursive: true });
  assertEquals(found.cpus.map(({ id, node }) => [id, node]), [[0, 0], [8, 1], [9, 1]]);
});

Deno.test("a host that shows nothing has one cpu on one node", () => {
  assertEquals(readTopology("/nowhere"), {
    cpus: [{ id: 0, node: 0, cache: 0, core: 0 }],
    nodes: [0],
    distance: [[10]],
  });
});

Deno.test("this host has cpus, each on a node that is there", () => {
  const { cpus, nodes, distance } = readTopology("/");
  assert(cpus.length > 0 && cpus.every((cpu) => nodes.includes(cpu.node)));
  assert(distance.length === nodes.length && distance.every((row) => row.length === nodes.length));
});

Deno.test("a kernel's list is read as it is written, however it is cut into ranges", () => {
  const ranges = fc.array(fc.tuple(fc.nat(64), fc.nat(8), fc.boolean()), { maxLength: 8 });
  fc.assert(fc.property(ranges, (parts) => {
    const texts = parts.map(([from, more, asRange]) => asRange || more > 0 ? `${from}-${from + more}` : `${from}`);
    const cpus = parts.flatMap(([from, more]) => Array.from({ length: more + 1 }, (_, at) => from + at));
    assertEquals(parseList(`${texts.join(",")}\n`), cpus);
  }));
});
