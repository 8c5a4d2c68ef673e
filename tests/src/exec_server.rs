//! A real exec-server, and what stands between it and its clients.

mod proxy;
mod server;

pub use self::{proxy::Proxy, server::Server};
