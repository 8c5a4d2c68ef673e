//! Clients of a real exec-server, each in a process of its own.

mod calls;
mod far;
mod plain;
mod raw;
mod routed;
mod slow_link;

use std::{env, future::Future, process::Command, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use farpipe_tests::exec_server::Server;
use serde::{Deserialize, Serialize};
use slow_link::SlowLink;
use tokio::runtime::Builder;

use crate::{clock::Took, memory::status};

/// How many bytes a line of the flood has, with its newline.
pub(crate) const LINE: usize = 1000;
/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// The CPU and the memory that clients of a real exec-server need, and how many round trips parallel
/// calls take. The server is installed on the first run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Prints JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// How many times 1000 bytes the flood has.
    #[arg(long, default_value_t = 200_000)]
    lines: usize,
    /// How often each client is measured, in turns; its best turn counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Measures one client in this process.
    #[arg(long, hide = true)]
    subject: Option<String>,
    #[arg(long, hide = true, default_value = "")]
    url: String,
}

/// What a flood took one client.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Flood {
    subject: String,
    /// Of all threads of the client.
    cpu_ms_per_mib: f64,
    mib_per_second: f64,
    peak_mib: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    flood: Vec<Flood>,
    calls: calls::Calls,
}

/// Takes a whole flood and yields the number of its lines.
type Subject = fn(&str, usize) -> anyhow::Result<usize>;

/// The first one is ours.
const SUBJECTS: [(&str, Subject); 5] = [
    ("farpipe", far::flood),
    ("tokio-tungstenite, serde_json into structs, base64", plain::typed),
    ("tokio-tungstenite, serde_json into Value, base64", plain::untyped),
    ("the same for several processes: JSON-RPC enum, channels", routed::flood),
    ("raw socket", raw::flood),
];

/// Measures one client, or all of them in processes of their own.
pub fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(subject) = &arguments.subject {
        println!("{}", serde_json::to_string(&measure(subject, &arguments)?)?);
        return Ok(());
    }
    let server = Server::start(&[])?.context("FARPIPE_PEERS=off leaves the real server out")?;
    let flood = best(&server.url, &arguments)?;
    let link = SlowLink::start(server.port(), ROUND_TRIP / 2)?;
    let report = Report { flood, calls: calls::measure(&link.url, ROUND_TRIP)? };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn measure(subject: &str, arguments: &Arguments) -> anyhow::Result<Flood> {
    let (name, run) =
        SUBJECTS.iter().find(|(name, _)| *name == subject).context("no such subject")?;
    let mut lines = Ok(0);
    let took = Took::of(|| lines = run(&arguments.url, arguments.lines));
    anyhow::ensure!(lines? == arguments.lines, "{name} has lost lines");
    let mib = mib(arguments.lines * LINE);
    Ok(Flood {
        subject: (*name).to_owned(),
        cpu_ms_per_mib: took.process.as_secs_f64() * 1000.0 / mib,
        mib_per_second: mib / took.wall.as_secs_f64(),
        peak_mib: self::mib(status("VmHWM").unwrap_or_default()),
    })
}

/// As a task: what is not one gets its turn late while another task is always ready.
fn run<F>(client: F) -> anyhow::Result<usize>
where
    F: Future<Output = anyhow::Result<usize>> + Send + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(runtime.spawn(client))?
}

/// The best turn of each.
fn best(url: &str, arguments: &Arguments) -> anyhow::Result<Vec<Flood>> {
    let mut best = turn(url, arguments)?;
    for _ in 1..arguments.runs {
        for (best, flood) in best.iter_mut().zip(turn(url, arguments)?) {
            if flood.cpu_ms_per_mib < best.cpu_ms_per_mib {
                *best = flood;
            }
        }
    }
    Ok(best)
}

/// Everyone once.
fn turn(url: &str, arguments: &Arguments) -> anyhow::Result<Vec<Flood>> {
    SUBJECTS.iter().map(|(subject, _)| alone(subject, url, arguments.lines)).collect()
}

/// In a process of its own.
fn alone(subject: &str, url: &str, lines: usize) -> anyhow::Result<Flood> {
    let output = Command::new(env::current_exe()?)
        .args(["--subject", subject, "--url", url, "--lines", &lines.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).with_context(|| format!("{subject}: {output:?}"))
}

#[expect(clippy::cast_precision_loss, reason = "a ratio needs no 53 bits")]
fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn print(report: &Report) {
    let mut table = Table::new();
    let header = ["", "CPU ms / MiB", "MiB / s", "peak MiB", "CPU ÷ farpipe"];
    table.load_style(ASCII_MARKDOWN).set_header(header);
    let own = report.flood.first().map_or(1.0, |flood| flood.cpu_ms_per_mib);
    for flood in &report.flood {
        table.add_row([
            flood.subject.clone(),
            format!("{:.2}", flood.cpu_ms_per_mib),
            format!("{:.0}", flood.mib_per_second),
            format!("{:.1}", flood.peak_mib),
            format!("{:.2}", flood.cpu_ms_per_mib / own),
        ]);
    }
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    println!("{table}\n\n{}", report.calls);
}
