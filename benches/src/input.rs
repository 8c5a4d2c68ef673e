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

/// What kind of message the lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Responses with one text, for who does not look into them.
    Response,
    /// The progress of something.
    Progress,
    /// Results of tools, as servers in Rust and Python write them.
    ToolResult,
    /// The same with the id at the end, as servers in TypeScript write them.
    ToolResultIdLast,
    /// Results of tools whose text has a line break after each sentence.
    ToolResultEscaped,
}

/// As many calls wait at once: the ids of responses begin again after them.
pub const CALLS: u8 = 16;

impl Output {
    /// As many messages of `line` bytes, newline included, as `total` bytes hold, in chunks of
    /// `chunk` bytes.
    ///
    /// A line has at least 140 bytes, or 64 if it is a [`Shape::Response`].
    pub fn new(shape: Shape, total: usize, line: usize, chunk: usize) -> Self {
        let lines = total / line;
        let output = (0..lines)
            .flat_map(|id| message(shape, id % usize::from(CALLS), line))
            .collect::<Vec<_>>();
        let chunks = output.chunks(chunk).map(Bytes::copy_from_slice).collect();
        Self { bytes: output.len(), lines, chunks }
    }
}

/// One message of `len` bytes with its newline.
pub fn message(shape: Shape, id: usize, len: usize) -> Vec<u8> {
    let result = r#""result":{"content":[{"type":"text","text":""#;
    let (open, close) = match shape {
        Shape::Response => {
            (format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":""#), "\"}}\n".to_owned())
        }
        Shape::Progress => (
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{id},"progress":5,"total":100,"message":""#
            ),
            "\"}}\n".to_owned(),
        ),
        Shape::ToolResult | Shape::ToolResultEscaped => (
            format!(r#"{{"jsonrpc":"2.0","id":{id},{result}"#),
            "\"}],\"isError\":false}}\n".to_owned(),
        ),
        Shape::ToolResultIdLast => (
            format!("{{{result}"),
            format!("\"}}],\"isError\":false}},\"jsonrpc\":\"2.0\",\"id\":{id}}}\n"),
        ),
    };
    let padding = len.saturating_sub(open.len() + close.len());
    [open.into_bytes(), text(shape, padding), close.into_bytes()].concat()
}

fn text(shape: Shape, len: usize) -> Vec<u8> {
    let sentence: &[u8] = match shape {
        Shape::ToolResultEscaped => br"The quick brown fox jumps over the lazy dog.\n",
        _ => b"The quick brown fox jumps over the lazy dog. ",
    };
    let whole = len - len % sentence.len();
    let mut text: Vec<u8> = sentence.iter().copied().cycle().take(whole).collect();
    // Not a half escape.
    text.resize(len, b'.');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_has_the_promised_shape() {
        for shape in [
            Shape::Response,
            Shape::Progress,
            Shape::ToolResult,
            Shape::ToolResultIdLast,
            Shape::ToolResultEscaped,
        ] {
            let output = Output::new(shape, 10_100, 200, 64);
            assert_eq!((output.bytes, output.lines), (10_000, 50));
            assert!(output.chunks[..156].iter().all(|chunk| chunk.len() == 64));
            let whole = output.chunks.concat();
            let lines = whole.split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>();
            assert_eq!(lines.len(), output.lines);
            assert!(lines.iter().all(|line| line.len() == 200));
            for line in lines {
                serde_json::from_slice::<serde_json::Value>(line).unwrap();
            }
        }
    }
}
