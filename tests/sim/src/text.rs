//! The text of what processes and applications write.

use crate::{Ask, Line};

/// A line for stdout, its newline included. `number` makes it unlike any other.
pub(crate) fn line(line: Line, number: u64) -> Vec<u8> {
    match line {
        Line::Message(padding) => message(number, padding) + "\n",
        Line::WithCr => message(number, 0) + "\r\n",
        Line::WithMark => format!("\u{feff}{}\n", message(number, 3)),
        Line::Batch(elements) => batch(number, elements) + "\n",
        Line::Noise(len) => format!("{number} {}\n", "-".repeat(len.into())),
        Line::Prompt(len) => format!("{} {}\n", "#".repeat(len.into()), message(number, 1)),
        Line::Damaged(len) => format!("{{\"jsonrpc\":\"2.0\",{number},\"{}\n", dots(len.into())),
        Line::NotText(len) => return not_text(number, len),
        Line::Blank => " \t\r\n\n".to_owned(),
        Line::Unended => message(number, 2),
    }
    .into_bytes()
}

fn message(number: u64, padding: u16) -> String {
    let padding = dots(padding.into());
    format!(r#"{{"jsonrpc":"2.0","method":"note","params":[{number},"{padding}"]}}"#)
}

fn batch(number: u64, elements: u8) -> String {
    let messages = (0..=elements % 4).map(|padding| message(number, padding.into()));
    format!("[{}, {number}]", messages.collect::<Vec<_>>().join(", "))
}

fn not_text(number: u64, len: u8) -> Vec<u8> {
    let mut line = format!("{{{number}").into_bytes();
    line.extend(std::iter::repeat_n(0xFF, usize::from(len) + 1));
    line.push(b'\n');
    line
}

fn dots(len: usize) -> String {
    ".".repeat(len)
}

/// A line for stderr, its newline included.
pub(crate) fn warning(number: u64, len: u8) -> Vec<u8> {
    let end = if len.is_multiple_of(5) { "\r\n" } else { "\n" };
    format!("{number}:{}{end}", "w".repeat(len.into())).into_bytes()
}

/// A message to send, and the ids of the requests in it. The method tells how to answer.
pub(crate) fn ask(ask: Ask, number: u64) -> (String, Vec<String>) {
    let one = |method: String, params: usize| {
        let id = id(number);
        (request(&id, &method, params), vec![id])
    };
    match ask {
        Ask::Nothing => {
            (format!(r#"{{"jsonrpc":"2.0","method":"none","params":[{number}]}}"#), Vec::new())
        }
        Ask::Call(padding) => one(format!("first {padding}"), 0),
        Ask::CallIdLast(padding) => one(format!("last {padding}"), 0),
        Ask::CallDamaged => one("damaged 0".to_owned(), 0),
        Ask::CallForgotten => one("forgotten 0".to_owned(), 0),
        Ask::LongCall(len) => one("first 0".to_owned(), len.into()),
        Ask::Batch => {
            let ids = vec![id(number), id(number + 1)];
            let requests = ids.iter().map(|id| request(id, "first 0", 0)).collect::<Vec<_>>();
            (format!("[{}]", requests.join(",")), ids)
        }
    }
}

/// Every other id is a string.
fn id(number: u64) -> String {
    if number % 4 < 2 { format!("\"c{number}\"") } else { number.to_string() }
}

fn request(id: &str, method: &str, padding: usize) -> String {
    let padding = dots(padding);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":["{padding}"]}}"#)
}

/// The line that answers a request with this id and method, as [`ask`] made them.
pub(crate) fn answer(id: &str, method: &str) -> String {
    let (style, padding) = method.split_once(' ').unwrap_or((method, "0"));
    let text = dots(padding.parse().unwrap_or(0));
    match style {
        "first" => format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"{text}\"}}\n"),
        "last" => format!("{{\"result\":\"{text}\",\"jsonrpc\":\"2.0\",\"id\":{id}}}\n"),
        "damaged" => format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":nothing\n"),
        _ => String::new(),
    }
}
