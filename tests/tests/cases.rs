//! Every regression that `tests/README.md` tells of has a test, and the test exists.

use std::{collections::BTreeMap, fs, path::Path};

/// The rows that there must be. Numbers that are missing were found to be no regressions of ours.
const ROWS: [u32; 68] = [
    1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 14, 15, 16, 17, 18, 19, 21, 22, 23, 25, 32, 34, 36, 37, 39,
    40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 52, 54, 55, 56, 57, 59, 60, 62, 63, 65, 67, 68, 69, 70,
    72, 74, 75, 76, 77, 78, 79, 80, 82, 83, 84, 85, 86, 87, 89, 91, 92, 93, 94,
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests have a folder of their own")
}

/// The tests of each row: file and name.
fn rows() -> BTreeMap<u32, Vec<(String, String)>> {
    let readme = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let number = cells.next()?.parse().ok()?;
        Some((number, cells.nth(1)?.split("; ").map(named_test).collect()))
    });
    rows.collect()
}

/// Reads `` `name` in [file](../path) ``.
fn named_test(text: &str) -> (String, String) {
    let read = || {
        let (name, link) = text.strip_prefix('`')?.split_once("` in [")?;
        let path = link.split_once("](../")?.1.strip_suffix(')')?;
        Some((path.to_owned(), name.to_owned()))
    };
    read().unwrap_or_else(|| panic!("not the name of a test: {text}"))
}

#[test]
fn every_row_has_a_test() {
    let rows = rows();
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), ROWS);
    assert!(rows.values().all(|tests| !tests.is_empty()));
}

#[test]
fn every_named_test_exists() {
    for (row, tests) in rows() {
        for (path, name) in tests {
            let source = fs::read_to_string(root().join(&path));
            let source = source.unwrap_or_else(|error| panic!("row {row}: {path}: {error}"));
            let starts = |line: &str| {
                let line = line.trim_start();
                let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
                let line = line.strip_prefix("async ").unwrap_or(line);
                let rest = line.strip_prefix("fn ").and_then(|line| line.strip_prefix(&*name));
                rest.is_some_and(|rest| rest.starts_with(['(', '<']))
            };
            assert!(source.lines().any(starts), "row {row}: {path} has no `fn {name}`");
        }
    }
}
