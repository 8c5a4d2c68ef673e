//! The results.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use serde::Serialize;

/// One result, perhaps beside that of a peer.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was done.
    pub work: String,
    /// Who did it.
    pub subject: String,
    /// How much went in; for a work about memory, how much was taken up.
    pub bytes: usize,
    /// How many messages, lines, events or sessions it was.
    pub messages: usize,
    /// How long it took; nothing for a work about memory.
    pub seconds: Option<f64>,
    /// How fast that was.
    pub mib_per_s: Option<f64>,
    /// Who it is compared with.
    pub ratio_to: Option<String>,
    /// How many times better it is than that: above 1 is faster, or smaller.
    pub ratio: Option<f64>,
}

impl Row {
    /// A result in time.
    pub fn timed(work: &str, subject: &str, bytes: usize, messages: usize, seconds: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a speed needs no 53 bits")]
        let mib_per_s = (bytes > 0).then(|| bytes as f64 / f64::from(1 << 20) / seconds);
        let seconds = Some(seconds);
        let row = Self::sized(work, subject, bytes, messages);
        Self { seconds, mib_per_s, ..row }
    }

    /// A result in bytes.
    pub fn sized(work: &str, subject: &str, bytes: usize, messages: usize) -> Self {
        Self {
            work: work.to_owned(),
            subject: subject.to_owned(),
            bytes,
            messages,
            seconds: None,
            mib_per_s: None,
            ratio_to: None,
            ratio: None,
        }
    }

    /// The same beside a peer.
    #[must_use]
    pub fn beside(self, peer: &str, ratio: Option<f64>) -> Self {
        Self { ratio_to: Some(peer.to_owned()), ratio, ..self }
    }
}

/// The results as a table of Markdown.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["Work", "Subject", "Result", "Ratio", "to"]);
    let mut last = None;
    for row in rows {
        let this = (row.work.as_str(), row.subject.as_str());
        let known = last.replace(this);
        let work = if known.is_some_and(|known| known.0 == this.0) { "" } else { this.0 };
        let (subject, result) =
            if known == Some(this) { ("", String::new()) } else { (this.1, result(row)) };
        let ratio = row.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let to = row.ratio_to.as_deref().unwrap_or_default();
        table.add_row([work, subject, &result, &ratio, to]);
    }
    table
        .column_iter_mut()
        .skip(2)
        .take(2)
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn result(row: &Row) -> String {
    match (row.mib_per_s, row.seconds) {
        (Some(speed), _) if speed >= 100.0 => format!("{speed:.0} MiB/s"),
        (Some(speed), _) => format!("{speed:.1} MiB/s"),
        (None, Some(seconds)) => format!("{:.1} µs", seconds * 1e6),
        (None, None) => format!("{} KiB", row.bytes >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_named_once_and_a_row_has_the_promised_keys() {
        let row = Row::timed("w", "farpipe", 2 << 20, 4, 0.5);
        let rows = [row.clone().beside("a", Some(2.0)), row.beside("b", None)];
        let text = table(&rows).to_string();
        assert_eq!(text.matches("4.0 MiB/s").count(), 1, "{text}");
        assert!(text.contains("2.00"), "{text}");
        let json = serde_json::to_value(&rows[0]).unwrap();
        let mut keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            ["bytes", "messages", "mib_per_s", "ratio", "ratio_to", "seconds", "subject", "work"]
        );
    }
}
