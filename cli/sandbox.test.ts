import { assertEquals } from "@std/assert";
import { sandboxText } from "./sandbox.ts";

const ALL = {
  noNewPrivs: "set",
  cgroup: "memory",
  uid: "range",
  net: "namespace",
  landlock: "abi 7",
  proc: "own processes",
};

Deno.test("a cell with all its walls is confined", () => {
  assertEquals(sandboxText(ALL), "confined");
});

Deno.test("what a cell lacks is named, and a waiver is never called confined", () => {
  assertEquals(
    sandboxText({ ...ALL, cgroup: "none (Permission denied)", uid: "single" }),
    "confined, no cgroup, uid shared",
  );
  assertEquals(
    sandboxText({ ...ALL, net: "granted", proc: "absent (EPERM)", landlock: "abi 5" }),
    "confined, network granted, no /proc, Landlock abi 5",
  );
  assertEquals(sandboxText({ noNewPrivs: "set", pid: "namespace", cgroup: "memory", isolation: "waived" }), "waived");
});

Deno.test("a driver without a cell has none", () => {
  assertEquals(sandboxText({}), "-");
});
