//! What systemd is told (`sd_notify`): one datagram to the socket that it named.
use crate::error::{PanelError, Result};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with};

/// False: nobody asked to be told.
pub fn notify(state: &str) -> Result<bool> {
    std::env::var("NOTIFY_SOCKET").map_or(Ok(false), |name| tell(&name, state).map(|()| true))
}

fn tell(name: &str, state: &str) -> Result<()> {
    let wrong = |error: Errno| PanelError::system(&format!("notify {name}"), error);
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        None => SocketAddrUnix::new(name),
    };
    let address = address.map_err(wrong)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).map_err(wrong)?;
    sendto(&socket, state.as_bytes(), SendFlags::NOSIGNAL, &address).map(|_| ()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{RecvFlags, bind, recv};

    #[test]
    fn a_state_arrives() {
        let name = format!("rtt-notify-{}", std::process::id());
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).unwrap();
        bind(&socket, &SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap()).unwrap();
        tell(&format!("@{name}"), "READY=1").unwrap();
        let mut buffer = [0_u8; 64];
        let (count, _) = recv(&socket, &mut buffer[..], RecvFlags::DONTWAIT).unwrap();
        assert_eq!(&buffer[..count], b"READY=1");
    }
}
