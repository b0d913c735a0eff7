//! Starting the keeper: a session of its own, from sealed memory, with the built-in drivers' program as descriptor 3.
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::ffi::CString;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

/// Where the keeper finds the drivers' program.
const DRIVERS: RawFd = 3;

/// Starts it with these words (its own options, without the drivers' one) and answers its process id.
pub fn spawn(keeper: &[u8], drivers: &[u8], words: &[&str], log: &str) -> Result<i64, String> {
    let program = sealed("rtt-keeper", keeper)?;
    let drivers = sealed("rtt-drivers", drivers)?;
    let path = text(&format!("/proc/self/fd/{}", program.as_raw_fd()))?;
    let drivers_word = DRIVERS.to_string();
    let mut arguments = vec![text("rtt-keeper")?];
    for word in words.iter().copied().chain(["--drivers-fd", &drivers_word]) {
        arguments.push(text(word)?);
    }
    let environment = [text("PATH=/usr/bin:/bin")?];
    let mut actions = Actions::new()?;
    actions.open(0, &text("/dev/null")?, libc::O_RDONLY)?;
    actions.open(1, &text(log)?, libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND)?;
    actions.duplicate(1, 2)?;
    actions.duplicate(drivers.as_raw_fd(), DRIVERS)?;
    actions.spawn(&path, &arguments, &environment)
}

/// Descriptors 0 to 3 are given to the keeper, and so must not be what it is given from.
fn sealed(name: &str, bytes: &[u8]) -> Result<OwnedFd, String> {
    let explain = |error: rustix::io::Errno| format!("cannot put {name} into memory because {error}");
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know EXEC, and need it not.
    let memory =
        memfd_create(name, flags | MemfdFlags::EXEC).or_else(|_| memfd_create(name, flags)).map_err(explain)?;
    let memory = rustix::io::fcntl_dupfd_cloexec(&memory, 10).map_err(explain)?;
    let mut file = std::fs::File::from(memory);
    file.write_all(bytes).map_err(|error| format!("cannot put {name} into memory because {error}"))?;
    let memory = OwnedFd::from(file);
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    fcntl_add_seals(&memory, seals).map_err(explain)?;
    Ok(memory)
}

fn text(word: &str) -> Result<CString, String> {
    CString::new(word).map_err(|_| format!("cannot start the keeper because `{word}` holds a zero byte"))
}

/// posix_spawn's file actions and attributes.
struct Actions {
    actions: libc::posix_spawn_file_actions_t,
    attributes: libc::posix_spawnattr_t,
}

impl Actions {
    fn new() -> Result<Self, String> {
        let mut actions = MaybeUninit::uninit();
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: both are made by these calls, and used only if the calls succeeded.
        unsafe {
            check(libc::posix_spawn_file_actions_init(actions.as_mut_ptr()))?;
            check(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
            let mut made = Self { actions: actions.assume_init(), attributes: attributes.assume_init() };
            check(libc::posix_spawnattr_setflags(&mut made.attributes, libc::POSIX_SPAWN_SETSID))?;
            Ok(made)
        }
    }

    fn open(&mut self, descriptor: RawFd, path: &CString, flags: i32) -> Result<(), String> {
        // SAFETY: the actions are initialised, and the call copies the path.
        check(unsafe {
            libc::posix_spawn_file_actions_addopen(&mut self.actions, descriptor, path.as_ptr(), flags, 0o600)
        })
    }

    fn duplicate(&mut self, from: RawFd, to: RawFd) -> Result<(), String> {
        // SAFETY: the actions are initialised.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.actions, from, to) })
    }

    fn spawn(self, path: &CString, arguments: &[CString], environment: &[CString]) -> Result<i64, String> {
        let pointers = |words: &[CString]| {
            let mut pointers: Vec<*mut libc::c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
            pointers.push(std::ptr::null_mut());
            pointers
        };
        let (arguments, environment) = (pointers(arguments), pointers(environment));
        let mut pid = 0;
        // SAFETY: all pointers live until the call returns, both lists end with null, and nothing is written through them.
        let error = unsafe {
            libc::posix_spawn(
                &mut pid,
                path.as_ptr(),
                &self.actions,
                &self.attributes,
                arguments.as_ptr(),
                environment.as_ptr(),
            )
        };
        check(error).map(|()| i64::from(pid))
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: both were initialised in `new` and are destroyed once.
        unsafe {
            libc::posix_spawn_file_actions_destroy(&mut self.actions);
            libc::posix_spawnattr_destroy(&mut self.attributes);
        }
    }
}

fn check(error: i32) -> Result<(), String> {
    if error == 0 {
        return Ok(());
    }
    Err(format!("cannot start the keeper because {}", std::io::Error::from_raw_os_error(error)))
}

/// Takes the end of a keeper that this process started: its wait status, or nothing while it runs.
pub fn reap(pid: i64) -> Result<Option<i64>, String> {
    let pid = i32::try_from(pid).map_err(|_| "cannot wait for a process of that number".to_owned())?;
    let mut status = 0;
    // SAFETY: writes one integer.
    match unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) } {
        0 => Ok(None),
        -1 => Err(format!("cannot wait for {pid} because {}", std::io::Error::last_os_error())),
        _ => Ok(Some(i64::from(status))),
    }
}
