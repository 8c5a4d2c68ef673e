//! What is taken up. Each subject has a process of its own, so that none inherits from another.

use std::{env, fs, process::Command};

use anyhow::Context as _;
use farpipe_core::{Capabilities, Chunk, Input, Limits, Session, Stream, Timestamp};
use farpipe_rmcp::RmcpDecode;

use crate::{
    input::{Shape, message},
    row::Row,
    work::Scale,
    works::end_to_end,
};

/// The argument that makes `compare` one of these processes.
pub const MEASURE: &str = "--measure-memory";

const IDLE_SESSIONS: usize = 100_000;
const IDLE: &str = "idle sessions";

/// Peaks of whole runs with a process, and what idle sessions take up. Nothing where the system
/// does not tell (it is Linux that does).
pub fn rows(scale: Scale) -> anyhow::Result<Vec<Row>> {
    if status("VmHWM").is_none() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for (at, work) in end_to_end::works().iter().enumerate() {
        let work = work(Scale::Smoke);
        let mut peaks = Vec::new();
        for subject in &work.subjects {
            peaks.push(measure(&[&at.to_string(), subject.name, &format!("{scale:?}")])?);
        }
        let of_peer = peaks.last().copied().unwrap_or_default();
        for (subject, peak) in work.subjects.iter().zip(peaks) {
            let row = Row::sized(
                &format!("{} (peak memory)", work.name),
                subject.name,
                peak,
                work.messages,
            );
            #[expect(clippy::cast_precision_loss, reason = "a ratio needs no 53 bits")]
            let ratio = of_peer as f64 / peak as f64;
            let peer = work.peers.last().copied().unwrap_or_default();
            rows.push(if subject.is_own() { row.beside(peer, Some(ratio)) } else { row });
        }
    }
    let idle = measure(&[IDLE])?;
    rows.push(Row::sized("memory of 100 000 idle sessions", "farpipe", idle, IDLE_SESSIONS));
    Ok(rows)
}

fn measure(arguments: &[&str]) -> anyhow::Result<usize> {
    let output = Command::new(env::current_exe()?).arg(MEASURE).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("{arguments:?} tells {output:?}"))
}

/// Does one measurement in this process, and prints the bytes.
pub fn child(arguments: &[String]) -> anyhow::Result<()> {
    let bytes = match arguments {
        [idle] if idle == IDLE => idle_sessions(),
        [at, subject, scale] => peak(at.parse()?, subject, scale == "Full"),
        _ => None,
    };
    println!("{}", bytes.context("nothing is known by these arguments")?);
    Ok(())
}

fn peak(at: usize, subject: &str, full: bool) -> Option<usize> {
    let work = end_to_end::works().get(at)?(if full { Scale::Full } else { Scale::Quick });
    let subject = work.subjects.iter().find(|known| known.name == subject)?;
    // The peak so far was that of the input, which is in a file by now.
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = status("VmRSS")?;
    subject.run(&work);
    Some(status("VmHWM")?.saturating_sub(before))
}

/// Sessions that have all received a message.
fn idle_sessions() -> Option<usize> {
    let line = message(Shape::Progress, 1, 200);
    let before = status("VmRSS")?;
    let sessions: Vec<_> = (0..IDLE_SESSIONS)
        .map(|_| {
            let mut session = Session::new(RmcpDecode, Capabilities::local(), Limits::default())
                .expect("default limits are valid");
            let data = line.clone().into();
            let chunk = Chunk { seq: 1, stream: Stream::Stdout, data };
            session.handle(Timestamp::ORIGIN, Input::Output(chunk));
            while session.poll_event().is_some() {}
            session
        })
        .collect();
    let taken = status("VmRSS")?.saturating_sub(before);
    drop(sessions);
    Some(taken)
}

/// A line of what the system knows of this process, in bytes.
pub(crate) fn status(key: &str) -> Option<usize> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib << 10)
}
