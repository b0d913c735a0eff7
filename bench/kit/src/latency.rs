//! What the kit adds to a lane: 32 bytes there and back, polled, in turns with a bare lane and a bare cache line.
use std::time::Duration;

use rtt_bench::bare::LineTrip;
use rtt_bench::lanes::LaneTrip;
use rtt_bench::trips::{Contest, PAYLOAD, Side, Times, Trip};
use rtt_bench::{Figure, Outcome, quantile};
use rtt_control::lane::Wait;
use rtt_driver::{Driver, Input, Output};

use crate::keeper::Keeper;
use crate::rig::{Lane, Sockets, input, output};

const TRIPS: u64 = 250;
const TURNS: u64 = 800;
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

pub fn measure() -> Outcome {
    let mut contest = Contest::default();
    contest.enter("kit", TRIPS, KitTrip { sockets: Sockets::new(), ends: None, payload: [7; PAYLOAD] });
    contest.enter("lane", TRIPS, LaneTrip::new()?);
    contest.enter("line", TRIPS, LineTrip::new()?);
    let times = contest.run(TURNS)?;
    let [kit, lane, line] = times.as_slice() else { return Err("bug: a contest lost its ways".into()) };
    row("driver kit, one way, 32 B", kit.typical_ns, lane.typical_ns, "bare lane");
    row("driver kit, one way, 32 B, to the line", kit.typical_ns, line.typical_ns, "cache-line ping-pong");
    for (name, share) in SHARES {
        let at = |times: &Times| quantile(&times.each_ns, share);
        row(&format!("driver kit, one way, 32 B, {name}"), at(kit), at(lane), "bare lane");
    }
    Ok(())
}

fn row(name: &str, value: f64, reference: f64, against: &str) {
    Figure { name, value, unit: "ns", reference: Some(reference), against, ..Figure::default() }.print();
}

/// Through the kit, as a driver in Rust calls it.
struct KitTrip {
    sockets: Sockets,
    ends: Option<Ends>,
    payload: [u8; PAYLOAD],
}

/// Dropped in this order: the driver leaves before its keeper.
struct Ends {
    output: Output,
    input: Input,
    _driver: Driver,
    _keeper: Option<Keeper>,
}

impl KitTrip {
    fn ends(&mut self) -> (&mut Ends, &mut [u8; PAYLOAD]) {
        (self.ends.as_mut().expect("bug: not opened"), &mut self.payload)
    }
}

impl Ends {
    #[inline]
    fn receive(&mut self, into: &mut [u8; PAYLOAD]) {
        while self.input.receive_into(into, Duration::ZERO).expect("a bound input receives").is_none() {
            std::hint::spin_loop();
        }
    }
}

impl Trip for KitTrip {
    fn open(&mut self, side: Side) -> Outcome {
        let lane = |name| [Lane { name, wait: Wait::Sleep, spin_ns: 0 }];
        let (keeper, driver) = match side {
            Side::Asker => {
                let (keeper, driver) = self.sockets.asker(&lane("there"), &lane("back"))?;
                (Some(keeper), driver)
            }
            Side::Echo => (None, self.sockets.echo()?),
        };
        let (to, from) = if side == Side::Asker { ("there", "back") } else { ("back", "there") };
        let (output, input) = (output(&driver, to)?, input(&driver, from)?);
        self.ends = Some(Ends { output, input, _driver: driver, _keeper: keeper });
        Ok(())
    }

    #[inline]
    fn ask(&mut self, _number: u64) {
        let (ends, payload) = self.ends();
        ends.output.send(payload).expect("a bound output sends");
        ends.receive(payload);
    }

    #[inline]
    fn echo(&mut self, _number: u64) {
        let (ends, payload) = self.ends();
        ends.receive(payload);
        ends.output.send(payload).expect("a bound output sends");
    }

    fn close(&mut self) {
        self.ends = None;
    }
}
