//! The compiled program, run as a user runs it.

#![allow(dead_code, clippy::unwrap_used, reason = "each test program uses a part of this")]

pub(crate) mod process;
pub(crate) mod story;
#[cfg(unix)]
pub(crate) mod terminal;

use std::path::Path;
use std::process::{Command, Output};

/// The program, with nothing of the user's environment that would lead it to the user's own files.
pub(crate) fn bitchat() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitchat"));
    command.env_remove("XDG_DATA_HOME").env("HOME", "/nonexistent").env_remove("RUST_LOG");
    command
}

/// Runs it in `directory` to its end.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Output {
    bitchat().current_dir(directory).args(arguments).output().unwrap()
}

/// Runs it and returns what it prints, having checked that it succeeded.
pub(crate) fn succeed(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it and returns its complaint: one line, with an exit code that says failure.
pub(crate) fn fail(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.starts_with("bitchat: "), "{complaint}");
    assert_eq!(complaint.trim_end().lines().count(), 1, "one line: {complaint}");
    complaint
}
