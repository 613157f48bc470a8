//! Every numbered requirement of the specification is kept somewhere and proved somewhere.
//!
//! In `spec/*.md` a requirement ends with its id in brackets, `[BC-02.11]`. The code that keeps it
//! and the test that proves it cite the id.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_requirement_is_kept_and_proved() {
    let mut faults = Vec::new();
    let required = required(&mut faults);
    let (code, tests) = cited();
    for id in &required {
        if !code.contains_key(id) {
            faults.push(format!("{id}: no source file cites it"));
        }
        if !tests.contains_key(id) {
            faults.push(format!("{id}: no test cites it"));
        }
    }
    for (id, file) in code.iter().chain(&tests) {
        if !required.contains(id) {
            faults.push(format!("{id}: cited in {}, but not in spec/", file.display()));
        }
    }
    assert!(required.len() > 30, "the scanner finds requirements");
    assert!(faults.is_empty(), "{} faults\n{}\n", faults.len(), faults.join("\n"));
}

/// Chapter 14 says of each requirement what it is for: who adds one says so there.
#[test]
fn every_requirement_has_one_mark() {
    let text = fs::read_to_string(root().join("spec/14-profile.md")).expect("chapter 14");
    let mut marked = BTreeMap::<String, usize>::new();
    for row in text.lines().filter(|row| MARKS.iter().any(|mark| row.starts_with(mark))) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        for number in cells[3].split(' ') {
            assert!(number.starts_with(cells[2]), "{number} in the row of chapter {}", cells[2]);
            *marked.entry(format!("BC-{number}")).or_default() += 1;
        }
    }
    let required = required(&mut Vec::new());
    let without: Vec<_> = required.iter().filter(|id| !marked.contains_key(*id)).collect();
    let wrong: Vec<_> =
        marked.iter().filter(|(id, count)| **count > 1 || !required.contains(*id)).collect();
    assert!(without.is_empty(), "chapter 14 has no mark for {without:?}");
    assert!(wrong.is_empty(), "chapter 14 marks twice, or without a requirement: {wrong:?}");
}

/// How the rows of chapter 14's list begin.
const MARKS: [&str; 6] =
    ["| answered |", "| talk |", "| stay |", "| feature |", "| others |", "| ours |"];

#[test]
fn the_scanner_finds_ids_and_nothing_else() {
    let text = "(BC-02.11, BC-03.01): BC-NN.MM BC-1.2 xBC-04.05 BC-06.077";
    assert_eq!(ids(text).collect::<Vec<_>>(), ["BC-02.11", "BC-03.01", "BC-04.05", "BC-06.07"]);
}

/// The ids in the specification. A chapter numbers its own, each once.
fn required(faults: &mut Vec<String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for file in files(&root().join("spec"), "md") {
        let text = fs::read_to_string(&file).expect("text");
        let name = file.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        for id in ids(&text) {
            if !text.contains(&format!("[{id}]")) {
                continue;
            }
            if text.matches(&format!("[{id}]")).count() > 1 {
                faults.push(format!("{id}: twice in {name}"));
            } else if id[3..5] != name[..2] {
                faults.push(format!("{id}: in {name}, a chapter that is not its own"));
            }
            all.insert(id);
        }
    }
    all
}

/// Which ids are cited, with one file for each: in the code, and in tests.
fn cited() -> (BTreeMap<String, PathBuf>, BTreeMap<String, PathBuf>) {
    let (mut code, mut tests) = (BTreeMap::new(), BTreeMap::new());
    let crates = fs::read_dir(root()).expect("the workspace");
    let crates = crates.map(|entry| entry.expect("an entry").path());
    for folder in crates.filter(|path| path.join("Cargo.toml").exists()) {
        for file in ["src", "tests"].iter().flat_map(|part| files(&folder.join(part), "rs")) {
            if file.ends_with("tests/spec_coverage.rs") {
                continue;
            }
            let inside = file.strip_prefix(&folder).expect("below the crate");
            let is_test = inside.iter().any(|part| part == "tests" || part == "tests.rs");
            let text = fs::read_to_string(&file).expect("text");
            let map = if is_test { &mut tests } else { &mut code };
            ids(&text).for_each(|id| drop(map.insert(id, inside.to_owned())));
        }
    }
    (code, tests)
}

/// `BC-`, two digits, a dot, two digits.
fn ids(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("BC-").filter_map(|(at, _)| {
        let id = text.get(at..at + 8)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let valid = digits(&id[3..5]) && &id[5..6] == "." && digits(&id[6..]);
        valid.then(|| id.to_owned())
    })
}

/// The files below `folder` with this extension; none if there is no such folder.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}
