//! Drives a session by hand, and may be killed at any moment: `orchestrator <port> <file>`.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use farpipe_core::{Action, Input};
use farpipe_tests::orchestrator::{CAPABILITIES, Command, Stored, Work};

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let (Some(port), Some(file)) = (arguments.next(), arguments.next()) else {
        bail!("usage: orchestrator <port> <file>");
    };
    let port: u16 = port.to_string_lossy().parse()?;
    let stored = Stored::load(file.as_ref())?;
    run(Work::resume(stored, None, CAPABILITIES, file.into())?, port)
}

fn run(mut work: Work, port: u16) -> anyhow::Result<()> {
    if work.session.is_ended() {
        return Ok(());
    }
    let link = TcpStream::connect(("127.0.0.1", port))?;
    link.set_nodelay(true)?;
    let inputs = read_inputs(link.try_clone()?);
    while !work.session.is_ended() {
        take(&mut work, &inputs)?;
        for action in work.step()? {
            carry_out(&link, action)?;
        }
    }
    Ok(())
}

/// Waits for one input, and takes what else has arrived.
fn take(work: &mut Work, inputs: &Receiver<Input>) -> anyhow::Result<()> {
    let timeout = work
        .session
        .poll_timeout()
        .map_or(Duration::from_secs(60), |timeout| timeout.at.saturating_since(work.now()));
    let first = match inputs.recv_timeout(timeout) {
        Ok(input) => input,
        Err(RecvTimeoutError::Timeout) => Input::Tick,
        Err(RecvTimeoutError::Disconnected) => bail!("the executor hung up"),
    };
    work.handle(first);
    for input in inputs.try_iter().take(20) {
        work.handle(input);
    }
    Ok(())
}

fn read_inputs(link: TcpStream) -> Receiver<Input> {
    let (sender, inputs) = mpsc::channel();
    thread::spawn(move || -> anyhow::Result<()> {
        for line in BufReader::new(link).lines() {
            sender.send(serde_json::from_str(&line?)?)?;
        }
        Ok(())
    });
    inputs
}

fn carry_out(mut link: &TcpStream, action: Action) -> anyhow::Result<()> {
    let command = match action {
        Action::Replay { request, after, max_bytes } => {
            Command::Replay { request, after, max_bytes }
        }
        Action::Write { id, data } => {
            let data = String::from_utf8(data.to_vec()).context("requests are text")?;
            Command::Write { id, data }
        }
        Action::CloseStdin => Command::CloseStdin,
        Action::Terminate => Command::Terminate,
        other => bail!("the executor has not promised {other:?}"),
    };
    let json = serde_json::to_string(&command)? + "\n";
    link.write_all(json.as_bytes())?;
    Ok(())
}
