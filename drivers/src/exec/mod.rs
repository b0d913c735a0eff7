//! `exec`: any Unix program as a driver. What comes on the in lane goes to its standard input, what it writes goes to the
//! out lane; its standard error goes to the log.
mod child;
mod framing;

use crate::outcome::{Outcome, unless_stopping};
use crate::record::Layout;
use child::{Child, FromChild, ToChild};
use framing::{Splitter, frame_of};
use rtt_driver::{Direction, Driver, Endpoint, Input, Io, Output, SendError, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const LOOK_UP: Duration = Duration::from_millis(100);
/// Between asking the program to end and leaving it to the cell's end.
const END_WITHIN: Duration = Duration::from_millis(300);

pub fn run() -> Outcome {
    let driver = Driver::connect()?;
    let stdio = driver.stdio().cloned().ok_or("cannot run because the manifest does not say how the program speaks")?;
    let input = only(&driver, Direction::In)?;
    let output = only(&driver, Direction::Out)?;
    // A foreign program is started only when somebody listens, unless its manifest says otherwise.
    while !driver.start_early() && !driver.stopping() && !driver.wait_active(LOOK_UP)? {}
    if driver.stopping() {
        return Ok(());
    }
    let mut child = Child::start(driver.arguments(), stdio.io)?;
    let answered = AtomicBool::new(false);
    let (to, from) = child.ends()?;
    let result = std::thread::scope(|scope| {
        let writing = scope.spawn(|| feed(&driver, input.as_ref(), to, &stdio, &answered));
        let collected = collect(&driver, output.as_ref(), from, &stdio, &answered);
        let ended = child.end(END_WITHIN);
        let fed = writing.join().map_err(|_| "the thread that writes to the program ended early")?;
        collected.and(fed).and(Ok(ended?))
    });
    match result {
        Ok(_) if driver.stopping() => Ok(()),
        Ok(status) => Err(format!("the program ended ({status})").into()),
        Err(error) if driver.stopping() => {
            eprintln!("exec: while stopping: {error}");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// A program has one standard input and one output, and so at most one endpoint each way.
fn only(driver: &Driver, direction: Direction) -> Outcome<Option<Endpoint>> {
    let mut matching = driver.endpoints().iter().filter(|each| each.direction == direction);
    let first = matching.next().cloned();
    match matching.next() {
        Some(second) => {
            Err(format!("cannot join `{}` because a program has one standard input and one output", second.name).into())
        }
        None => Ok(first),
    }
}

/// Lane to program, until the driver stops or the program ends.
fn feed(driver: &Driver, input: Option<&Endpoint>, mut to: ToChild, stdio: &Stdio, answered: &AtomicBool) -> Outcome {
    let Some(endpoint) = input else {
        while !driver.wait_stopping(LOOK_UP) && !to.is_closed() {}
        return Ok(());
    };
    let layout = Layout::new(endpoint)?;
    let mut lane: Input = driver.input(&endpoint.name)?;
    let mut bytes = Vec::new();
    let mut asked: Option<Instant> = None;
    while !driver.stopping() && !to.is_closed() {
        if let Some(frame) = unless_stopping(lane.receive(LOOK_UP))? {
            frame_of(&frame.payload, &layout, stdio.frame, &mut bytes)?;
            let since = *asked.get_or_insert_with(Instant::now);
            let give_up = || driver.stopping() || silent(Some(since), stdio, answered);
            // A frame is done when the program has read it: one that hangs leaves it uncredited, as any driver does.
            if to.write(&bytes, give_up)? && to.await_read(give_up)? {
                lane.done();
            }
        }
        if silent(asked, stdio, answered) {
            let why = silence(driver.arguments(), stdio);
            driver.fail("exec.silent", &why)?;
            return Err(why.into());
        }
    }
    Ok(())
}

fn silent(asked: Option<Instant>, stdio: &Stdio, answered: &AtomicBool) -> bool {
    let within = Duration::from_nanos(stdio.answer_within_ns);
    !within.is_zero() && !answered.load(Ordering::Relaxed) && asked.is_some_and(|asked| asked.elapsed() > within)
}

fn silence(words: &[String], stdio: &Stdio) -> String {
    let program = words.first().map_or("", String::as_str);
    let within = stdio.answer_within_ns / 1_000_000;
    let remedy = match stdio.io {
        Io::Pipe => "if it keeps its output in a buffer, `io: \"pty\"` in its driver may help",
        Io::Pty => "let it write each answer at once, or raise `answerWithin` of its driver",
    };
    format!("cannot go on because `{program}` has not answered its first input within {within} ms: {remedy}")
}

/// Program to lane, until the driver stops or the program ends.
fn collect(
    driver: &Driver,
    output: Option<&Endpoint>,
    mut from: FromChild,
    stdio: &Stdio,
    answered: &AtomicBool,
) -> Outcome {
    let mut lane: Option<Output> = output.map(|endpoint| driver.output(&endpoint.name)).transpose()?;
    if let Some(lane) = &mut lane {
        lane.switch_after_quiet(Duration::from_nanos(stdio.quiet_ns));
    } else {
        answered.store(true, Ordering::Relaxed);
    }
    let layout = output.map_or_else(|| Ok(Layout::default()), Layout::new)?;
    let mut splitter = Splitter::new(stdio.frame);
    let mut payload = Vec::new();
    while !driver.stopping() {
        let Some(bytes) = from.read(LOOK_UP)? else { continue };
        if bytes.is_empty() {
            return Ok(());
        }
        splitter.push(bytes);
        while let Some(piece) = splitter.next()? {
            answered.store(true, Ordering::Relaxed);
            let Some(lane) = &mut lane else { continue };
            if let Err(error) = splitter.payload(&piece, &layout, &mut payload) {
                eprintln!("exec: {error}");
                continue;
            }
            send(lane, &payload)?;
        }
    }
    Ok(())
}

fn send(lane: &mut Output, payload: &[u8]) -> Outcome {
    match lane.send(payload) {
        // A full lane and an unbound one are counted by the lane.
        Ok(_) | Err(SendError::NotBound | SendError::Full | SendError::Dropped | SendError::Stopping) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
