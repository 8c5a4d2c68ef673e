//! Everyone side by side, in one run.

use std::{env, path::PathBuf};

use crate::{
    chart, growth, latency, memory,
    race::race,
    row::{Row, table},
    work::Scale,
    works,
};
use clap::Parser;

/// Compares farpipe with what else does the same work: speed, growth, round trips and memory.
///
/// A ratio tells how many times better ours is: above 1 is faster, or smaller.
#[derive(Debug, Parser)]
#[command(name = "compare")]
struct Args {
    /// Less of everything: under a minute, and less exact.
    #[arg(long)]
    quick: bool,
    /// Prints an array of rows instead of a table.
    #[arg(long)]
    json: bool,
    /// Draws the charts into this directory, too.
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// Only works whose name contains this.
    #[arg(value_name = "WORK")]
    only: Option<String>,
}

/// The whole command.
pub fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, _)) if first == latency::SERVE => latency::serve(),
        Some((first, rest)) if first == memory::MEASURE => memory::child(rest),
        _ => compare(&Args::parse()),
    }
}

fn compare(args: &Args) -> anyhow::Result<()> {
    let rows = measure(args)?;
    if let Some(directory) = &args.svg {
        chart::draw_all(&rows, directory)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", table(&rows));
    }
    Ok(())
}

fn measure(args: &Args) -> anyhow::Result<Vec<Row>> {
    let scale = if args.quick { Scale::Quick } else { Scale::Full };
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only));
    let mut rows = Vec::new();
    for work in works::all() {
        // Its name is known once it is made, which takes a while at full scale.
        if wanted(&work(Scale::Smoke).name) {
            let work = work(scale);
            eprintln!("{}", work.name);
            rows.extend(race(&work, scale));
        }
    }
    if wanted("framing, one line") {
        eprintln!("framing, one line");
        rows.extend(growth::rows(scale));
    }
    if wanted("process, round trip") {
        eprintln!("process, round trip");
        rows.extend(latency::rows(scale)?);
    }
    if wanted("memory") {
        eprintln!("memory");
        rows.extend(memory::rows(scale)?);
    }
    Ok(rows)
}
