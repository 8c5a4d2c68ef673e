//! What a process writes.

use std::iter;

use arbitrary::Arbitrary;

/// The lines of both streams.
#[derive(Arbitrary, Debug)]
pub(super) struct Text {
    stdout: Vec<Line>,
    stderr: Vec<u8>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Line {
    Message {
        padding: u8,
    },
    MessageWithCr,
    Batch {
        elements: u8,
    },
    Noise {
        len: u8,
    },
    Damaged {
        len: u8,
    },
    Blank,
    Huge,
    /// Ends the stream in the middle of a line, if it is the last one.
    Unterminated,
}

impl Text {
    pub(super) fn stdout(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (id, line) in self.stdout.iter().enumerate() {
            text.extend(line.text(id).into_bytes());
        }
        text
    }

    pub(super) fn stderr(&self) -> Vec<u8> {
        let words = |&len: &u8| iter::repeat_n(b'e', usize::from(len)).chain([b'\n']);
        self.stderr.iter().flat_map(words).collect()
    }
}

impl Line {
    fn text(self, id: usize) -> String {
        match self {
            Self::Message { padding } => message(id, usize::from(padding)) + "\n",
            Self::MessageWithCr => message(id, 0) + "\r\n",
            Self::Batch { elements } => {
                let elements = (0..=elements % 4).map(|at| message(id, usize::from(at)));
                format!("[{}]\n", elements.collect::<Vec<_>>().join(", "))
            }
            Self::Noise { len } => "-".repeat(usize::from(len)) + "\n",
            Self::Damaged { len } => format!("{{\"id\":{id},\"{}\n", "~".repeat(usize::from(len))),
            Self::Blank => " \r\n".to_owned(),
            Self::Huge => message(id, 300) + "\n",
            Self::Unterminated => message(id, 0),
        }
    }
}

fn message(id: usize, padding: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{}"}}"#, " ".repeat(padding))
}
