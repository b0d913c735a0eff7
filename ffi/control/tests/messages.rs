//! What a user of the protocol may rely on: values survive the wire, parts join to the whole, anything else is refused.
use proptest::prelude::*;
use rtt_control::cell::{
    Access, CellSpec, ClosureFile, Direction, Endpoint, Field, FileGrant, Framing, Io, Layout, OpenToken, Stdio, Tag,
    Verb,
};
use rtt_control::driver::{DriverToKeeper, KeeperToDriver, Welcome};
use rtt_control::lane::{Backpressure, LaneSpec, Region, Side, StagedBinding, Transition, Wait};
use rtt_control::limits::PACKET_BYTES;
use rtt_control::panel::{
    Event, InstanceFact, InstanceState, Inventory, KeeperToPanel, Outcome, PanelToKeeper, RegionFact, Request, What,
};

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_-]{0,62}"
}

fn instance() -> impl Strategy<Value = String> {
    (name(), 1_u64..999_999_999_999_999).prop_map(|(driver, number)| format!("{driver}.{number}"))
}

fn lane() -> impl Strategy<Value = LaneSpec> {
    let names = (name(), name(), instance());
    let places = (0_u64..1 << 20, 0_u64..1 << 20, 0_u64..1 << 20, 12_u32..=28);
    let knobs = (any::<u64>(), any::<u32>(), any::<bool>(), 0_u8..3, any::<bool>(), any::<u32>(), 0.0_f64..1e9);
    (names, places, knobs).prop_map(
        |((route, endpoint, peer), (a, b, c, log), (lane, id, side, full, wait, time, rate_hz))| LaneSpec {
            lane,
            route,
            route_id: id,
            side: if side { Side::Producer } else { Side::Consumer },
            endpoint,
            peer,
            ring_region: lane / 3,
            producer_page: a * 64,
            ring: b * 64,
            ring_bytes: 1 << log,
            credit_region: lane / 5,
            consumer_page: c * 64,
            max_frame_bytes: id,
            backpressure: [Backpressure::Block, Backpressure::DropNewest, Backpressure::Fail][usize::from(full)],
            block_ns: u64::from(time),
            wait: if wait { Wait::Sleep } else { Wait::SpinThenSleep },
            spin_ns: u64::from(time) / 2,
            drain_within_ns: u64::from(time) * 2,
            budget_ns: u64::from(time) * 3,
            rate_hz,
        },
    )
}

fn binding(most: usize) -> impl Strategy<Value = StagedBinding> {
    let lanes = || prop::collection::vec(lane(), 0..most);
    (instance(), lanes(), lanes(), any::<bool>()).prop_map(|(instance, forward, inverse, must_acknowledge)| {
        StagedBinding { instance, forward, inverse, must_acknowledge }
    })
}

fn region() -> impl Strategy<Value = Region> {
    (any::<u64>(), instance(), instance(), 1_u64..1 << 24).prop_map(|(region, writer, reader, units)| Region {
        region,
        writer,
        reader,
        bytes: units * 64,
    })
}

fn token() -> OpenToken {
    OpenToken { endpoint: "state".into(), verb: Verb::Receive, token: "ab".repeat(32), expires_ns: 7 }
}

fn endpoint() -> Endpoint {
    let field = Field { name: "angle".into(), kind: "f64".into(), count: 3, offset: 8, default: vec![1, 2] };
    Endpoint {
        fields: vec![field],
        depends_on: vec!["state".into()],
        contract: "pole.force".into(),
        version: "1.1.0".into(),
        capabilities: vec!["brake".into()],
        layouts: vec![Layout { since: "1.0.0".into(), bytes: 32, hash: "d".repeat(64) }],
        ..Endpoint::opaque("force", Direction::Out)
    }
}

