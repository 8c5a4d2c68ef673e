//! A link with a long way.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Passes on what comes, later. It lives as long as the program.
pub(super) struct SlowLink {
    pub(super) url: String,
}

impl SlowLink {
    pub(super) fn start(to: u16, delay: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("ws://{}", listener.local_addr()?);
        thread::spawn(move || -> anyhow::Result<()> {
            for link in listener.incoming() {
                let (link, server) = (link?, TcpStream::connect(("127.0.0.1", to))?);
                pass_on(link.try_clone()?, server.try_clone()?, delay)?;
                pass_on(server, link, delay)?;
            }
            Ok(())
        });
        Ok(Self { url })
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, delay: Duration) -> anyhow::Result<()> {
    to.set_nodelay(true)?;
    let (sender, pieces) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(len @ 1..) = from.read(&mut buffer) {
            let piece = (Instant::now() + delay, buffer[..len].to_vec());
            if sender.send(piece).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    Ok(())
}
