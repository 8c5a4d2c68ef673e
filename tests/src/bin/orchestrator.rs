//! Drives a session by hand, and may be killed at any moment: `orchestrator <port> <file>`.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    mem,
    net::TcpStream,
    path::PathBuf,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use farpipe_core::{Action, Checkpoint, Event, Input, JsonRpc, Session, Timestamp};
use farpipe_tests::orchestrator::{CAPABILITIES, Command, Progress, REQUESTS, Stored, limits};

fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let (Some(port), Some(file)) = (arguments.next(), arguments.next()) else {
        bail!("usage: orchestrator <port> <file>");
    };
    let port: u16 = port.to_string_lossy().parse()?;
    Orchestrator::resume(file.into())?.run(port)
}

struct Orchestrator {
    session: Session<JsonRpc>,
    progress: Progress,
    file: PathBuf,
    start: Instant,
}

impl Orchestrator {
    fn resume(file: PathBuf) -> anyhow::Result<Self> {
        let (session, mut progress) = match Stored::load(&file)? {
            Some(Stored { checkpoint, progress }) => (restore(checkpoint)?, progress),
            None => (Session::new(JsonRpc, CAPABILITIES, limits())?, Progress::default()),
        };
        progress.lives += 1;
        Ok(Self { session, progress, file, start: Instant::now() })
    }

    fn run(mut self, port: u16) -> anyhow::Result<()> {
        if self.session.is_ended() {
            return Ok(());
        }
        let link = TcpStream::connect(("127.0.0.1", port))?;
        link.set_nodelay(true)?;
        let inputs = read_inputs(link.try_clone()?);
        while !self.session.is_ended() {
            self.take(&inputs)?;
            self.send_requests();
            self.read_events();
            let actions: Vec<Action> = std::iter::from_fn(|| self.session.poll_action()).collect();
            // Only what is stored may be done: the next process has to know of it.
            self.commit()?;
            for action in actions {
                carry_out(&link, action)?;
            }
        }
        Ok(())
    }

    /// Waits for one input, and takes what else has arrived.
    fn take(&mut self, inputs: &Receiver<Input>) -> anyhow::Result<()> {
        let timeout = self
            .session
            .poll_timeout()
            .map_or(Duration::from_secs(60), |timeout| timeout.at.saturating_since(self.now()));
        let first = match inputs.recv_timeout(timeout) {
            Ok(input) => input,
            Err(RecvTimeoutError::Timeout) => Input::Tick,
            Err(RecvTimeoutError::Disconnected) => bail!("the executor hung up"),
        };
        self.session.handle(self.now(), first);
        for input in inputs.try_iter().take(20) {
            self.session.handle(self.now(), input);
        }
        Ok(())
    }

    fn send_requests(&mut self) {
        // A few at a time, so that how they are joined into writes is never twice the same.
        let some = 1 + u64::from(self.start.elapsed().subsec_nanos() % 4);
        let upto = self.progress.requests + some;
        while self.progress.requests < upto.min(REQUESTS) {
            let id = self.progress.requests + 1;
            let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
            if self.session.send(request.into()).is_err() {
                return;
            }
            self.progress.requests = id;
        }
        if self.progress.requests == REQUESTS {
            self.session.close_stdin();
        }
    }

    fn read_events(&mut self) {
        let progress = &mut self.progress;
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Message(message) => {
                    progress.messages.push(String::from_utf8_lossy(message.raw()).into_owned());
                }
                Event::Stderr(line) => progress.stderr.push(line.text()),
                Event::End(end) => progress.end = Some(end.to_string()),
                other => progress.other.push(format!("{other:?}")),
            }
        }
        while let Some(settled) = self.session.poll_settled() {
            progress.settled.push(settled.id.0);
        }
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        let checkpoint = self.session.checkpoint();
        let size = checkpoint.to_json().len();
        self.progress.largest_checkpoint = self.progress.largest_checkpoint.max(size);
        let stored = Stored { checkpoint, progress: mem::take(&mut self.progress) };
        stored.commit(&self.file)?;
        self.progress = stored.progress;
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_origin(self.start.elapsed())
    }
}

fn restore(checkpoint: Checkpoint) -> anyhow::Result<Session<JsonRpc>> {
    Ok(Session::restore(JsonRpc, CAPABILITIES, limits(), checkpoint)?)
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
