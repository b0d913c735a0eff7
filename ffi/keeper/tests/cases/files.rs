//! Files of a manifest, as a driver finds them.
use crate::support::{House, TestPanel, cell, until};
use rtt_control::cell::{Access, FileGrant};
use rtt_control::panel::Request;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn grant(path: &str, access: Access) -> FileGrant {
    FileGrant { path: path.to_owned(), access }
}

/// The play `files` prints what it can read and where, and appends to what it may write.
pub fn granted() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    for (name, text) in [("data.txt", "of the project"), ("secret.txt", "not granted"), ("out.log", "one ")] {
        fs::write(house.folder.join(name), text).expect("a file");
        fs::set_permissions(house.folder.join(name), fs::Permissions::from_mode(0o600)).expect("private");
    }
    let absolute = |name: &str| house.folder.join(name).to_string_lossy().into_owned();
    let mut spec = cell("a.1", "files");
    spec.run.extend([absolute("data.txt"), "data.txt".into(), absolute("secret.txt"), "/etc/passwd".into()]);
    spec.run.extend(["/proc/uptime".into(), "/proc/vmstat".into()]);
    spec.files = vec![
        grant(&absolute("data.txt"), Access::Read),
        grant(&absolute("out.log"), Access::ReadWrite),
        grant(&absolute("new.log"), Access::ReadWrite),
        grant("/proc/net/dev", Access::Read),
        grant("/proc/stat", Access::Read),
    ];
    spec.env = vec![format!("APPEND={}:{}", absolute("out.log"), absolute("new.log"))];
    panel.done(Request::Spawn { cell: Box::new(spec) });
    until("it has looked at all of them", || house.log("a").contains("looked at all"));
    let log = house.log("a");
    assert!(log.contains(&format!("{}: of the project", absolute("data.txt"))), "{log}");
    assert!(log.contains("\ndata.txt: of the project"), "relative to /driver: {log}");
    assert!(log.contains("secret.txt: refused") && log.contains("/etc/passwd: refused"), "{log}");
    assert!(log.contains("/proc/uptime: refused") && log.contains("/proc/vmstat: refused"), "{log}");
    // The host's network, and not that of the cell: more than one line of counters, or the same as here.
    let ours = fs::read_to_string("/proc/net/dev").expect("the host's devices").lines().count();
    assert!(log.contains(&format!("passed /proc/net/dev: {ours} lines")), "{log}");
    assert!(log.contains("passed /proc/stat"), "{log}");
    assert_eq!(fs::read_to_string(house.folder.join("out.log")).expect("written"), "one more");
    assert_eq!(fs::read_to_string(house.folder.join("new.log")).expect("made and written"), "more");
    let facts =
        |name: &str| std::os::unix::fs::MetadataExt::uid(&fs::metadata(house.folder.join(name)).expect("a file"));
    assert_eq!(facts("out.log"), facts("data.txt"), "its owner has changed");
}

pub fn waived() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    fs::write(house.folder.join("data.txt"), "of the project").expect("a file");
    let mut spec = cell("a.1", "files");
    spec.isolated = false;
    spec.run.extend(["data.txt".into(), "/etc/passwd".into()]);
    spec.files = vec![grant(&house.folder.join("data.txt").to_string_lossy(), Access::Read)];
    spec.closure = vec![house.store("note.txt", b"from the store")];
    spec.run.push("/driver/note.txt".to_owned());
    panel.done(Request::Spawn { cell: Box::new(spec) });
    until("it has looked at all of them", || house.log("a").contains("looked at all"));
    let log = house.log("a");
    assert!(log.contains("data.txt: of the project") && log.contains("/driver/note.txt: from the store"), "{log}");
    assert!(log.contains("/etc/passwd: root:"), "{log}");
    let fact = &panel.inventory().instances[0];
    assert!(fact.sandbox.contains(&"isolation=waived".to_owned()), "{:?}", fact.sandbox);
}

/// A plan that pins other bytes of the built-in drivers runs those, and one that pins ours runs ours.
pub fn pinned_drivers() {
    let house = House::new();
    let mut panel = TestPanel::attach(&house);
    let program = fs::read("/proc/self/exe").expect("this program");
    let mut other = program.clone();
    // Behind the end of the program: the same behaviour under another hash.
    other.extend(b"other bytes");
    for (instance, content, inside) in [("a.1", &program, false), ("a.2", &other, true)] {
        let mut spec = cell(instance, "files");
        spec.closure = vec![house.store("rtt:drivers", content)];
        spec.run.push("/driver/rtt:drivers".to_owned());
        panel.done(Request::Spawn { cell: Box::new(spec) });
        until("it has looked", || house.log("a").contains("looked at all"));
        assert_eq!(house.log("a").contains("No such file"), !inside, "{}", house.log("a"));
        fs::write(house.folder.join("logs/a.log"), "").expect("emptied");
    }
    let house = House::with(crate::support::on_disk);
    let mut panel = TestPanel::attach(&house);
    panel.start("a.1", "good");
}
