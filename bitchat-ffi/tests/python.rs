//! The Python package `dotchat` against the library as it is now: its own tests, run by `unittest`.

#![cfg(target_os = "linux")]

mod common;

use common::{is_present, library, output, root};
use std::process::Command;

#[test]
fn the_python_package_passes_its_tests_with_this_library() {
    if !is_present("python3") {
        println!("FOREIGN TEST SKIPPED: the Python package (apt-get install python3 python3-venv)");
        return;
    }
    let mut python = Command::new("python3");
    python
        .args(["-m", "unittest", "discover", "-s", "tests", "-t", "."])
        .current_dir(root().join("bindings/python"))
        .env("DOTCHAT_LIBRARY", library("cdylib", "libbitchat.so"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    output(&mut python);
    println!("FOREIGN TEST RAN: the Python package");
}
