//! Throughputs side by side.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::measured::Measured;

/// One row: the group that was measured, and the value within it.
pub type Row = (String, &'static str);

/// Prints the throughput of each function for each row, and how many times that of each of `peers`
/// the one of `own` is. Rows that were not measured in this run are left out.
pub fn print(measured: &Measured, rows: &[Row], functions: &[&str], own: &str, peers: &[&str]) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header(functions, own, peers));
    for (group, value) in rows {
        let speed = |function: &str| measured.gib_per_second(group, function, value);
        if functions.iter().all(|function| speed(function).is_none()) {
            continue;
        }
        let speeds = functions.iter().map(|function| cell(speed(function)));
        let ratios = peers.iter().map(|peer| cell(ratio(speed(own), speed(peer))));
        let name = [format!(
            "{}, {value} chunks",
            group.rsplit('/').next().unwrap_or(group).replace('_', " ")
        )];
        table.add_row(name.into_iter().chain(speeds).chain(ratios));
    }
    if table.row_count() > 0 {
        table
            .column_iter_mut()
            .skip(1)
            .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        println!("GiB/s by median, and ratios\n\n{table}");
    }
}

fn header(functions: &[&str], own: &str, peers: &[&str]) -> Vec<String> {
    let functions = functions.iter().map(|&function| function.to_owned());
    let ratios = peers.iter().map(|peer| format!("{own} ÷ {peer}"));
    [String::new()].into_iter().chain(functions).chain(ratios).collect()
}

fn ratio(own: Option<f64>, peer: Option<f64>) -> Option<f64> {
    Some(own? / peer?)
}

fn cell(number: Option<f64>) -> String {
    match number {
        Some(number) if number >= 10.0 => format!("{number:.1}"),
        Some(number) if number >= 0.1 => format!("{number:.2}"),
        Some(number) => format!("{number:.4}"),
        None => "–".to_owned(),
    }
}
