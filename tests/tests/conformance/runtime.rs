//! Timers, tasks and sockets.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    sync::mpsc,
    thread,
    time::Duration,
};

use farpipe_core::Timestamp;
use farpipe_driver::{Connect, Runtime as _};
use farpipe_tests::session::{PATIENCE, within};
use smol::{
    future::poll_once,
    io::{AsyncReadExt as _, AsyncWriteExt as _},
};

use crate::platform::Platform;

pub(crate) fn a_timer_made_without_a_runtime_completes<P: Platform>() {
    P::run(async {
        let runtime = P::runtime();
        let make = move || {
            let now = runtime.now();
            let soon = Timestamp::from_origin(now.since_origin() + Duration::from_millis(5));
            [now, soon].map(|at| runtime.sleep_until(at))
        };
        for sleep in thread::spawn(make).join().unwrap() {
            within(sleep).await;
        }
    });
}

pub(crate) fn a_timer_for_the_end_of_time_waits<P: Platform>() {
    P::run(async {
        let far = P::runtime().sleep_until(Timestamp::from_origin(Duration::MAX));
        assert_eq!(poll_once(far).await, None);
    });
}

pub(crate) fn a_task_spawned_without_a_runtime_runs<P: Platform>() {
    P::run(async {
        let (runtime, (tell, told)) = (P::runtime(), mpsc::channel());
        let spawn = move || runtime.spawn(async move { tell.send(()).unwrap() });
        thread::spawn(spawn).join().unwrap();
        told.recv_timeout(PATIENCE).expect("it never ran");
    });
}

pub(crate) fn a_socket_connects_by_name_and_by_address<P: Platform>() {
    for host in ["localhost", "127.0.0.1"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = thread::spawn(move || {
            let (mut stream, mut question) = (listener.accept().unwrap().0, [0; 4]);
            stream.read_exact(&mut question).unwrap();
            stream.write_all(&question).unwrap();
        });
        let answer = P::run(async {
            let mut stream = within(P::runtime().connect(host, port)).await.unwrap();
            let mut answer = Vec::new();
            within(stream.write_all(b"ping")).await.unwrap();
            within(stream.read_to_end(&mut answer)).await.unwrap();
            answer
        });
        assert_eq!(answer, b"ping", "{host}");
        peer.join().unwrap();
    }
}

pub(crate) fn a_socket_nobody_listens_to_is_an_error<P: Platform>() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = P::run(async { within(P::runtime().connect("127.0.0.1", port)).await });
    assert!(refused.is_err());
}
