//! `farpipe doctor`: can an exec-server be used, and how well?

mod report;
mod retention;

use std::{process::ExitCode, time::Duration};

use farpipe_exec_server::{ConnectError, ExecServer, ServerInfo};
use tokio::time::timeout;

use self::{
    report::{Report, RoundTrip, Status},
    retention::Trouble,
};
use crate::{
    args::Doctor,
    launch::{self, LaunchError},
};

/// The versions whose protocol was measured.
const MEASURED: &str = "0.169.";

/// How many round trips are measured.
const PINGS: usize = 10;

/// How long a measurement may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: &Doctor) -> anyhow::Result<ExitCode> {
    let mut report = Report::new(&args.executor);
    examine(args, &mut report).await;
    report.complete();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        report.print();
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Each check needs what the one before it has found.
async fn examine(args: &Doctor, report: &mut Report) {
    let connected = match launch::options(&args.token) {
        Ok(options) => launch::connect(&args.executor, options).await,
        Err(error) => Err(error),
    };
    let server = match connected {
        Ok(server) => server,
        Err(error) => return unreachable(&error, report),
    };
    report.add("reachable", Status::Ok, format!("{} answers", args.executor), None);
    let info = server.info();
    access(&args.executor, &info, report);
    version(&info, report);
    round_trip(&server, report).await;
    retention(&server, report).await;
}

fn unreachable(error: &LaunchError, report: &mut Report) {
    let LaunchError::Connect { source, .. } = error else {
        return report.add("reachable", Status::Fail, error.to_string(), None);
    };
    if let ConnectError::Denied { .. } = source {
        report.add("reachable", Status::Ok, "it answers".into(), None);
        let advice = "give its token with --token-file FILE or in FARPIPE_TOKEN; a signed token may have expired";
        return report.add("access", Status::Fail, source.to_string(), Some(advice));
    }
    let advice = match source {
        ConnectError::Url(_) => "give the URL as ws://HOST:PORT",
        ConnectError::Token => "the file or FARPIPE_TOKEN should hold nothing but the token",
        ConnectError::Io(_) | ConnectError::TimedOut(_) => {
            "start it with `codex exec-server --listen ws://IP:PORT`, and check the port, the firewall and, for wss://, the certificate"
        }
        _ => "something else may be listening there: check the port, and ws:// against wss://",
    };
    report.add("reachable", Status::Fail, source.to_string(), Some(advice));
}

fn access(url: &str, info: &ServerInfo, report: &mut Report) {
    let here = ["://127.", "://localhost", "://[::1]"].iter().any(|host| url.contains(host));
    let (status, message, advice) = match (info.token_sent, info.tls || here) {
        (true, true) => (Status::Ok, "the token is accepted, if the server asks for one", None),
        (true, false) => (
            Status::Warn,
            "the token is sent over the network as it is",
            Some("put TLS in front of the server, and use wss://"),
        ),
        (false, true) => (Status::Ok, "the server asks for no token", None),
        (false, false) => (
            Status::Warn,
            "everybody who reaches the server can run commands there",
            Some("start it with --ws-auth, and put TLS in front of it"),
        ),
    };
    report.add("access", status, message.into(), advice);
}

fn version(info: &ServerInfo, report: &mut Report) {
    report.version.clone_from(&info.version);
    report.platform.clone_from(&info.platform);
    let version = info.version.as_deref().unwrap_or("of an unknown version");
    let platform = info.platform.as_deref().unwrap_or("an unknown system");
    let message = format!("codex {version} on {platform}");
    if version.starts_with(MEASURED) {
        return report.add("version", Status::Ok, message, None);
    }
    let advice = "farpipe was tested with codex 0.169.0; if something does not work, try that";
    report.add("version", Status::Warn, message, Some(advice));
}

async fn round_trip(server: &ExecServer, report: &mut Report) {
    let mut times = Vec::new();
    for _ in 0..PINGS {
        match timeout(PATIENCE, server.ping()).await {
            Ok(Ok(time)) => times.push(time),
            Ok(Err(error)) => {
                return report.add("round_trip", Status::Fail, error.to_string(), None);
            }
            Err(_) => {
                let message = format!("no answer within {PATIENCE:?}");
                return report.add("round_trip", Status::Fail, message, None);
            }
        }
    }
    let trip = RoundTrip::of(times);
    let message = format!(
        "{:.2} ms at best, {:.2} ms in the middle of {}",
        trip.min_ms, trip.median_ms, trip.samples
    );
    report.round_trip = Some(trip);
    report.add("round_trip", Status::Ok, message, None);
}

async fn retention(server: &ExecServer, report: &mut Report) {
    let measured = match timeout(PATIENCE, retention::measure(server)).await {
        Ok(measured) => measured,
        Err(_) => Err(Trouble::TooSlow(PATIENCE)),
    };
    let kept = match measured {
        Ok(kept) => kept,
        Err(trouble) => {
            let advice = "farpipe cannot tell what a lost link may cost";
            let status = if trouble.is_ours() { Status::Warn } else { Status::Fail };
            return report.add("retention", status, trouble.to_string(), Some(advice));
        }
    };
    let retention = kept.retention;
    let message = format!(
        "of {} bytes written, the last {} in {} events are kept for a lost link",
        retention.written_bytes, retention.kept_bytes, retention.kept_events
    );
    let (status, advice) = if retention.kept_bytes < retention::EXPECTED {
        (Status::Warn, Some("a link that is lost while much is written loses more than usual"))
    } else {
        (Status::Ok, None)
    };
    report.retention = Some(retention);
    report.add("retention", status, message, advice);
    replay(kept.is_the_end_of_what_was_written, report);
}

fn replay(exact: bool, report: &mut Report) {
    if exact {
        let message = "what is kept comes back as it was written";
        return report.add("replay", Status::Ok, message.into(), None);
    }
    let advice = "do not use this server where output matters";
    report.add("replay", Status::Fail, "what is kept is not what was written".into(), Some(advice));
}