fn cell(instance: String) -> CellSpec {
    CellSpec {
        instance,
        tag: Tag { plan: "0".repeat(64), move_: "restart:imu".into() },
        run: vec!["/usr/bin/awk".into(), "{ print }".into()],
        env: vec!["GAIN=0.98".into()],
        stdio: Some(Stdio { io: Io::Pty, frame: Framing::Fixed { bytes: 24 }, quiet_ns: 1, answer_within_ns: 2 }),
        endpoints: vec![endpoint()],
        closure: vec![ClosureFile { path: "filter.py".into(), hash: "c".repeat(64), executable: false }],
        files: vec![FileGrant { path: "/dev/ttyUSB0".into(), access: Access::ReadWrite }],
        network: true,
        cpus: vec![0, 3],
        memory_bytes: 1 << 28,
        open_files: 64,
        stop_within_ns: 1_000_000_000,
        start_early: true,
        isolated: true,
        tokens: vec![token()],
        stop_order: 4,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_stage_survives_the_wire(binding in binding(40), writes in prop::collection::vec(region(), 0..40), id in any::<u64>()) {
        let message = KeeperToDriver::Stage { id, binding, writes, forward: id / 2, inverse: id / 3, base: id / 5, last: true };
        prop_assert_eq!(KeeperToDriver::from_bytes(&message.to_bytes().unwrap()).unwrap(), message);
    }

    #[test]
    fn parts_of_a_transition_fit_and_join(
        bindings in prop::collection::vec(binding(100), 1..4),
        regions in prop::collection::vec(region(), 0..300),
        from in 0_u64..1 << 40,
    ) {
        let mut bindings = bindings;
        bindings.dedup_by(|a, b| a.instance == b.instance);
        let whole = Transition { id: from + 1, from, forward: from + 1, inverse: from + 2, regions, bindings };
        let mut joined: Option<Transition> = None;
        for part in whole.parts() {
            let request = PanelToKeeper { id: 1, generation: 2, request: Request::Stage { transition: part, last: false } };
            let back = PanelToKeeper::from_bytes(&request.to_bytes().unwrap()).unwrap();
            let Request::Stage { transition, .. } = back.request else { panic!("another request came back") };
            match &mut joined {
                None => joined = Some(transition),
                Some(joined) => joined.append(transition).unwrap(),
            }
        }
        prop_assert_eq!(joined.unwrap(), whole);
    }

}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = KeeperToDriver::from_bytes(&bytes);
        let _ = DriverToKeeper::from_bytes(&bytes);
        let _ = PanelToKeeper::from_bytes(&bytes);
        let _ = KeeperToPanel::from_bytes(&bytes);
    }

    #[test]
    fn flipped_bytes_of_a_message_never_panic(binding in binding(6), place in any::<prop::sample::Index>(), value in any::<u8>()) {
        let message = KeeperToDriver::Stage { id: 1, binding, writes: vec![], forward: 1, inverse: 2, base: 0, last: true };
        let mut bytes = message.to_bytes().unwrap();
        let at = place.index(bytes.len());
        bytes[at] = value;
        if let Ok(KeeperToDriver::Stage { binding, .. }) = KeeperToDriver::from_bytes(&bytes) {
            for lane in binding.forward.iter().chain(&binding.inverse) {
                prop_assert!(lane.ring_bytes.is_power_of_two() && rtt_control::names::is_name(&lane.route));
            }
        }
    }
}

#[test]
fn every_message_to_and_from_a_driver_survives_the_wire() {
    let welcome = Welcome {
        protocol: 1,
        instance: "imu.3".into(),
        tokens: vec![token()],
        endpoints: vec![endpoint()],
        stdio: cell("imu.3".into()).stdio,
        run: vec!["cat".into()],
        files: vec![FileGrant { path: "/proc/stat".into(), access: Access::Read }],
        start_early: false,
    };
    for message in [
        KeeperToDriver::Welcome(welcome),
        KeeperToDriver::Opened { request: 4, refusal: "no".into() },
        KeeperToDriver::HandOut { id: 5, reads: vec![], last: true },
        KeeperToDriver::Discard(6),
        KeeperToDriver::Settle { id: 7, gone: vec![1, 2, 3], in_force: 9 },
        KeeperToDriver::LaneEnded { lane: 8, epoch: 9 },
        KeeperToDriver::Stop,
    ] {
        assert_eq!(KeeperToDriver::from_bytes(&message.to_bytes().unwrap()).unwrap(), message);
    }
    for message in [
        DriverToKeeper::Hello { protocol: 1, kit: "rtt 0.1.0".into() },
        DriverToKeeper::Open { request: 1, endpoint: "state".into(), verb: Verb::Send, token: "0".repeat(64) },
        DriverToKeeper::Parked,
        DriverToKeeper::Mapped(1),
        DriverToKeeper::Ready(2),
        DriverToKeeper::Acknowledged(3),
        DriverToKeeper::Failed { code: "map".into(), message: "cannot map".into() },
    ] {
        assert_eq!(DriverToKeeper::from_bytes(&message.to_bytes().unwrap()).unwrap(), message);
    }
}

