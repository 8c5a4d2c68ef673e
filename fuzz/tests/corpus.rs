//! Replays the committed corpora.

use std::{collections::BTreeSet, fs, panic, path::Path};

use farpipe_fuzz::{TARGETS, Target};

fn names_in(directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_owned());
    names.map(|name| name.into_string().unwrap()).collect()
}

fn replay(name: &str, target: Target) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut entries = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::read(&path).unwrap();
        let result = panic::catch_unwind(|| target(&data));
        assert!(result.is_ok(), "replay it: cargo +nightly fuzz run {name} {}", path.display());
        entries += 1;
    }
    assert!(entries > 0, "{name} has no corpus");
}

#[test]
fn every_corpus_entry_passes() {
    for (name, target) in TARGETS {
        replay(name, target);
    }
}

#[test]
fn every_target_is_listed_and_has_a_corpus() {
    let listed = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names_in("fuzz_targets"), listed);
    assert_eq!(names_in("corpus"), listed);
}
