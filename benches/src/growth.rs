//! How the cost grows with the length of a line.

use crate::{race::race, row::Row, work::Scale, works::framing};

/// The shortest line, of which the others are ten and a hundred times, and so on.
const UNIT: usize = 100 << 10;
/// The longest line that is searched again for every chunk: more would take minutes.
const NAIVE: usize = 11 << 20;

/// Lines of growing length, each beside the one before: a ratio of 1 is a cost that grows as the
/// length does.
pub fn rows(scale: Scale) -> Vec<Row> {
    let lengths: &[usize] = match scale {
        Scale::Smoke => &[UNIT],
        Scale::Quick => &[UNIT, 10 * UNIT, 100 * UNIT],
        Scale::Full => &[UNIT, 10 * UNIT, 100 * UNIT, 1000 * UNIT, 1 << 30],
    };
    let mut all = Vec::<Row>::new();
    for &length in lengths {
        // Few rounds of what takes long.
        let scale = if length > NAIVE { Scale::Smoke } else { scale };
        let mut rows = race(&framing::one_line(length, length <= NAIVE), scale);
        rows.retain(|row| row.ratio_to.as_deref() != Some("LinesCodec"));
        for row in &mut rows {
            let shorter = all.iter().rev().find(|shorter| shorter.subject == row.subject);
            row.ratio_to = shorter.map(|shorter| shorter.work.clone());
            row.ratio = shorter.and_then(|shorter| Some(row.mib_per_s? / shorter.mib_per_s?));
        }
        all.extend(rows);
    }
    all
}
