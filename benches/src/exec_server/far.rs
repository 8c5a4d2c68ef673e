//! farpipe.

use farpipe_core::{Event, Limits};
use farpipe_exec_server::{ExecServer, Options, ProcessSpec};
use farpipe_tests::session::Lines;
use farpipe_tokio::TokioRuntime;

use super::plain::command;

pub(super) fn flood(url: &str, lines: usize) -> anyhow::Result<usize> {
    super::run(count(url.to_owned(), lines))
}

async fn count(url: String, lines: usize) -> anyhow::Result<usize> {
    let runtime = TokioRuntime::current();
    let server = ExecServer::connect(&url, Options::default(), &runtime).await?;
    let [program, args @ ..] = &command(lines);
    let process = server.start(&ProcessSpec::new(program).args(args)).await?;
    let flood = farpipe_driver::spawn(Lines, Limits::default(), process, &runtime)?;
    let mut seen = 0;
    loop {
        match flood.next_event().await {
            Some(Event::Message(line)) => seen += usize::from(line.len() == super::LINE - 1),
            Some(Event::End(_)) | None => return Ok(seen),
            _ => {}
        }
    }
}
