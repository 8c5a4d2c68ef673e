//! A link that can be cut, and one behind TLS.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use futures_rustls::{
    TlsAcceptor,
    pki_types::PrivateKeyDer,
    rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};
use tokio_util::compat::{FuturesAsyncReadCompatExt as _, TokioAsyncReadCompatExt as _};

/// Passes connections on to a port, until they are cut. It needs a tokio runtime.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub url: String,
    accept: JoinHandle<()>,
    links: Arc<Mutex<Vec<JoinHandle<()>>>>,
    frozen: Arc<Notify>,
    to: Arc<AtomicU16>,
}

impl Proxy {
    /// Passes on what comes to `to`, on this machine.
    pub async fn start(to: u16) -> Self {
        Self::serve(to, None).await
    }

    /// Speaks TLS to those who come; yields also what makes its certificate known.
    pub async fn start_tls(to: u16) -> (Self, Arc<ClientConfig>) {
        let (acceptor, known) = certificate();
        (Self::serve(to, Some(acceptor)).await, known)
    }

    async fn serve(to: u16, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let links = Arc::<Mutex<Vec<JoinHandle<()>>>>::default();
        let frozen = Arc::<Notify>::default();
        let to = Arc::new(AtomicU16::new(to));
        let (all, freeze, port) = (Arc::clone(&links), Arc::clone(&frozen), Arc::clone(&to));
        let accept = tokio::spawn(async move {
            while let Ok((link, _)) = listener.accept().await {
                let to = port.load(Ordering::Acquire);
                let carried = carry(link, to, tls.clone(), Arc::clone(&freeze));
                all.lock().unwrap().push(tokio::spawn(carried));
            }
        });
        Self { url, accept, links, frozen, to }
    }

    /// Leaves every link that is there now open, and passes nothing on any more.
    pub fn freeze(&self) {
        self.frozen.notify_waiters();
    }

    /// Leads those who come from now on to another port; to 0, to nobody.
    pub fn lead_to(&self, port: u16) {
        self.to.store(port, Ordering::Release);
    }

    /// How many links there have been since the last cut.
    ///
    /// # Panics
    ///
    /// If another thread has panicked with the links in its hands.
    pub fn accepted(&self) -> usize {
        self.links.lock().unwrap().len()
    }

    /// Cuts every link that is there now, with whatever is on its way.
    ///
    /// # Panics
    ///
    /// If another thread has panicked with the links in its hands.
    pub fn cut(&self) -> usize {
        let links = std::mem::take(&mut *self.links.lock().unwrap());
        let alive = links.iter().filter(|link| !link.is_finished()).count();
        links.iter().for_each(JoinHandle::abort);
        alive
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accept.abort();
        self.cut();
    }
}

async fn carry(mut link: TcpStream, to: u16, tls: Option<TlsAcceptor>, frozen: Arc<Notify>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    link.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    tokio::select! {
        // What happens after the freeze is not passed on, not even the end of the link.
        biased;
        () = frozen.notified() => std::future::pending().await,
        () = pass_on(&mut link, &mut server, tls) => {}
    }
}

async fn pass_on(link: &mut TcpStream, server: &mut TcpStream, tls: Option<TlsAcceptor>) {
    let Some(tls) = tls else {
        let _ = copy_bidirectional(link, server).await;
        return;
    };
    if let Ok(link) = tls.accept(link.compat()).await {
        let _ = copy_bidirectional(&mut link.compat(), server).await;
    }
}

/// A certificate for `localhost` that only those know who are told.
fn certificate() -> (TlsAcceptor, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(server).into(), Arc::new(client))
}
