/** The C ABI of `ffi/panel` as a table: `abi.rs` says what each function does. */

/** Version of the table; the library answers the same number to `rtt_panel_abi`. */
export const ABI = 1;

/** Words of a question to `rtt_figures`: ring region, producer page, ring, ring bytes, credit region, consumer page. */
export const QUESTION_WORDS = 6;

export const SYMBOLS = {
  rtt_panel_abi: { parameters: [], result: "i64" },
  rtt_monotonic_ns: { parameters: [], result: "i64" },
  rtt_last_error: { parameters: ["buffer", "usize"], result: "i64" },
  rtt_lock: { parameters: ["buffer", "usize"], result: "i64" },
  rtt_keeper_spawn: { parameters: ["buffer", "usize", "buffer", "usize", "buffer", "usize"], result: "i64" },
  rtt_keeper_reap: { parameters: ["i64"], result: "i64" },
  rtt_link_open: { parameters: ["buffer", "usize"], result: "pointer" },
  rtt_link_send: { parameters: ["pointer", "buffer", "usize"], result: "i64" },
  rtt_link_wait: { parameters: ["pointer"], result: "i64", nonblocking: true },
  rtt_link_take: { parameters: ["pointer", "buffer", "usize"], result: "i64" },
  rtt_link_expect: { parameters: ["pointer", "u64", "buffer", "usize"], result: "i64" },
  rtt_link_forget: { parameters: ["pointer", "u64"], result: "i64" },
  rtt_link_shut: { parameters: ["pointer"], result: "i64" },
  rtt_link_close: { parameters: ["pointer"], result: "i64" },
  rtt_figures: { parameters: ["pointer", "buffer", "usize", "buffer"], result: "i64" },
  rtt_figures_words: { parameters: [], result: "i64" },
  rtt_peers_evict: { parameters: ["buffer", "usize"], result: "i64" },
} as const;

/** What loading needs of the C library, before any library of ours is there. */
export const LIBC_SYMBOLS = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
} as const;
