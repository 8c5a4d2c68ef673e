//! The results as charts.

use std::{fs, path::Path};

use plotters::{
    backend::SVGBackend,
    drawing::{DrawingArea, IntoDrawingArea as _},
    element::{Rectangle, Text},
    style::{Color as _, IntoFont as _, RGBColor, TextStyle, WHITE},
};

use crate::row::Row;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

const WIDTH: u32 = 760;
const BAR: i32 = 18;
const TITLE: i32 = 26;
const NAMES: i32 = 170;
const SPEEDS: i32 = 110;

const OWN: RGBColor = RGBColor(0x2f, 0x6f, 0xde);
const PEER: RGBColor = RGBColor(0xb4, 0xbb, 0xc6);
const INK: RGBColor = RGBColor(0x24, 0x29, 0x2f);

/// Each chart, and how the names of its works begin.
const CHARTS: [(&str, &str); 2] = [("decode.svg", "decode, "), ("process.svg", "process, cat")];

/// Draws a chart for each mechanism that was measured: `decode.svg`, `process.svg`.
pub fn draw_all(rows: &[Row], directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory)?;
    for (file, begins) in CHARTS {
        let works = works(rows, begins);
        if !works.is_empty() {
            draw(&directory.join(file), &works)?;
        }
    }
    Ok(())
}

/// Name, and speed of each subject, once.
type Group<'a> = (&'a str, Vec<(&'a str, f64)>);

fn works<'a>(rows: &'a [Row], begins: &str) -> Vec<Group<'a>> {
    let mut groups = Vec::<Group<'a>>::new();
    // What is computed beside the time that passes has the same name, and more.
    for row in rows.iter().filter(|row| row.work.starts_with(begins) && !row.work.ends_with(')')) {
        let Some(speed) = row.mib_per_s else { continue };
        if groups.last().is_none_or(|(work, _)| *work != row.work) {
            groups.push((&row.work, Vec::new()));
        }
        if let Some((_, subjects)) = groups.last_mut()
            && subjects.last().is_none_or(|(subject, _)| *subject != row.subject)
        {
            subjects.push((&row.subject, speed));
        }
    }
    groups
}

fn draw(file: &Path, groups: &[Group<'_>]) -> anyhow::Result<()> {
    let height =
        |(_, subjects): &Group<'_>| TITLE + BAR * i32::try_from(subjects.len()).unwrap_or(0);
    let total: i32 = groups.iter().map(height).sum::<i32>() + BAR;
    let area = SVGBackend::new(file, (WIDTH, u32::try_from(total)?)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut top = BAR / 2;
    for group in groups {
        draw_group(&area, top, group)?;
        top += height(group);
    }
    area.present()?;
    Ok(())
}

/// Each group has a scale of its own: the longest bar is the fastest of it.
fn draw_group(area: &Area<'_>, top: i32, (work, subjects): &Group<'_>) -> anyhow::Result<()> {
    area.draw(&Text::new((*work).to_owned(), (8, top + 6), font(16)))?;
    let fastest = subjects.iter().map(|(_, speed)| *speed).fold(f64::MIN_POSITIVE, f64::max);
    let room = f64::from(i32::try_from(WIDTH)? - NAMES - SPEEDS);
    for (top, (subject, speed)) in (top + TITLE..).step_by(18).zip(subjects) {
        #[expect(clippy::cast_possible_truncation, reason = "a length in pixels")]
        let right = NAMES + (room * speed / fastest) as i32;
        let color = if subject.starts_with("farpipe") { OWN } else { PEER };
        area.draw(&Text::new((*subject).to_owned(), (20, top + 2), font(14)))?;
        area.draw(&Rectangle::new([(NAMES, top), (right, top + BAR - 4)], color.filled()))?;
        area.draw(&Text::new(format!("{speed:.0} MiB/s"), (right + 6, top + 2), font(14)))?;
    }
    Ok(())
}

fn font(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_names_every_subject_once() {
        let row = |work: &str, subject: &str| Row::timed(work, subject, 1 << 20, 1, 0.5);
        let rows = [
            row("decode, a", "farpipe").beside("x", Some(2.0)),
            row("decode, a", "farpipe").beside("y", Some(3.0)),
            row("decode, a", "x"),
            row("decode, a (CPU)", "farpipe"),
            row("outbox, b", "farpipe"),
        ];
        let directory = tempfile::tempdir().unwrap();
        draw_all(&rows, directory.path()).unwrap();
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 1);
        let svg = fs::read_to_string(directory.path().join("decode.svg")).unwrap();
        assert_eq!(
            (svg.matches("farpipe").count(), svg.matches("2 MiB/s").count()),
            (1, 2),
            "{svg}"
        );
    }
}
