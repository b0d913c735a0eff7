//! A packet arrives whole with its descriptors, or not at all.
use rtt_control::limits::{PACKET_BYTES, PACKET_DESCRIPTORS};
use rtt_control::packet::{Mode, receive, send};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socketpair};
use std::os::fd::{AsFd, OwnedFd};

fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// One test: it counts the descriptors of this process, which other threads would change.
#[test]
fn packets_carry_bytes_and_descriptors() {
    let (near, far) = pair();
    let before = open_descriptors();
    let files: Vec<OwnedFd> =
        (0..PACKET_DESCRIPTORS).map(|_| memfd_create("rtt-test", MemfdFlags::CLOEXEC).unwrap()).collect();
    let borrowed: Vec<_> = files.iter().map(AsFd::as_fd).collect();

    send(&near, &vec![7; PACKET_BYTES], &borrowed, Mode::Wait).unwrap_or_else(|error| {
        // A socket buffer below one packet is a limit of the host.
        panic!("cannot send the largest packet: {error}")
    });
    let packet = receive(&far, Mode::Wait).unwrap();
    assert_eq!((packet.bytes.len(), packet.descriptors.len()), (PACKET_BYTES, PACKET_DESCRIPTORS));
    for descriptor in &packet.descriptors {
        assert!(rustix::io::fcntl_getfd(descriptor).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    }
    drop(packet);

    assert_eq!(receive(&far, Mode::Try).unwrap_err().code, "control.wouldBlock");
    assert_eq!(send(&near, &[], &[], Mode::Wait).unwrap_err().code, "control.tooLarge");
    let too_many: Vec<_> = std::iter::repeat_n(files[0].as_fd(), PACKET_DESCRIPTORS + 1).collect();
    assert_eq!(send(&near, b"x", &too_many, Mode::Wait).unwrap_err().code, "control.tooManyDescriptors");

    // Larger than a packet may be: refused, and its descriptor is closed.
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    control.push(rustix::net::SendAncillaryMessage::ScmRights(&borrowed[..1]));
    let large = vec![0; PACKET_BYTES + 1];
    rustix::net::sendmsg(&near, &[std::io::IoSlice::new(&large)], &mut control, SendFlags::empty()).unwrap();
    assert_eq!(receive(&far, Mode::Wait).unwrap_err().code, "control.cut");

    drop(borrowed);
    drop(files);
    assert_eq!(open_descriptors(), before);
    drop(near);
    assert!(receive(&far, Mode::Wait).unwrap_err().is_closed());
}
