//! Round trips to a process.

use std::{
    env,
    io::{self, BufRead as _, Write as _},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use farpipe_rmcp::FarTransport;
use farpipe_tokio::TokioRuntime;
use rmcp::{
    RoleClient,
    model::{ClientRequest, Extensions, JsonRpcMessage, PingRequest, PingRequestMethod, RequestId},
    transport::{TokioChildProcess, Transport},
};
use serde_json::{Value, json};

use crate::{row::Row, work::Scale, works::end_to_end::tokio};

/// The argument that makes `compare` the process that answers.
pub const SERVE: &str = "--serve";

const OWN: &str = "farpipe on tokio";
const PEER: &str = "TokioChildProcess";

/// As many pings are counted in a turn.
const PINGS: usize = 300;

/// Answers every ping on stdin, until stdin ends.
pub fn serve() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let ping: Value = serde_json::from_str(&line?)?;
        writeln!(out, "{}", json!({ "jsonrpc": "2.0", "id": ping["id"], "result": {} }))?;
        out.flush()?;
    }
    Ok(())
}

/// The median and the 99th percentile of many pings, one at a time.
///
/// Each transport has many short turns, each with a process of its own, and the median of its turns
/// counts: what else happens on the machine hits a few turns of either, and decides nothing.
pub fn rows(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let turns = match scale {
        Scale::Smoke => 1,
        Scale::Quick => 12,
        Scale::Full => 200,
    };
    let runtime = tokio();
    let (mut own, mut peer) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        // Neither is always the one that comes first.
        if turn % 2 == 0 {
            own.push(runtime.block_on(runtime.spawn(own_pings()))??);
        }
        peer.push(runtime.block_on(runtime.spawn(peer_pings()))??);
        if turn % 2 == 1 {
            own.push(runtime.block_on(runtime.spawn(own_pings()))??);
        }
    }
    Ok([("p50", 50), ("p99", 99)].into_iter().flat_map(|at| rank(at, &own, &peer)).collect())
}

fn server() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(SERVE);
    Ok(command)
}

async fn own_pings() -> anyhow::Result<Vec<Duration>> {
    let process = farpipe_tokio::LocalProcess::spawn(server()?)?;
    pings(FarTransport::new(process, &TokioRuntime::current())).await
}

async fn peer_pings() -> anyhow::Result<Vec<Duration>> {
    let command = tokio::process::Command::from(server()?);
    pings(TokioChildProcess::new(command)?).await
}

/// What the pings of one turn took, sorted. In a task of the runtime, as rmcp's client runs in one.
async fn pings(mut transport: impl Transport<RoleClient>) -> anyhow::Result<Vec<Duration>> {
    const WARM_UP: usize = 50;
    let mut took = Vec::new();
    for id in 0..WARM_UP + PINGS {
        let began = Instant::now();
        let id = RequestId::Number(i64::try_from(id)?);
        let ping = PingRequest { method: PingRequestMethod, extensions: Extensions::new() };
        transport.send(JsonRpcMessage::request(ClientRequest::PingRequest(ping), id)).await?;
        transport.receive().await.context("the server is there")?;
        took.push(began.elapsed());
    }
    transport.close().await?;
    took.drain(..WARM_UP);
    took.sort_unstable();
    Ok(took)
}

fn rank(at: (&str, usize), own: &[Vec<Duration>], peer: &[Vec<Duration>]) -> [Row; 2] {
    let work = format!("process, round trip of a ping, {}", at.0);
    let seconds = |turns: &[Vec<Duration>]| {
        let mut of_turns: Vec<_> = turns.iter().map(|took| took[PINGS * at.1 / 100]).collect();
        of_turns.sort_unstable();
        of_turns[of_turns.len() / 2].as_secs_f64()
    };
    let (of_own, of_peer, messages) = (seconds(own), seconds(peer), PINGS * own.len());
    [
        Row::timed(&work, OWN, 0, messages, of_own).beside(PEER, Some(of_peer / of_own)),
        Row::timed(&work, PEER, 0, messages, of_peer),
    ]
}
