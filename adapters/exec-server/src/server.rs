//! The way in.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use farpipe_driver::Connect;

use crate::{
    AttachError, ConnectError, Options, PingError, ProcessSpec, RemoteProcess, ServerInfo,
    StartError, Ticket,
    connection::Connection,
    info::Access,
    link::{Link, Target},
    shared::{Ping, Shared, User},
};

/// A session with an exec-server. Clones are the same session.
///
/// It has one connection, which a task of its own reads and restores; the session survives the loss
/// of it (exec-server protocol §4). The connection is closed when all clones and all processes are
/// gone.
///
/// All processes of a session share its connection. A session that does not take its output holds up
/// the others once [`Options::queue_bytes`] wait for it, and a process that does not read its stdin
/// may hold up their writes (§7). Where that matters, make one `ExecServer` per process.
#[derive(Clone)]
pub struct ExecServer {
    user: User,
    access: Access,
}

impl ExecServer {
    /// Connects to the server at `url`, `ws://host:port` or `wss://host:port`, and opens a session.
    ///
    /// Takes up to [`Options::connect_timeout`], and is tried once. Cancel safe: dropping the future
    /// gives the connection up.
    pub async fn connect<R: Connect>(
        url: &str,
        options: Options,
        runtime: &R,
    ) -> Result<Self, ConnectError> {
        let (server, link) = Self::new(url, options, runtime, |connection| connection)?;
        let socket = link.open().await?;
        runtime.spawn(link.run(socket));
        Ok(server)
    }

    /// Resumes the session of a ticket, which another program has opened and left, so that its
    /// processes can be taken over with [`attach`](Self::attach).
    ///
    /// While the session is still attached, because the server has not noticed yet that the other
    /// program is gone, it is tried again, up to [`Options::reconnect_deadline`]; there is no taking it
    /// away from a program that uses it. [`ConnectError::SessionUnknown`] tells that the server has
    /// forgotten the session: it keeps one for 80 s (§4, §6).
    ///
    /// What the ticket's process writes from here on is kept for whoever attaches it. For another
    /// process of the session, what comes before it is attached has to be replayed.
    ///
    /// Cancel safe: dropping the future gives the connection up, and the session can be resumed again.
    pub async fn resume<R: Connect>(
        url: &str,
        options: Options,
        ticket: &Ticket,
        runtime: &R,
    ) -> Result<Self, ConnectError> {
        let resuming = |connection: Connection| connection.resuming(ticket);
        let (server, link) = Self::new(url, options, runtime, resuming)?;
        let socket = link.resume().await?;
        runtime.spawn(link.run(socket));
        Ok(server)
    }

    fn new<R: Connect>(
        url: &str,
        options: Options,
        runtime: &R,
        prepare: impl FnOnce(Connection) -> Connection,
    ) -> Result<(Self, Link<R>), ConnectError> {
        let target = Target::new(url, &options)?;
        let access = Access { token_sent: options.token.is_some(), tls: target.is_secure() };
        let name = options.client_name.clone();
        let connection = Connection::new(name, options.queue_bytes, fastrand::u64(..));
        let user = User::new(Arc::new(Shared::new(prepare(connection))));
        let link = Link::new(Arc::clone(user.shared()), target, options, runtime.clone());
        Ok((Self { user, access }, link))
    }

    /// What is known of the server.
    pub fn info(&self) -> ServerInfo {
        self.user.shared().update(|connection| connection.info(self.access))
    }

    /// Measures a round trip: from sending a question that costs the server nothing
    /// (`environment/status`) to its answer.
    ///
    /// The question waits its turn behind a write that the server is busy with (§7), so on a
    /// connection with processes it may take as long as those. There is no time limit but that of the
    /// link. Cancel safe: dropping the future forgets the answer.
    pub fn ping(&self) -> impl Future<Output = Result<Duration, PingError>> + Send + use<> {
        let shared = Arc::clone(self.user.shared());
        let ping = shared.update(Connection::ping).map(|id| Ping::new(shared, id));
        async move { ping?.answer().await }
    }

    /// Starts a process.
    ///
    /// It is asked for when this returns; the future tells whether it runs. Dropping that gives the
    /// process up. While the link is down, it waits for its return.
    pub fn start(
        &self,
        spec: &ProcessSpec,
    ) -> impl Future<Output = Result<RemoteProcess, StartError>> + Send + use<> {
        let shared = Arc::clone(self.user.shared());
        let process = shared
            .update(|connection| connection.start(spec))
            .map(|name| RemoteProcess::started_here(shared, name));
        async move { process?.started().await }
    }

    /// Takes a process over, for the session that drove it: one that is
    /// [restored](farpipe_core::Session::restore) from the checkpoint stored with the ticket.
    ///
    /// The session asks for the output after its cursor, and repeats the write that was not settled,
    /// under its old id: nothing is lost or repeated, as long as the server still keeps that output.
    ///
    /// As with one that was started, dropping the [`RemoteProcess`] ends the process.
    pub fn attach(&self, ticket: &Ticket) -> Result<RemoteProcess, AttachError> {
        let shared = Arc::clone(self.user.shared());
        shared.update(|connection| connection.attach(ticket))?;
        Ok(RemoteProcess::taken_over(shared, ticket.clone()))
    }

    /// Takes a process over for a new session, where there is no checkpoint: it begins with the
    /// oldest output that the server still keeps, and reports what went before as lost.
    ///
    /// Its writes get other ids than those of the session before, which the server would take for
    /// repetitions (§7). So its [ticket](RemoteProcess::ticket) is another one as well.
    pub fn attach_anew(&self, ticket: &Ticket) -> Result<RemoteProcess, AttachError> {
        let lane = self.user.shared().update(Connection::new_lane);
        self.attach(&Ticket { lane, ..ticket.clone() })
    }

    /// Gives a process up without ending it, as [`RemoteProcess::detach`] does, where that is already
    /// in the hands of a pump. The session that drives it ends with
    /// [`Cause::SessionLost`](farpipe_core::Cause::SessionLost), so put it aside before.
    ///
    /// False if the process is not attached here.
    pub fn detach(&self, ticket: &Ticket) -> bool {
        self.user.shared().update(|connection| connection.detach(&ticket.process))
    }
}

impl fmt::Debug for ExecServer {
    /// Nothing of what is on its way: that is the processes' own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecServer").finish_non_exhaustive()
    }
}
