//! The inputs that fuzzing found worth keeping, run through the same code on every toolchain.

#[path = "../../fuzz/bodies.rs"]
mod bodies;

use std::fs;
use std::path::Path;

#[test]
fn every_committed_input_passes() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, body) in bodies::TARGETS {
        let folder = fs::read_dir(corpora.join(name)).expect("a corpus for every target");
        let inputs: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        assert!(inputs.len() >= 5, "{name}: {} inputs", inputs.len());
        for input in inputs {
            println!("{}", input.display());
            body(&fs::read(&input).expect("a file"));
        }
    }
}

#[test]
fn every_target_has_a_program_and_every_corpus_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let names = |folder: &str| {
        let entries = fs::read_dir(fuzz.join(folder)).expect("a folder");
        let stem = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
        let mut names: Vec<_> =
            entries.filter_map(|entry| stem(&entry.expect("an entry").path())).collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = bodies::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    targets.sort();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
}
