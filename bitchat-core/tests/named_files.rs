//! Files that ARCHITECTURE.md, CONTRIBUTING.md and the decisions name are there: a map that leads
//! nowhere is worse than none.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_file_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = vec![root.join("ARCHITECTURE.md"), root.join("CONTRIBUTING.md")];
    let decisions = fs::read_dir(root.join("docs/decisions")).expect("a folder");
    documents.extend(decisions.map(|entry| entry.expect("an entry").path()));
    let mut missing = Vec::new();
    let mut named = 0;
    for document in documents {
        let text = fs::read_to_string(&document).expect("text");
        for path in paths(&text) {
            named += 1;
            let places = [root.clone(), root.join("bitchat-core/src")];
            if !places.iter().any(|place| place.join(path).exists()) {
                missing.push((document.file_name().map(PathBuf::from), path.to_owned()));
            }
        }
    }
    assert!(named > 20, "the scanner finds names, it found {named}");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What stands between backticks and looks like a file or a folder of the repository.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|word| {
        let plain = |char: char| char.is_ascii_alphanumeric() || "._-/".contains(char);
        word.chars().all(plain)
            && word.contains('/')
            && (word.ends_with(".rs") || word.ends_with(".md") || word.ends_with('/'))
    })
}
