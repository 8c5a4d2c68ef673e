//! The executor's side of the socket: it drops, repeats and reorders what it can.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use farpipe_core::{Input, WriteOutcome};
use farpipe_tests::orchestrator::Command;

use super::far::{Dice, Far, Truth};

/// A simulated executor that listens on a port of its own.
pub(crate) struct Executor {
    pub(crate) port: u16,
    /// Yields something for every command of any orchestrator.
    pub(crate) commands: Receiver<()>,
    state: Arc<Mutex<State>>,
}

struct State {
    far: Far,
    dice: Dice,
    /// The newest orchestrator. The socket of an older one may still hold its last commands.
    link: Option<TcpStream>,
    /// Held back, to arrive behind what is newer.
    late: Vec<Input>,
}

impl Executor {
    pub(crate) fn start(seed: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let dice = Dice::new(seed);
        let state = State { far: Far::new(), dice, link: None, late: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let (given, commands) = mpsc::channel();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for link in listener.incoming().map_while(Result::ok) {
                // Here, not in the thread: a killed orchestrator's must not come after its
                // successor's, which would then never hear of anything.
                if shared.lock().unwrap().attach(&link).is_err() {
                    continue;
                }
                let (shared, given) = (Arc::clone(&shared), given.clone());
                thread::spawn(move || serve(link, &shared, &given));
            }
        });
        Ok(Self { port, commands, state })
    }

    pub(crate) fn truth(&self) -> Truth {
        self.state.lock().unwrap().far.truth.clone()
    }
}

/// Ends when the orchestrator hangs up, as it does when it is killed.
fn serve(link: TcpStream, state: &Mutex<State>, given: &Sender<()>) -> anyhow::Result<()> {
    for line in BufReader::new(link).lines() {
        // A command that was cut off by the kill was not given.
        let Ok(command) = serde_json::from_str(&line?) else { break };
        state.lock().unwrap().obey(command);
        given.send(())?;
    }
    Ok(())
}

impl State {
    fn attach(&mut self, link: &TcpStream) -> io::Result<()> {
        link.set_nodelay(true)?;
        self.link = Some(link.try_clone()?);
        self.late.clear();
        self.tell(&Input::LinkUp { identity: "executor 1".into() });
        Ok(())
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Write { id, data } => {
                for event in self.far.write(id, &data, &mut self.dice) {
                    self.push(event);
                }
                if !self.dice.one_in(10) {
                    self.tell(&Input::Written { id, outcome: WriteOutcome::Accepted });
                }
            }
            Command::Replay { request, after, max_bytes } => {
                let page = self.far.page(request, after, max_bytes);
                self.tell(&Input::Replayed(page));
            }
            Command::CloseStdin => {
                for event in self.far.close_stdin() {
                    self.push(event);
                }
                self.arrive();
            }
            Command::Terminate => {}
        }
    }

    /// An event of the process: it may be dropped, come twice or come late.
    fn push(&mut self, event: Input) {
        match self.dice.below(12) {
            0 => self.tell(&Input::Lagged { skipped: 1 }),
            1 => {
                self.tell(&event);
                self.tell(&event);
            }
            2 | 3 => self.late.push(event),
            _ => self.tell(&event),
        }
        if self.dice.one_in(4) {
            self.arrive();
        }
    }

    fn arrive(&mut self) {
        for event in std::mem::take(&mut self.late) {
            self.tell(&event);
        }
    }

    /// What an orchestrator does not hear because it was killed is its successor's to ask for.
    fn tell(&mut self, input: &Input) {
        let Some(link) = &mut self.link else { return };
        let json = serde_json::to_string(input).unwrap() + "\n";
        if link.write_all(json.as_bytes()).is_err() {
            self.link = None;
        }
    }
}
