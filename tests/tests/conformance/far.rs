//! Processes behind a real exec-server, with and without TLS.

use std::{sync::Arc, thread, time::Duration};

use farpipe_core::{Cause, Delivery, Exit, Limits};
use farpipe_driver::Handle;
use farpipe_exec_server::{ExecServer, Options, ProcessSpec, rustls::ClientConfig};
use farpipe_tests::{
    exec_server::{Proxy, Server},
    life::Life,
    session::{Lines, at_most, message, rest, within},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    cancellation::{POLLS, next_message, transcript},
    platform::Platform,
};

/// A server, and a proxy in front of it that runs elsewhere: it belongs to no platform.
struct Far {
    proxy: Proxy,
    known: Option<Arc<ClientConfig>>,
    _server: Server,
    _runtime: Runtime,
}

impl Far {
    /// `None` where the tests with real servers are left out.
    fn start() -> Option<Self> {
        Self::behind(async |port| (Proxy::start(port).await, None))
    }

    fn start_tls() -> Option<Self> {
        Self::behind(async |port| {
            let (proxy, known) = Proxy::start_tls(port).await;
            (proxy, Some(known))
        })
    }

    fn behind(start: impl AsyncFnOnce(u16) -> (Proxy, Option<Arc<ClientConfig>>)) -> Option<Self> {
        let server = Server::start(&[]).unwrap()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (proxy, known) = runtime.block_on(start(server.port()));
        Some(Self { proxy, known, _server: server, _runtime: runtime })
    }

    async fn spawn<P: Platform>(&self, script: &str) -> Handle<Lines> {
        self.connect::<P>().await.spawn(script).await
    }

    async fn connect<P: Platform>(&self) -> Link<P> {
        let options = Options {
            tls: self.known.clone(),
            // A link that is cut again and again is restored with longer and longer pauses.
            backoff_max: Duration::from_millis(100),
            ..Options::default()
        };
        let server = within(ExecServer::connect(&self.proxy.url, options, &P::runtime())).await;
        Link { server: server.unwrap(), runtime: P::runtime() }
    }
}

struct Link<P: Platform> {
    server: ExecServer,
    runtime: P::Runtime,
}

impl<P: Platform> Link<P> {
    async fn spawn(&self, script: &str) -> Handle<Lines> {
        let spec = ProcessSpec::new("sh").args(["-c", script]);
        let process = within(self.server.start(&spec)).await.unwrap();
        farpipe_driver::spawn(Lines, Limits::default(), process, &self.runtime).unwrap()
    }
}

pub(crate) fn messages_go_to_a_far_process_and_back<P: Platform>() {
    let Some(far) = Far::start() else { return };
    P::run(exchange::<P>(&far));
}

pub(crate) fn messages_go_through_tls<P: Platform>() {
    let Some(far) = Far::start_tls() else { return };
    P::run(exchange::<P>(&far));
}

async fn exchange<P: Platform>(far: &Far) {
    let cat = far.spawn::<P>("cat").await;
    for len in [1, 10, 1000, 100_000, 1 << 20, 3 << 20] {
        let text = vec![b'x'; len];
        let sent = cat.send(text.clone().into()).unwrap();
        assert_eq!(within(sent).await, Delivery::Accepted);
        assert!(message(&cat).await == text, "{len} bytes");
    }
    assert_eq!(cat.monitor().stats().lost, 0);
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/947>
pub(crate) fn far_futures_dropped_at_every_poll_give_the_uncancelled_transcript<P: Platform>() {
    let Some(far) = Far::start() else { return };
    P::run(async {
        let link = far.connect::<P>().await;
        let expected = within(transcript(link.spawn("exec cat").await, usize::MAX)).await;
        for polls in 0..=POLLS {
            let found = within(transcript(link.spawn("exec cat").await, polls)).await;
            assert!(found == expected, "dropped after {polls} polls: {}", found.1);
        }
    });
}

pub(crate) fn a_link_that_is_cut_is_restored<P: Platform>() {
    let Some(far) = Far::start() else { return };
    P::run(cut_again_and_again::<P>(&far, 20, usize::MAX));
}

pub(crate) fn futures_dropped_at_every_poll_of_a_reconnect_lose_nothing<P: Platform>() {
    let Some(far) = Far::start() else { return };
    P::run(async {
        for polls in 0..=POLLS {
            cut_again_and_again::<P>(&far, 2, polls).await;
        }
    });
}

/// Cuts the link while messages are on their way in both directions.
async fn cut_again_and_again<P: Platform>(far: &Far, cuts: usize, polls: usize) {
    let cat = far.spawn::<P>("exec cat").await;
    for round in 0..cuts {
        let texts: Vec<String> = (0..20).map(|number| format!("{round} {number}")).collect();
        for text in &texts {
            drop(cat.send(text.clone().into()).unwrap());
        }
        far.proxy.cut();
        for text in texts {
            let message = within(next_message(&cat, polls)).await;
            assert_eq!(message, text, "dropped after {polls} polls");
        }
    }
    let stats = cat.monitor().stats();
    assert!(stats.lost == 0 && stats.link_losses > 0, "{stats:?}");
}

pub(crate) fn connects_and_starts_dropped_at_every_poll_leave_nothing_behind<P: Platform>() {
    let Some(far) = Far::start() else { return };
    P::run(async {
        for polls in 0..=POLLS {
            let life = Life::new();
            drop(at_most(polls, far.connect::<P>()).await);
            let link = far.connect::<P>().await;
            let cat = link.spawn(&life.script("echo ready; exec cat")).await;
            assert_eq!(message(&cat).await, "ready");
            let abandoned = ProcessSpec::new("sh").args(["-c", &life.script("sleep 600")]);
            drop(at_most(polls, link.server.start(&abandoned)).await);
            // The same connection is as good as new.
            drop(cat.send("hello".into()).unwrap());
            assert_eq!(message(&cat).await, "hello");
            assert_eq!(within(cat.close()).await.cause, Cause::Requested);
            life.assert_begun();
            life.assert_over();
        }
    });
}

pub(crate) fn close_interrupts_a_far_process_first<P: Platform>() {
    close_ends_with::<P>("trap 'echo bye; exit 3' INT; echo ready; while :; do sleep 1; done", 3);
}

pub(crate) fn a_far_process_that_ignores_an_interrupt_is_killed_in_time<P: Platform>() {
    close_ends_with::<P>("trap '' INT TERM; echo ready; while :; do sleep 1; done", 137);
}

fn close_ends_with<P: Platform>(script: &str, code: i32) {
    let Some(far) = Far::start() else { return };
    P::run(async {
        let process = far.spawn::<P>(script).await;
        assert_eq!(message(&process).await, "ready");
        let end = within(process.close()).await;
        assert_eq!((end.cause, end.exit), (Cause::Requested, Some(Exit::Code(code))));
    });
}

pub(crate) fn dropping_the_last_handle_outside_any_runtime_ends_a_far_process<P: Platform>() {
    let Some(far) = Far::start() else { return };
    let life = Life::new();
    P::run(async {
        let handle = far.spawn::<P>(&life.script("sleep 600 & echo ready; wait")).await;
        assert_eq!(message(&handle).await, "ready");
        thread::spawn(move || drop(handle)).join().unwrap();
        life.assert_begun();
        life.assert_over();
    });
}

pub(crate) fn a_far_exit_code_is_reported<P: Platform>() {
    let Some(far) = Far::start() else { return };
    let (_, end) = P::run(async { rest(&far.spawn::<P>("echo why >&2; exit 7").await).await });
    assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Code(7))));
    assert_eq!(end.stderr_tail, "why\n");
}
