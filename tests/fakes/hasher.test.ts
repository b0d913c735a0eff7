import { assertEquals } from "@std/assert";
import { hasher } from "./hasher.ts";
import { Random } from "./random.ts";

Deno.test("the fake hasher is the real SHA-256", async () => {
  const random = new Random(1);
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000, 4_096]) {
    const bytes = random.bytes(length);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
    assertEquals(
      hasher.sha256(bytes) as string,
      [...digest].map((each) => each.toString(16).padStart(2, "0")).join(""),
    );
  }
});

Deno.test("the fake checksum is CRC-32C, by its published vectors", () => {
  assertEquals(hasher.crc32c(new TextEncoder().encode("123456789")), 0xe306_9283);
  assertEquals(hasher.crc32c(new Uint8Array(32)), 0x8a91_36aa);
  assertEquals(hasher.crc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43);
});
