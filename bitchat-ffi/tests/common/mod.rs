//! What the tests from outside share: compilers, and the library to link with.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Werror"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The compilers present; gcc must be, clang may be.
pub(crate) fn compilers() -> Vec<&'static str> {
    let found: Vec<_> = ["gcc", "clang"].into_iter().filter(|name| is_present(name)).collect();
    assert!(found.contains(&"gcc"), "gcc is needed: apt-get install gcc g++");
    found
}

pub(crate) fn is_present(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Hides from `command` what the cargo that runs this test told it: a cargo within would take it for
/// a change and build everything again.
pub(crate) fn fresh(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && !matches!(&*text, "CARGO_HOME" | "CARGO_TARGET_DIR") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `command`, which must succeed, and gives what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().expect("it can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {} {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The static library.
pub(crate) fn static_library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| library("staticlib", "libbitchat.a"))
}

/// Builds the library of this kind and says where it is: a test run by itself has only the Rust one.
pub(crate) fn library(kind: &str, file: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["rustc", "-q", "-p", "bitchat-ffi", "--lib", "--crate-type", kind])
        .args(["--message-format", "json"])
        .current_dir(root());
    let messages = output(fresh(&mut cargo));
    let path = messages.split('"').find(|part| part.ends_with(file));
    PathBuf::from(path.expect("cargo names the library that it built"))
}

/// Compiles a program of `tests/c` against the static library, with `options` besides the usual ones.
pub(crate) fn compile(compiler: &str, source: &str, name: &str, options: &[&str]) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{compiler}"));
    let mut command = Command::new(compiler);
    command.args(["-g"]).args(WARNINGS).args(options);
    command.arg("-I").arg(root().join("include"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c").join(source));
    command.arg(static_library());
    output(command.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program));
    program
}
