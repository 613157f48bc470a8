//! The header is what the code says, and compiles everywhere without a warning.

mod common;

use common::{WARNINGS, compilers, root};
use std::path::Path;
use std::process::Command;

#[test]
fn the_committed_header_is_the_generated_one() {
    let crate_dir = env!("CARGO_MANIFEST_DIR");
    let config = cbindgen::Config::from_file(Path::new(crate_dir).join("cbindgen.toml")).unwrap();
    let mut generated = Vec::new();
    cbindgen::Builder::new()
        .with_crate(crate_dir)
        .with_config(config)
        .generate()
        .unwrap()
        .write(&mut generated);
    let path = root().join("include/bitchat.h");
    if std::env::var_os("BITCHAT_BLESS").is_some() {
        // At once, since another test may be reading it.
        let new = path.with_extension("new");
        std::fs::write(&new, &generated).unwrap();
        std::fs::rename(&new, &path).unwrap();
    }
    let committed = std::fs::read(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "include/bitchat.h is out of date; run: BITCHAT_BLESS=1 cargo test -p bitchat-ffi --test header"
    );
}

#[test]
fn the_version_macros_are_the_crate_version() {
    let header = std::fs::read_to_string(root().join("include/bitchat.h")).unwrap();
    for (name, value) in [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        let line = format!("#define BITCHAT_VERSION_{name} {value}");
        assert!(header.lines().any(|have| have == line), "missing: {line}");
    }
}

#[test]
fn the_header_compiles_without_a_warning_in_every_dialect() {
    let header = root().join("include/bitchat.h");
    let dialects = [
        ("c", "c99"),
        ("c", "c11"),
        ("c", "c17"),
        ("c++", "c++11"),
        ("c++", "c++17"),
        ("c++", "c++20"),
    ];
    for compiler in compilers() {
        for (language, dialect) in dialects {
            let output = Command::new(compiler)
                .args(["-x", language, &format!("-std={dialect}"), "-fsyntax-only"])
                .args(WARNINGS)
                .arg(&header)
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            // Compiling a header by itself is worth a remark to clang and gcc for this pragma alone.
            assert!(output.status.success(), "{compiler} {dialect}: {errors}");
        }
    }
}