#[test]
fn every_message_between_panel_and_keeper_survives_the_wire() {
    let instance = || "imu.3".to_owned();
    for request in [
        Request::Attach { protocol: 1, panel: "cell7".into() },
        Request::Inventory {},
        Request::Spawn { cell: Box::new(cell(instance())) },
        Request::Seal { transition: 1 },
        Request::Flip { from: 1, to: 2 },
        Request::Discard { transition: 3 },
        Request::Settle { transition: 4 },
        Request::Stop { instance: instance(), within_ns: 5 },
        Request::AnswerOpen { instance: instance(), request: 6, refusal: String::new() },
        Request::Acknowledge { seq: 7 },
        Request::Configure { no_panel_for_ns: 8, log_bytes: 9 },
        Request::Shutdown {},
        Request::RegionDescriptors { regions: vec![1, 2] },
    ] {
        let message = PanelToKeeper { id: 11, generation: 12, request };
        assert_eq!(PanelToKeeper::from_bytes(&message.to_bytes().unwrap()).unwrap(), message);
    }
    let fact = InstanceFact {
        instance: instance(),
        tag: Tag::default(),
        pid: 44,
        state: InstanceState::Exited,
        exit: Some(-9),
        acknowledged: 3,
        opened: vec!["state".into()],
        lanes: vec![],
        sandbox: vec!["seccomp=filter".into()],
        connected: true,
    };
    let region = RegionFact {
        region: 1,
        writer: instance(),
        reader: "plant.1".into(),
        bytes: 4096,
        inode: 5,
        seals: vec!["seal".into()],
    };
    let inventory =
        Inventory { epoch: 1, last_epoch: 2, instances: vec![fact], regions: vec![region], transitions: vec![] };
    assert_eq!(inventory.parts().len(), 2);
    let mut messages = vec![
        KeeperToPanel::Reply {
            id: 1,
            outcome: Outcome::Done { epoch: 2, inventory: Some(Box::new(inventory)), more: false },
        },
        KeeperToPanel::Reply { id: 1, outcome: Outcome::Done { epoch: 2, inventory: None, more: false } },
        KeeperToPanel::Reply { id: 1, outcome: Outcome::Refused { code: "stale".into(), message: "it is old".into() } },
        KeeperToPanel::Reply {
            id: 1,
            outcome: Outcome::Attached { protocol: 1, generation: 2, keeper_version: "0.1.0".into() },
        },
    ];
    for what in [
        What::Hello { protocol: 1, kit: "rtt".into() },
        What::Open { request: 1, saddr: "imu.3/state".into(), verb: Verb::Send, token: "0".repeat(64) },
        What::Parked,
        What::Mapped { transition: 1 },
        What::Ready { transition: 1 },
        What::Acknowledged { epoch: 1 },
        What::Failed { code: "map".into(), message: "cannot map".into() },
        What::Exited { exit: -9 },
    ] {
        messages.push(KeeperToPanel::Event(Event { seq: 5, instance: instance(), what }));
    }
    for message in messages {
        assert_eq!(KeeperToPanel::from_bytes(&message.to_bytes().unwrap()).unwrap(), message);
    }
}

#[test]
fn names_outside_the_grammar_are_refused() {
    for bad in ["", "1a", "a/b", "a b", "é", &"a".repeat(64)] {
        assert!(!rtt_control::names::is_name(bad), "{bad:?}");
        let open = DriverToKeeper::Open { request: 1, endpoint: bad.into(), verb: Verb::Send, token: "0".repeat(64) };
        assert!(DriverToKeeper::from_bytes(&open.to_bytes().unwrap()).is_err(), "{bad:?}");
    }
    for bad in ["imu", "imu.0", "imu.01", "imu.", ".1", "imu.1x", "imu.1234567890123456"] {
        assert!(!rtt_control::names::is_instance(bad), "{bad:?}");
    }
}

