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
pub fn rows(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let blocks = match scale {
        Scale::Smoke => 1,
        Scale::Quick => 6,
        Scale::Full => 40,
    };
    let runtime = tokio();
    let (mut own, mut peer) = (Vec::new(), Vec::new());
    // In turns, so that whatever else the machine does hits both alike.
    for _ in 0..blocks {
        own.extend(runtime.block_on(runtime.spawn(own_pings()))??);
        peer.extend(runtime.block_on(runtime.spawn(peer_pings()))??);
    }
    Ok([("p50", 50), ("p99", 99)]
        .into_iter()
        .flat_map(|at| rank(at, &mut own, &mut peer))
        .collect())
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

/// In a task of the runtime, as rmcp's client runs in one.
async fn pings(mut transport: impl Transport<RoleClient>) -> anyhow::Result<Vec<Duration>> {
    const WARM_UP: usize = 50;
    const PINGS: usize = 500;
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
    Ok(took.split_off(WARM_UP))
}

fn rank(at: (&str, usize), own: &mut [Duration], peer: &mut [Duration]) -> [Row; 2] {
    let work = format!("process, round trip of a ping, {}", at.0);
    let seconds = |took: &mut [Duration]| {
        took.sort_unstable();
        took[took.len() * at.1 / 100].as_secs_f64()
    };
    let (of_own, of_peer) = (seconds(own), seconds(peer));
    [
        Row::timed(&work, OWN, 0, own.len(), of_own).beside(PEER, Some(of_peer / of_own)),
        Row::timed(&work, PEER, 0, peer.len(), of_peer),
    ]
}
