//! A flood from a real exec-server, in a program of its own: its memory is measured.
#![cfg(target_os = "linux")]

use std::fs;

use farpipe_core::{Cause, Exit, Limits};
use farpipe_exec_server::{ExecServer, Options, ProcessSpec};
use farpipe_smol::SmolRuntime;
use farpipe_tests::{
    exec_server::Server,
    session::{Lines, message, rest, within},
};

const LINE: usize = 1000;
const LINES: usize = 210_000;

/// The most memory that this program has had, in MiB.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// More than 200 MB, all of it, in order, in little more memory than the queues may hold: 4 MiB of
/// the connection, 4 MiB of the session, and what the rest of the program takes.
#[test]
fn two_hundred_megabytes_arrive_in_order_and_in_little_memory() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let runtime = SmolRuntime::new();
    smol::block_on(async {
        let connected = ExecServer::connect(&server.url, Options::default(), &runtime);
        let exec = within(connected).await.unwrap();
        let format = format!("%0{}.0f", LINE - 1);
        let spec = ProcessSpec::new("seq").args(["-f", &format, "1", &LINES.to_string()]);
        let process = within(exec.start(&spec)).await.unwrap();
        let flood = farpipe_driver::spawn(Lines, Limits::default(), process, &runtime).unwrap();
        let before = peak();
        let mut bytes = 0;
        for number in 1..=LINES {
            let line = message(&flood).await;
            bytes += line.len() + 1;
            assert_eq!(str::from_utf8(&line).unwrap().parse(), Ok(number));
        }
        assert_eq!(bytes, LINE * LINES);
        let stats = flood.monitor().stats();
        assert_eq!((stats.lost, stats.replays), (0, 0));
        let (_, end) = rest(&flood).await;
        assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Code(0))));
        let grown = peak() - before;
        assert!(grown < 24, "{grown} MiB more than before");
    });
}
