//! A driver in C, compiled against the header and the library, does what the same driver in Rust does.
mod common;

use common::{Keeper, Knobs};
use rtt_control::driver::KeeperToDriver;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Compiles `tests/c/relay.c` beside the library that cargo has built.
fn compile(folder: &Path) -> (PathBuf, PathBuf) {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Beside this test: a cdylib has no hash in its name.
    let built = std::env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let program = folder.join("relay");
    let status = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-I"])
        .arg(crate_folder)
        .arg(crate_folder.join("tests/c/relay.c"))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(&built)
        .arg("-lrtt_driver")
        .status()
        .expect("cannot compile the driver because there is no cc");
    assert!(status.success());
    (program, built)
}

#[test]
fn a_driver_in_c_relays_frames_across_a_flip() {
    let folder = std::env::temp_dir().join(format!("rtt-c-abi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (program, library) = compile(&folder);
    let by_hand =
        Command::new(&program).env("LD_LIBRARY_PATH", &library).env_remove("RTT_CONTROL_FD").output().unwrap();
    assert!(!by_hand.status.success() && String::from_utf8_lossy(&by_hand.stderr).contains("RTT_CONTROL_FD"));

    let mut keeper = Keeper::new();
    let source = keeper.start("source.1", &[], &[("out", &[])]);
    let sink = keeper.start("sink.1", &["in"], &[]);
    let (near, far) = Keeper::pair();
    rustix::io::fcntl_setfd(&far, rustix::io::FdFlags::empty()).unwrap();
    let mut relay = Command::new(&program)
        .env("LD_LIBRARY_PATH", &library)
        .env("RTT_CONTROL_FD", far.as_raw_fd().to_string())
        .spawn()
        .unwrap();
    drop(far);
    keeper.welcome("relay.1", near, &["in"], &[("out", &["in"])]);
    let (mut output, mut input) = (source.output("out").unwrap(), sink.input("in").unwrap());
    for round in 0..3_u64 {
        let links = vec![
            keeper.link(("source.1", "out"), ("relay.1", "in"), Knobs::default()),
            keeper.link(("relay.1", "out"), ("sink.1", "in"), Knobs::default()),
        ];
        keeper.apply(links);
        for number in 0..100_u64 {
            output.send(&(round * 100 + number).to_le_bytes()).unwrap();
            let frame = input.receive(Duration::from_secs(10)).unwrap().expect("the relay sends nothing on");
            assert_eq!(frame.payload, (round * 100 + number).to_le_bytes());
        }
    }
    keeper.say("relay.1", &KeeperToDriver::Stop);
    assert!(relay.wait().unwrap().success());
    std::fs::remove_dir_all(&folder).unwrap();
}
