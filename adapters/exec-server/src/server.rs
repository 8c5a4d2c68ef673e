//! The way in.

use std::{fmt, future::Future, sync::Arc};

use farpipe_driver::Connect;

use crate::{
    ConnectError, Options, ProcessSpec, RemoteProcess, StartError,
    connection::Connection,
    link::{Link, Target},
    shared::{Shared, User},
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
        let target = Target::new(url, &options)?;
        let name = options.client_name.clone();
        let connection = Connection::new(name, options.queue_bytes, fastrand::u64(..));
        let user = User::new(Arc::new(Shared::new(connection)));
        let link = Link::new(Arc::clone(user.shared()), target, options, runtime.clone());
        let socket = link.open().await?;
        runtime.spawn(link.run(socket));
        Ok(Self { user })
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
            .map(|name| RemoteProcess::new(shared, name));
        async move { process?.started().await }
    }
}

impl fmt::Debug for ExecServer {
    /// Nothing of what is on its way: that is the processes' own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecServer").finish_non_exhaustive()
    }
}
