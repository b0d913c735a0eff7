//! What JavaScript calls: `ffi/symbols.ts` is this file's table. All calls but the three `_wait`s are synchronous; only those
//! three may be made `nonblocking`, and they take numbers and nothing else.
use crate::durable::{self, FILES};
use crate::error::{self, PanelError};
use crate::folder::{self, FOLDERS};
use crate::keeper::{self, KEEPERS, Places};
use crate::link::{self, LINKS};
use crate::lock::{self, LOCKS};
use crate::outside::{answer, bytes, copy_text, done, room, text};
use crate::table::locked;
use crate::telemetry::{FIGURE_WORDS, LANE_WORDS};
use crate::{notify, peers};
use std::path::{Path, PathBuf};

/// Version of this table; `ffi/symbols.ts` holds the same number.
pub const ABI: u32 = 2;

#[unsafe(no_mangle)]
pub extern "C" fn rtt_panel_abi() -> u32 {
    ABI
}

/// Numbers of one row of `rtt_link_figures`.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_figure_words() -> u32 {
    FIGURE_WORDS as u32
}

/// CLOCK_MONOTONIC, nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_clock_ns() -> f64 {
    rtt_lane::clock::now() as f64
}

/// The words of the last call on this thread that answered -1: code and message on two lines.
///
/// # Safety
/// `into` has room for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_last_error(into: *mut u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    unsafe { room(into, length) }.map_or(0, |into| copy_text(&error::last(), into))
}

/// A lock's number; 0: somebody else holds it.
///
/// # Safety
/// `path` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_lock_take(path: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(
        unsafe { text(path, length) }
            .and_then(|path| lock::take(Path::new(path))?.map_or(Ok(0), |lock| LOCKS.insert(lock))),
    )
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_lock_drop(lock: i32) -> i32 {
    done(LOCKS.remove(lock).map(drop))
}

/// A folder's number.
///
/// # Safety
/// `path` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_folder_open(path: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(unsafe { text(path, length) }.and_then(|path| FOLDERS.insert(folder::open_folder(Path::new(path))?)))
}

/// The folder's descriptor: `/proc/self/fd/N` is its short path.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_folder_descriptor(folder: i32) -> i32 {
    answer(FOLDERS.get(folder).map(|folder| folder::number(&folder)))
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_folder_sync(folder: i32) -> i32 {
    done(FOLDERS.get(folder).and_then(|folder| folder::sync(&folder)))
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_folder_drop(folder: i32) -> i32 {
    done(FOLDERS.remove(folder).map(drop))
}

/// A durable file's number; the file is made if it is not there.
///
/// # Safety
/// `path` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_file_open(path: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(unsafe { text(path, length) }.and_then(|path| FILES.insert(durable::open_file(Path::new(path))?)))
}

/// # Safety
/// `from` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_file_write(file: i32, offset: u64, from: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    done(unsafe { bytes(from, length) }.and_then(|from| FILES.get(file)?.write(offset, from)))
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_file_sync(file: i32) -> i32 {
    done(FILES.get(file).and_then(|file| file.sync()))
}

/// 1: there is room; 0: the disk is full.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_file_reserve(file: i32, bytes: u64) -> i32 {
    answer(FILES.get(file).and_then(|file| file.reserve(bytes)).map(i32::from))
}

/// # Safety
/// `from` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_file_renew(file: i32, from: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    done(unsafe { bytes(from, length) }.and_then(|from| FILES.get(file)?.renew(from)))
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_file_drop(file: i32) -> i32 {
    done(FILES.remove(file).map(drop))
}

/// 1: told; 0: nobody asked to be told.
///
/// # Safety
/// `state` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_notify(state: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(unsafe { text(state, length) }.and_then(notify::notify).map(i32::from))
}

/// Peers of the socket bound to `path` that are not ours, shut down now; how many.
///
/// # Safety
/// `path` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_strangers(path: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(unsafe { text(path, length) }.and_then(peers::strangers))
}

/// A keeper's number. `places` is run, store, logs, project and the file of its words, each ended by a line feed.
///
/// # Safety
/// Each pointer is to as many bytes as the length behind it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_keeper_start(
    places: *const u8,
    places_length: usize,
    keeper: *const u8,
    keeper_length: usize,
    drivers: *const u8,
    drivers_length: usize,
) -> i32 {
    let start = || {
        // SAFETY: by the caller's promise.
        let (places, keeper, drivers) =
            unsafe { (text(places, places_length)?, bytes(keeper, keeper_length)?, bytes(drivers, drivers_length)?) };
        let lines: Vec<PathBuf> = places.lines().map(PathBuf::from).collect();
        let [run, store, logs, project, words] =
            lines.try_into().map_err(|_| PanelError::bug("a keeper needs five places"))?;
        KEEPERS.insert(keeper::start(&Places { run, store, logs, project, words }, keeper, drivers)?)
    };
    answer(start())
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_keeper_pid(keeper: i32) -> i32 {
    answer(KEEPERS.get(keeper).map(|keeper| keeper.pid.as_raw_nonzero().get()))
}

/// 1: it listens, or has failed; 0: neither in time. Nonblocking.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_keeper_ready_wait(keeper: i32, within_ms: i32) -> i32 {
    answer(KEEPERS.get(keeper).and_then(|keeper| keeper.wait_ready(within_ms)).map(i32::from))
}

