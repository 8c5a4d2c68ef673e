//! One connection and who uses it, behind one lock.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{PingError, connection::Connection};

/// One connection, shared by its link, its processes and those who start them.
#[derive(Debug)]
pub(crate) struct Shared {
    connection: Mutex<Connection>,
    /// How many [`User`]s there are.
    users: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection: Mutex::new(connection), users: AtomicUsize::new(0) }
    }

    /// Looks at the connection or changes it; whoever has to know is woken outside the lock.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Connection) -> T) -> T {
        // No change leaves the connection half done, so a panic elsewhere does not spoil it.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let value = change(&mut connection);
        let woken = connection.take_woken();
        drop(connection);
        for waker in woken {
            waker.wake();
        }
        value
    }

    /// Whether nobody can start processes any more, and none is left to care for.
    pub(crate) fn is_unused(&self) -> bool {
        self.users.load(Ordering::Acquire) == 0 && self.update(|connection| connection.is_idle())
    }
}

/// A question on its way; forgotten when nobody waits for its answer any more.
pub(crate) struct Ping {
    shared: Arc<Shared>,
    id: u64,
}

impl Ping {
    pub(crate) const fn new(shared: Arc<Shared>, id: u64) -> Self {
        Self { shared, id }
    }

    pub(crate) async fn answer(self) -> Result<Duration, PingError> {
        poll_fn(|cx| self.shared.update(|connection| connection.poll_ping(self.id, cx))).await
    }
}

impl Drop for Ping {
    fn drop(&mut self) {
        self.shared.update(|connection| connection.forget_ping(self.id));
    }
}

/// Keeps the link up, for starting processes.
#[derive(Debug)]
pub(crate) struct User(Arc<Shared>);

impl User {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        shared.users.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Clone for User {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.0))
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
        self.0.update(Connection::wake_link);
    }
}
