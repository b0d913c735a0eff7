//! The keeper's side of the control protocol, as a mirror, for `tests/conformance/control_test.ts`: what the panel's
//! TypeScript said is read here, and answered with messages that say the same back.
//!
//! `echo FOLDER` listens at FOLDER/keeper.sock, says so in a line, and serves one connection. What is not a packet of the
//! protocol is answered by its error as a refusal; a shutdown is answered by bytes that are no packet.
use rtt_control::cell::{Access, CellSpec, Direction, Framing, Io, Tag};
use rtt_control::inventory::{InstanceFact, InstanceState, Inventory, RegionFact};
use rtt_control::lane::Transition;
use rtt_control::packet::{self, Mode};
use rtt_control::panel::{Event, KeeperToPanel, Outcome, PanelToKeeper, Request, Verb, What};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept, bind, listen, socket_with};
use std::io;

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: echo FOLDER"))?;
    let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    bind(&listener, &SocketAddrUnix::new(format!("{folder}/keeper.sock"))?)?;
    listen(&listener, 1)?;
    println!("listening");
    let socket = accept(&listener)?;
    let mut staged: Option<Transition> = None;
    while let Ok(packet) = packet::receive(&socket, Mode::Wait) {
        for answer in answers(&packet.bytes, &mut staged) {
            packet::send(&socket, &answer, &[], Mode::Wait).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

fn answers(packet: &[u8], staged: &mut Option<Transition>) -> Vec<Vec<u8>> {
    match PanelToKeeper::from_bytes(packet) {
        Err(error) => vec![bytes(&refused(0, error.code, &error.message))],
        Ok(PanelToKeeper { request: Request::Shutdown {}, .. }) => vec![b"no packet".to_vec()],
        Ok(message) => said_back(message, staged).iter().map(bytes).collect(),
    }
}

fn bytes(message: &KeeperToPanel) -> Vec<u8> {
    message.to_bytes().expect("an answer fits a packet")
}

fn said_back(message: PanelToKeeper, staged: &mut Option<Transition>) -> Vec<KeeperToPanel> {
    let PanelToKeeper { id, generation, request } = message;
    match request {
        Request::Stage { transition, last } => {
            let whole = match staged.take() {
                None => transition,
                Some(mut earlier) => match earlier.append(transition) {
                    Ok(()) => earlier,
                    Err(error) => return vec![refused(id, error.code, &error.message)],
                },
            };
            if last {
                return inventory(id, &whole);
            }
            *staged = Some(whole);
            Vec::new()
        }
        Request::Attach { protocol, panel } => {
            let outcome = Outcome::Attached { protocol, generation, keeper_version: panel };
            vec![KeeperToPanel::Reply { id, outcome }]
        }
        Request::AnswerOpen { instance, request, refusal } => events(&instance, request, &refusal),
        // As a sentence: one that is too long for the wire comes in pieces.
        request => pieces(&told(generation, &request)).map(|piece| refused(id, "told", piece)).collect(),
    }
}

fn refused(id: u64, code: &str, message: &str) -> KeeperToPanel {
    let outcome = Outcome::Refused { code: code.to_owned(), message: message.to_owned() };
    KeeperToPanel::Reply { id, outcome }
}

/// The transition, and an instance and a region fact for each of its bindings and regions.
fn inventory(id: u64, transition: &Transition) -> Vec<KeeperToPanel> {
    let states = [InstanceState::Starting, InstanceState::Parked, InstanceState::Running, InstanceState::Exited];
    let instances = transition.bindings.iter().enumerate().map(|(index, binding)| InstanceFact {
        instance: binding.instance.clone(),
        tag: Tag { plan: "plan".into(), move_: "restart:it".into() },
        pid: i32::try_from(index + 1).unwrap_or(1),
        state: states[index % states.len()],
        exit: (index % states.len() == 3).then_some(-9),
        acknowledged: transition.from,
        opened: vec!["out".into()],
        lanes: binding.forward.clone(),
        sandbox: vec!["landlock=abi 7".into()],
        connected: true,
    });
    let regions = transition.regions.iter().map(|region| RegionFact {
        region: region.region,
        writer: region.writer.clone(),
        reader: region.reader.clone(),
        bytes: region.bytes,
        inode: region.region + 1,
        seals: vec!["shrink".into(), "seal".into()],
    });
    let whole = Inventory {
        epoch: transition.from,
        last_epoch: transition.inverse,
        instances: instances.collect(),
        regions: regions.collect(),
        transitions: vec![transition.clone()],
    };
    let parts = whole.parts();
    let last = parts.len() - 1;
    let reply = |(index, part): (usize, Inventory)| KeeperToPanel::Reply {
        id,
        outcome: Outcome::Done { epoch: part.epoch, inventory: Some(Box::new(part)), more: index < last },
    };
    parts.into_iter().enumerate().map(reply).collect()
}

/// One event of each kind, about this instance.
fn events(instance: &str, number: u64, sentence: &str) -> Vec<KeeperToPanel> {
    let whats = [
        What::Hello { protocol: 1, kit: sentence.into() },
        What::Open { request: number, saddr: format!("{instance}/out"), verb: Verb::Receive, token: "0a".repeat(32) },
        What::Parked,
        What::Mapped { transition: number },
        What::Ready { transition: number },
        What::Acknowledged { epoch: number },
        What::Failed { code: "driver.test".into(), message: sentence.into() },
        What::Exited { exit: -9 },
    ];
    let event = |(seq, what)| Event { seq, instance: instance.into(), what };
    (1..).zip(whats).map(|pair| KeeperToPanel::Event(event(pair))).collect()
}

const PIECE: usize = 1_000;

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let cut = |start: usize| &text[start..text.len().min(start + PIECE)];
    (0..text.len()).step_by(PIECE).map(cut)
}

/// What was understood, as JSON. Texts are printable ASCII, whose `Debug` is JSON.
fn told(generation: u64, request: &Request) -> String {
    let what = match request {
        Request::Seal { transition: id } => format!("\"seal\",{id}"),
        Request::Flip { from, to } => format!("\"flip\",{from},{to}"),
        Request::Discard { transition: id } => format!("\"discard\",{id}"),
        Request::Settle { transition: id } => format!("\"settle\",{id}"),
        Request::Stop { instance, within_ns } => format!("\"stop\",{instance:?},{within_ns}"),
        Request::Acknowledge { seq } => format!("\"acknowledge\",{seq}"),
        Request::Configure { no_panel_for_ns, log_bytes } => format!("\"configure\",{no_panel_for_ns},{log_bytes}"),
        Request::Spawn { cell } => format!("\"spawn\",{}", told_cell(cell)),
        Request::Inventory {} => "\"inventory\"".to_owned(),
        other => panic!("not asked by the test: {other:?}"),
    };
    format!("[{generation},{what}]")
}

fn told_cell(cell: &CellSpec) -> String {
    let tag = [&cell.tag.plan, &cell.tag.move_];
    let stdio = cell.stdio.as_ref().map_or("null".to_owned(), |stdio| {
        let io = if stdio.io == Io::Pty { "pty" } else { "pipe" };
        let frame = match stdio.frame {
            Framing::Lines => "{\"kind\":\"lines\"}".to_owned(),
            Framing::Fixed { bytes } => format!("{{\"kind\":\"fixed\",\"bytes\":{bytes}}}"),
            Framing::Prefixed => "{\"kind\":\"prefixed\"}".to_owned(),
        };
        format!("[{io:?},{frame},{},{}]", stdio.quiet_ns, stdio.answer_within_ns)
    });
    let endpoints = list(&cell.endpoints, |each| {
        let direction = if each.direction == Direction::In { "in" } else { "out" };
        let fields = list(&each.fields, |field| {
            format!("[{:?},{:?},{},{},{:?}]", field.name, field.kind, field.count, field.offset, field.default)
        });
        let layouts = list(&each.layouts, |layout| format!("[{:?},{},{:?}]", layout.since, layout.bytes, layout.hash));
        let meaning = format!("{:?},{:?},{:?},{layouts}", each.contract, each.version, each.capabilities);
        format!("[{:?},{direction:?},{fields},{:?},{meaning}]", each.name, each.depends_on)
    });
    let closure = list(&cell.closure, |each| format!("[{:?},{:?},{}]", each.path, each.hash, each.executable));
    let files = list(&cell.files, |each| {
        let access = if each.access == Access::Read { "r" } else { "rw" };
        format!("[{:?},{access:?}]", each.path)
    });
    let tokens = list(&cell.tokens, |each| {
        let verb = if each.verb == Verb::Send { "send" } else { "receive" };
        format!("[{:?},{verb:?},{:?},{}]", each.endpoint, each.token, each.expires_ns)
    });
    format!(
        "{:?},{tag:?},{:?},{:?},{stdio},{endpoints},{closure},{files},{:?},{:?},{},{},{},{:?},{:?},{tokens},{}",
        cell.instance,
        cell.run,
        cell.env,
        cell.network,
        cell.cpus,
        cell.memory_bytes,
        cell.open_files,
        cell.stop_within_ns,
        cell.start_early,
        cell.isolated,
        cell.stop_order
    )
}

fn list<T>(items: &[T], tell: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(tell).collect::<Vec<_>>().join(","))
}