/// 1: it has ended; 0: not in time. Nonblocking.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_keeper_exit_wait(keeper: i32, within_ms: i32) -> i32 {
    answer(KEEPERS.get(keeper).and_then(|keeper| keeper.wait_exit(within_ms)).map(i32::from))
}

/// Its exit code, or 1000 + signal; -2 while it runs.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_keeper_exit(keeper: i32) -> i32 {
    let status = |exit: Option<i32>| exit.map_or(-2, |exit| if exit < 0 { 1_000 - exit } else { exit });
    answer(KEEPERS.get(keeper).and_then(|keeper| keeper.exit()).map(status))
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_keeper_drop(keeper: i32) -> i32 {
    done(KEEPERS.remove(keeper).map(drop))
}

/// A link's number; 0: no keeper listens in this folder.
///
/// # Safety
/// `folder` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_open(folder: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(
        unsafe { text(folder, length) }
            .and_then(|folder| link::open(folder, "keeper.sock")?.map_or(Ok(0), |link| LINKS.insert(link))),
    )
}

/// Sends a request: JSON as `core/keeper.ts` has it.
///
/// # Safety
/// `from` is `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_send(link: i32, from: *const u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    done(unsafe { bytes(from, length) }.and_then(|from| LINKS.get(link)?.send(from)))
}

/// 1: a message is there; 0: none will come. Nonblocking.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_link_wait(link: i32) -> i32 {
    answer(LINKS.get(link).and_then(|link| link.wait()).map(i32::from))
}

/// Copies the next message out, as JSON, and answers its length, 0 when none is there; one longer than the room stays.
///
/// # Safety
/// `into` has room for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_take(link: i32, into: *mut u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(unsafe { room(into, length) }.and_then(|into| LINKS.get(link)?.take(into)))
}

/// The process at the other end; 0 when the system does not say.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_link_peer(link: i32) -> i32 {
    answer(LINKS.get(link).map(|link| link.peer()))
}

/// How many descriptors came with the message taken last.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_link_descriptors(link: i32) -> i32 {
    answer(LINKS.get(link).map(|link| link.descriptors()))
}

#[unsafe(no_mangle)]
pub extern "C" fn rtt_link_map(link: i32, descriptor: u32, region: u64, bytes: u64) -> i32 {
    done(LINKS.get(link).and_then(|link| link.map(descriptor as usize, region, bytes)))
}

/// Forgets all regions but these.
///
/// # Safety
/// `regions` is `count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_keep(link: i32, regions: *mut u64, count: usize) -> i32 {
    // SAFETY: by the caller's promise.
    done(unsafe { room(regions, count) }.and_then(|regions| {
        locked(&LINKS.get(link)?.telemetry).keep(regions);
        Ok(())
    }))
}

/// The lanes that `rtt_link_figures` reads, eight numbers each.
///
/// # Safety
/// `table` is `count` times eight numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_lanes(link: i32, table: *mut u64, count: usize) -> i32 {
    let words = count.saturating_mul(LANE_WORDS);
    // SAFETY: by the caller's promise.
    done(unsafe { room(table, words) }.and_then(|table| locked(&LINKS.get(link)?.telemetry).set_lanes(table)))
}

/// Fills one row for each lane; how many.
///
/// # Safety
/// `into` has room for `length` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_figures(link: i32, into: *mut f64, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(
        unsafe { room(into, length) }
            .and_then(|into| locked(&LINKS.get(link)?.telemetry).figures(rtt_lane::clock::now(), into)),
    )
}

/// Why no message will come.
///
/// # Safety
/// `into` has room for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rtt_link_why(link: i32, into: *mut u8, length: usize) -> i32 {
    // SAFETY: by the caller's promise.
    answer(unsafe { room(into, length) }.and_then(|into| Ok(copy_text(&LINKS.get(link)?.why(), into))))
}

/// Ends the link's thread and its wait.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_link_stop(link: i32) -> i32 {
    done(LINKS.get(link).and_then(|link| link.stop()))
}

/// The connection ends.
#[unsafe(no_mangle)]
pub extern "C" fn rtt_link_drop(link: i32) -> i32 {
    done(LINKS.remove(link).map(drop))
}
