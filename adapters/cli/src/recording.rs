//! `farpipe replay` and `farpipe explain`: what a recording tells.

mod explain;
mod show;

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use farpipe_core::recording::{Player, Recording};

use crate::{args::Recorded, raw::Raw};

/// Prints every event of a recording, one a line.
pub(crate) fn replay(args: &Recorded) -> anyhow::Result<ExitCode> {
    let recording = read(args)?;
    print(Player::new(Raw, recording)?.filter_map(|step| show::event(&step)))
}

/// Tells the story of a recording in words.
pub(crate) fn explain(args: &Recorded) -> anyhow::Result<ExitCode> {
    let recording = read(args)?;
    let mut story = explain::Story::default();
    let mut player = Player::new(Raw, recording)?;
    let told: Vec<String> = player.by_ref().filter_map(|step| story.tell(&step)).collect();
    print(told.into_iter().chain(story.conclude(player.session())))
}

fn read(args: &Recorded) -> anyhow::Result<Recording> {
    let text = fs::read(&args.file)
        .with_context(|| format!("cannot read the recording {}", args.file.display()))?;
    let (recording, damage) = Recording::parse_prefix(&text).with_context(|| name(&args.file))?;
    match damage {
        Some(damage) if args.until_damage => eprintln!("farpipe: {}: {damage}", name(&args.file)),
        Some(damage) => bail!("{}: {damage}; --until-damage shows what is whole", name(&args.file)),
        None => {}
    }
    Ok(recording)
}

fn name(file: &Path) -> String {
    file.display().to_string()
}

/// A reader that has seen enough (`| head`) is no failure.
fn print(lines: impl Iterator<Item = String>) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            result => result?,
        }
    }
    Ok(ExitCode::SUCCESS)
}
