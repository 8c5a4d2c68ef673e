//! Output as a process would write it, the same in every run.

use bytes::Bytes;

/// What a process wrote, cut into chunks.
#[derive(Clone, Debug)]
pub struct Output {
    /// How many bytes it is.
    pub bytes: usize,
    /// How many lines it is; the last one ends in a newline, too.
    pub lines: usize,
    /// The chunks. As with a real executor each is an allocation of its own.
    pub chunks: Vec<Bytes>,
}

impl Output {
    /// As many messages of `line` bytes, newline included, as `total` bytes hold, in chunks of
    /// `chunk` bytes.
    ///
    /// A line has at least 64 bytes.
    pub fn new(total: usize, line: usize, chunk: usize) -> Self {
        let lines = total / line;
        let output = (0..lines).flat_map(|id| message(id, line)).collect::<Vec<_>>();
        let chunks = output.chunks(chunk).map(Bytes::copy_from_slice).collect();
        Self { bytes: output.len(), lines, chunks }
    }
}

fn message(id: usize, len: usize) -> Vec<u8> {
    let open = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":""#);
    let close = "\"}}\n";
    let padding = len.saturating_sub(open.len() + close.len());
    let text = "The quick brown fox jumps over the lazy dog. ".bytes().cycle().take(padding);
    open.bytes().chain(text).chain(close.bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_has_the_promised_shape() {
        let output = Output::new(10_100, 200, 64);
        assert_eq!((output.bytes, output.lines), (10_000, 50));
        assert!(output.chunks[..156].iter().all(|chunk| chunk.len() == 64));
        let whole = output.chunks.concat();
        let lines = whole.split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>();
        assert_eq!(lines.len(), output.lines);
        assert!(lines.iter().all(|line| line.len() == 200 && line.starts_with(b"{\"jsonrpc\"")));
    }
}
