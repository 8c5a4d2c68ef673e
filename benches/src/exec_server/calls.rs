//! Many calls at once over a link with a long round trip.

use std::{
    fmt,
    time::{Duration, Instant},
};

use farpipe_core::{Delivery, Event, JsonRpc, Limits};
use farpipe_exec_server::{ExecServer, Options, ProcessSpec};
use farpipe_tokio::TokioRuntime;
use serde::Serialize;
use tokio::runtime::Builder;

const CALLS: usize = 100;

/// What parallel calls took.
#[derive(Debug, Serialize)]
pub(super) struct Calls {
    parallel: usize,
    round_trip_ms: f64,
    /// Until the server had taken the last call.
    writing_round_trips: f64,
    /// Until the last answer.
    all_round_trips: f64,
}

pub(super) fn measure(url: &str, round_trip: Duration) -> anyhow::Result<Calls> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (written, answered) = runtime.block_on(run(url))?;
    let trips = |time: Duration| time.as_secs_f64() / round_trip.as_secs_f64();
    Ok(Calls {
        parallel: CALLS,
        round_trip_ms: round_trip.as_secs_f64() * 1000.0,
        writing_round_trips: trips(written),
        all_round_trips: trips(answered),
    })
}

async fn run(url: &str) -> anyhow::Result<(Duration, Duration)> {
    let runtime = TokioRuntime::current();
    let server = ExecServer::connect(url, Options::default(), &runtime).await?;
    let cat = server.start(&ProcessSpec::new("cat")).await?;
    let cat = farpipe_driver::spawn(JsonRpc, Limits::default(), cat, &runtime)?;
    let start = Instant::now();
    let mut sent = Vec::new();
    for id in 0..CALLS {
        // `cat` answers at once: what comes back has the shape of an answer.
        let call = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"echo":"hello"}}}}"#);
        sent.push(cat.send(call.into())?);
    }
    for sent in sent {
        anyhow::ensure!(sent.await == Delivery::Accepted, "a call was not taken");
    }
    let written = start.elapsed();
    let mut answers = 0;
    while answers < CALLS {
        match cat.next_event().await {
            Some(Event::Message(_)) => answers += 1,
            Some(Event::End(end)) => anyhow::bail!("{end}"),
            _ => {}
        }
    }
    Ok((written, start.elapsed()))
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} parallel calls over a round trip of {:.0} ms: {:.2} round trips until the last one \
             was written, {:.2} until the last answer",
            self.parallel, self.round_trip_ms, self.writing_round_trips, self.all_round_trips
        )
    }
}
