//! The demo checks itself; this checks that it did.

#![allow(clippy::unwrap_used)]

mod common;

#[test]
fn the_demo_succeeds() {
    let directory = tempfile::tempdir().unwrap();
    let said = common::succeed(directory.path(), &["demo"]);
    for promise in [
        "everybody has met: 10 links",
        "new keys on all 10 links",
        "Eve crashes",
        "Eve has caught up",
        "all five show the same",
        "done: nothing was lost",
    ] {
        assert!(said.contains(promise), "{promise:?} is missing in\n{said}");
    }
}
