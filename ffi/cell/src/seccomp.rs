//! The filters, from reviewed data: `filters/*.json`, one rule a line, each with its reason.
use crate::error::{CellError, Result};
use seccompiler::{BpfProgram, TargetArch};
use serde_json::{Map, Value, json};

const DRIVER: &str = include_str!("../filters/driver.json");
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: &str = include_str!("../filters/x86_64.json");
#[cfg(not(target_arch = "x86_64"))]
const ARCHITECTURE: &str = r#"{"rules": []}"#;
const NETWORK: &str = include_str!("../filters/network.json");
const DEVICE: &str = include_str!("../filters/device.json");
const ABSENT: &str = include_str!("../filters/absent.json");
const REAPER: &str = include_str!("../filters/reaper.json");

/// Every program that a cell may need, compiled once.
#[derive(Debug)]
pub struct Filters {
    /// By network, then by device.
    driver: [[BpfProgram; 2]; 2],
    absent: BpfProgram,
    reaper: BpfProgram,
}

impl Filters {
    pub fn compile() -> Result<Self> {
        let driver = |network: bool, device: bool| {
            let mut files = vec![DRIVER, ARCHITECTURE];
            files.extend(network.then_some(NETWORK));
            files.extend(device.then_some(DEVICE));
            allow(&files)
        };
        Ok(Self {
            driver: [[driver(false, false)?, driver(false, true)?], [driver(true, false)?, driver(true, true)?]],
            absent: compile(&[ABSENT], json!({"errno": libc::ENOSYS}), json!("allow"))?,
            reaper: allow(&[REAPER])?,
        })
    }

    /// Binds this process and all that come from it.
    pub(crate) fn bind_driver(&self, network: bool, device: bool) -> Result<()> {
        // The second filter could not be installed under the first one.
        install(&self.absent)?;
        install(&self.driver[usize::from(network)][usize::from(device)])
    }

    pub(crate) fn bind_reaper(&self) -> Result<()> {
        install(&self.reaper)
    }
}

fn allow(files: &[&str]) -> Result<BpfProgram> {
    compile(files, json!("allow"), json!({"errno": libc::EPERM}))
}

fn install(program: &BpfProgram) -> Result<()> {
    seccompiler::apply_filter(program)
        .map_err(|error| CellError::new("cell.seccomp", format!("cannot install the filter because {error}")))
}

fn compile(files: &[&str], matched: Value, otherwise: Value) -> Result<BpfProgram> {
    let mut all = Vec::new();
    for file in files {
        all.extend(rules(file)?);
    }
    // A filter that matches nothing would be no filter, or a dead driver.
    if all.is_empty() {
        return Err(unusable("it is empty"));
    }
    let mut map = Map::new();
    map.insert("filter".to_owned(), json!({"match_action": matched, "mismatch_action": otherwise, "filter": all}));
    let text = Value::Object(map).to_string();
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| unusable(&error.to_string()))?;
    let mut made =
        seccompiler::compile_from_json(text.as_bytes(), arch).map_err(|error| unusable(&error.to_string()))?;
    made.remove("filter").filter(|program| !program.is_empty()).ok_or_else(|| unusable("it is empty"))
}

/// The rules of one file; each has a reason.
fn rules(file: &str) -> Result<Vec<Value>> {
    let mut parsed: Value = serde_json::from_str(file).map_err(|error| unusable(&error.to_string()))?;
    let Some(Value::Array(rules)) = parsed.get_mut("rules").map(Value::take) else {
        return Err(unusable("a file has no rules"));
    };
    for rule in &rules {
        let reason = rule.get("comment").and_then(Value::as_str).unwrap_or_default();
        if reason.is_empty() {
            return Err(unusable(&format!("the rule {rule} has no reason")));
        }
    }
    Ok(rules)
}

fn unusable(why: &str) -> CellError {
    CellError::new("cell.filter", format!("cannot use the seccomp filter because {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_filters_compile() {
        let filters = Filters::compile().expect("the filters of this build");
        assert!(filters.driver[1][1].len() > filters.driver[0][0].len());
    }

    #[test]
    fn an_empty_filter_is_an_error() {
        assert_eq!(allow(&[r#"{"rules": []}"#]).unwrap_err().code, "cell.filter");
        assert_eq!(allow(&[]).unwrap_err().code, "cell.filter");
        assert_eq!(allow(&["{}"]).unwrap_err().code, "cell.filter");
    }

    #[test]
    fn a_rule_without_a_reason_is_an_error() {
        let error = allow(&[r#"{"rules": [{"syscall": "read"}]}"#]).unwrap_err();
        assert!(error.message.contains("has no reason"), "{error}");
    }

    #[test]
    fn what_reaches_out_of_a_cell_is_in_no_file() {
        const NEVER: &[&str] = &[
            "ptrace",
            "process_vm_readv",
            "process_vm_writev",
            "mount",
            "umount2",
            "move_mount",
            "open_tree",
            "fsopen",
            "pivot_root",
            "chroot",
            "unshare",
            "setns",
            "bpf",
            "io_uring_setup",
            "io_uring_enter",
            "keyctl",
            "add_key",
            "request_key",
            "memfd_create",
            "memfd_secret",
            "perf_event_open",
            "userfaultfd",
            "kexec_load",
            "init_module",
            "finit_module",
            "setuid",
            "setresuid",
            "sched_setaffinity",
            "sched_setscheduler",
            "sched_setattr",
            "mknod",
            "mknodat",
            "fchown",
            "fchownat",
            "setxattr",
            "fsetxattr",
            "linkat",
            "name_to_handle_at",
            "open_by_handle_at",
            "pidfd_getfd",
            "personality",
        ];
        for file in [DRIVER, ARCHITECTURE, NETWORK, DEVICE, REAPER] {
            for rule in rules(file).expect("rules") {
                let name = rule["syscall"].as_str().expect("a name");
                assert!(!NEVER.contains(&name), "{name}");
            }
        }
        for file in [DRIVER, ARCHITECTURE, DEVICE] {
            assert!(!rules(file).expect("rules").iter().any(|rule| rule["syscall"] == "socket"));
        }
    }
}