#[test]
fn a_message_larger_than_a_packet_is_refused_by_its_sender() {
    let message = KeeperToDriver::Settle { id: 1, gone: vec![0; PACKET_BYTES / 8], in_force: 0 };
    assert_eq!(message.to_bytes().unwrap_err().code, "control.tooLarge");
}

#[test]
fn the_schema_and_the_limits_name_one_protocol() {
    assert_eq!(rtt_control::control_capnp::PROTOCOL, rtt_control::limits::PROTOCOL);
}

#[test]
fn the_committed_code_is_what_the_schema_generates() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = std::env::temp_dir().join(format!("rtt-control-generated-{}", std::process::id()));
    std::fs::create_dir_all(&out).unwrap();
    let made = capnpc::CompilerCommand::new().src_prefix(root).output_path(&out).file(root.join("control.capnp")).run();
    let fresh = std::fs::read_to_string(out.join("control_capnp.rs"));
    std::fs::remove_dir_all(&out).unwrap();
    made.expect("cannot compare because the capnp program of the toolchain did not run");
    assert!(
        fresh.unwrap() == std::fs::read_to_string(root.join("src/control_capnp.rs")).unwrap(),
        "src/control_capnp.rs is not what control.capnp generates; run: cargo run -p rtt-control-generate"
    );
}

#[cfg(feature = "json")]
mod json {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// What the panel's TypeScript says arrives as it was said: `core/keeper.ts` has the same shapes.
        #[test]
        fn a_request_survives_json(bindings in prop::collection::vec(binding(20), 0..4), region in region(), id in 0_u64..1 << 53) {
            let transition = Transition { id, from: 1, forward: id, inverse: id / 2, regions: vec![region], bindings };
            for request in [Request::Stage { transition, last: true }, Request::Spawn { cell: Box::new(cell("imu.3".into())) }] {
                let message = PanelToKeeper { id, generation: 2, request };
                prop_assert_eq!(PanelToKeeper::from_json(&serde_json::to_vec(&message).unwrap()).unwrap(), message);
            }
        }

        #[test]
        fn any_text_is_a_request_or_an_error(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = PanelToKeeper::from_json(&text);
        }

        #[test]
        fn flipped_bytes_of_an_inventory_never_panic(
            binding in binding(6), place in any::<prop::sample::Index>(), value in any::<u8>(),
        ) {
            let transition = Transition { id: 1, from: 0, forward: 1, inverse: 2, regions: vec![], bindings: vec![binding] };
            let inventory = Some(Box::new(Inventory { transitions: vec![transition], ..Inventory::default() }));
            let message = KeeperToPanel::Reply { id: 1, outcome: Outcome::Done { epoch: 0, inventory, more: false } };
            let mut bytes = message.to_bytes().unwrap();
            let at = place.index(bytes.len());
            bytes[at] = value;
            if let Ok(message) = KeeperToPanel::from_bytes(&bytes) {
                // Numbers beyond 2^53 are the only thing that can be read and not be said.
                let _ = message.to_json();
            }
        }
    }

    #[test]
    fn a_number_that_javascript_cannot_hold_is_refused() {
        let done = |epoch| {
            let outcome = Outcome::Done { epoch, inventory: None, more: false };
            KeeperToPanel::Reply { id: 1, outcome }.to_json()
        };
        let said = r#"{"id":1,"kind":"done","epoch":9007199254740991,"inventory":null,"more":false}"#;
        assert_eq!(String::from_utf8(done((1 << 53) - 1).unwrap()).unwrap(), said);
        assert_eq!(done(1 << 53).unwrap_err().code, "control.malformed");
    }

    #[test]
    fn an_event_is_said_in_the_words_of_the_panel() {
        let what = What::Open { request: 1, saddr: "imu.3/state".into(), verb: Verb::Send, token: "0".repeat(64) };
        let event = KeeperToPanel::Event(Event { seq: 5, instance: "imu.3".into(), what });
        let token = "0".repeat(64);
        let said = format!(
            r#"{{"seq":5,"instance":"imu.3","kind":"open","request":1,"saddr":"imu.3/state","verb":"send","token":"{token}"}}"#
        );
        assert_eq!(String::from_utf8(event.to_json().unwrap()).unwrap(), said);
    }
}
