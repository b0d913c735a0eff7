/** The calls of `librtt_panel.so`: `ffi/panel/src/abi.rs` is where they are. */

/** `ABI` of the library. */
export const ABI = 2;

/**
 * Only calls that take numbers and nothing else are `nonblocking`: memory of JavaScript may move or go while such a call
 * runs, so that all memory of those belongs to the library.
 */
export const SYMBOLS = {
  rtt_panel_abi: { parameters: [], result: "u32" },
  rtt_figure_words: { parameters: [], result: "u32" },
  rtt_clock_ns: { parameters: [], result: "f64" },
  rtt_last_error: { parameters: ["buffer", "usize"], result: "i32" },

  rtt_lock_take: { parameters: ["buffer", "usize"], result: "i32" },
  rtt_lock_drop: { parameters: ["i32"], result: "i32" },

  rtt_folder_open: { parameters: ["buffer", "usize"], result: "i32" },
  rtt_folder_descriptor: { parameters: ["i32"], result: "i32" },
  rtt_folder_sync: { parameters: ["i32"], result: "i32" },
  rtt_folder_drop: { parameters: ["i32"], result: "i32" },

  rtt_file_open: { parameters: ["buffer", "usize"], result: "i32" },
  rtt_file_write: { parameters: ["i32", "u64", "buffer", "usize"], result: "i32" },
  rtt_file_sync: { parameters: ["i32"], result: "i32" },
  rtt_file_reserve: { parameters: ["i32", "u64"], result: "i32" },
  rtt_file_renew: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  rtt_file_drop: { parameters: ["i32"], result: "i32" },

  rtt_notify: { parameters: ["buffer", "usize"], result: "i32" },
  rtt_strangers: { parameters: ["buffer", "usize"], result: "i32" },

  rtt_keeper_start: { parameters: ["buffer", "usize", "buffer", "usize", "buffer", "usize"], result: "i32" },
  rtt_keeper_pid: { parameters: ["i32"], result: "i32" },
  rtt_keeper_ready_wait: { parameters: ["i32", "i32"], result: "i32", nonblocking: true },
  rtt_keeper_exit_wait: { parameters: ["i32", "i32"], result: "i32", nonblocking: true },
  rtt_keeper_exit: { parameters: ["i32"], result: "i32" },
  rtt_keeper_drop: { parameters: ["i32"], result: "i32" },

  rtt_link_open: { parameters: ["buffer", "usize"], result: "i32" },
  rtt_link_send: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  rtt_link_peer: { parameters: ["i32"], result: "i32" },
  rtt_link_wait: { parameters: ["i32"], result: "i32", nonblocking: true },
  rtt_link_take: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  rtt_link_descriptors: { parameters: ["i32"], result: "i32" },
  rtt_link_map: { parameters: ["i32", "u32", "u64", "u64"], result: "i32" },
  rtt_link_keep: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  rtt_link_lanes: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  rtt_link_figures: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  rtt_link_why: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  rtt_link_stop: { parameters: ["i32"], result: "i32" },
  rtt_link_drop: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** What loads it: written into memory by calls of the C library, which is there in any process. */
export const MEMORY_SYMBOLS = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

export type Calls = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
