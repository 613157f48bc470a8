//! The header is what the code says, compiles everywhere without a warning, and works from C.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

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
        std::fs::write(&path, &generated).unwrap();
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

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Werror"];

/// The compilers present; gcc must be, clang may be.
fn compilers() -> Vec<&'static str> {
    let present = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let found: Vec<_> = ["gcc", "clang"].into_iter().filter(present).collect();
    assert!(found.contains(&"gcc"), "gcc is needed: apt-get install gcc g++");
    found
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

/// Builds the static library and says where it is: a test run by itself has only the Rust library.
fn static_library() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "-q", "-p", "bitchat-ffi", "--lib", "--crate-type", "staticlib"])
        .args(["--message-format", "json"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let path = messages
        .split('"')
        .find(|part| part.ends_with("libbitchat.a"))
        .expect("cargo names the library that it built");
    PathBuf::from(path)
}

#[test]
fn a_c_program_uses_identities_and_gets_a_status_for_every_mistake() {
    let library = static_library();
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for compiler in compilers() {
        let program = out.join(format!("identity-{compiler}"));
        let output = Command::new(compiler)
            .args(["-std=c11", "-g"])
            .args(WARNINGS)
            .arg("-I")
            .arg(root().join("include"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/identity.c"))
            .arg(&library)
            .args(["-lpthread", "-ldl", "-lm", "-o"])
            .arg(&program)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = Command::new(&program).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{compiler}: {said}");
    }
}
