//! Takes the bytes from the socket and looks at none: what no client can beat.

use tokio::io::AsyncReadExt as _;

use super::{LINE, plain::start};

const BUFFER: usize = 128 << 10;

pub(super) fn flood(url: &str, lines: usize) -> anyhow::Result<usize> {
    super::run(read(url.to_owned(), lines))
}

async fn read(url: String, lines: usize) -> anyhow::Result<usize> {
    let mut socket = start(&url, lines).await?;
    let mut buffer = vec![0; BUFFER];
    // Four characters carry three bytes; what is around them is not needed.
    let mut left = lines * LINE / 3 * 4;
    while left > 0 {
        let len = socket.get_mut().read(&mut buffer).await?;
        left = left.saturating_sub(len);
        anyhow::ensure!(len > 0, "the server has closed the connection");
    }
    Ok(lines)
}
