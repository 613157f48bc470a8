//! What the core depends on stays small, and brings no entropy of its own.

use std::collections::BTreeSet;
use std::process::Command;

/// Crates that ship with the core, itself included, without build scripts' and procedural macros'.
const MOST_CRATES: usize = 60;

#[test]
fn the_core_ships_few_crates_and_no_entropy() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "-p", "bitchat-core", "-e", "normal,no-proc-macro", "--prefix", "none"])
        .args(["--format", "{p}", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let name_and_version = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let crates: BTreeSet<_> =
        text.lines().filter(|line| !line.is_empty()).map(name_and_version).collect();
    assert!(crates.iter().any(|name| name.starts_with("bitchat-core ")), "the list is a list");
    assert!(crates.len() <= MOST_CRATES, "{} crates: {crates:#?}", crates.len());
    for banned in ["getrandom ", "rand ", "mio ", "tokio ", "socket2 "] {
        assert!(!crates.iter().any(|name| name.starts_with(banned)), "{banned}: {crates:#?}");
    }
}
