//! C programs that use the library well, and in every wrong way, by themselves and under the eyes of
//! memory checkers.

mod common;

use common::{compile, compilers, is_present, output};
use std::path::Path;
use std::process::Command;

const C: [&str; 1] = ["-std=c11"];
const SANITIZERS: [&str; 3] =
    ["-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
/// What valgrind exits with when it saw something.
const SEEN: i32 = 99;

/// Runs a program of `tests/c` by itself from each compiler, with sanitizers, and under valgrind.
fn run_everywhere(source: &str) {
    let name = source.trim_end_matches(".c");
    for compiler in compilers() {
        let program = compile(compiler, source, name, &C);
        output(&mut Command::new(&program));
        if compiler == "gcc"
            && let Some(mut valgrind) = valgrind(&program)
        {
            output(&mut valgrind);
        }
    }
    let sanitized = compile("gcc", source, &format!("{name}-sanitized"), &SANITIZERS);
    output(&mut Command::new(sanitized));
}

/// `None` where there is no valgrind.
fn valgrind(program: &Path) -> Option<Command> {
    if !is_present("valgrind") {
        println!("FOREIGN TEST SKIPPED: C programs under valgrind (apt-get install valgrind)");
        return None;
    }
    let mut command = Command::new("valgrind");
    command.args(["-q", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    command.arg(format!("--error-exitcode={SEEN}")).arg(program);
    Some(command)
}

#[test]
fn identities_and_every_mistake_with_them() {
    run_everywhere("identity.c");
}

#[test]
fn every_wrong_call_gives_its_status() {
    run_everywhere("misuse.c");
}

/// BC-13.01
#[test]
fn the_key_log_is_off_until_its_number_is_given() {
    run_everywhere("keylog.c");
}

#[test]
fn two_nodes_chat_through_callbacks() {
    run_everywhere("dispatch.c");
}

#[test]
fn the_wrapper_for_cpp_compiles_in_every_dialect_and_works() {
    for compiler in compilers() {
        let compiler = if compiler == "gcc" { "g++" } else { "clang++" };
        for dialect in ["-std=c++11", "-std=c++17", "-std=c++20"] {
            let name = format!("wrapper{dialect}");
            let options = [dialect, "-fno-sanitize-recover=all", "-fsanitize=undefined"];
            let options = if compiler == "g++" { &options[..] } else { &options[..1] };
            output(&mut Command::new(compile(compiler, "wrapper.cpp", &name, options)));
        }
    }
    if let Some(mut valgrind) = valgrind(&compile("g++", "wrapper.cpp", "wrapper", &["-std=c++11"]))
    {
        output(&mut valgrind);
    }
}

#[test]
fn what_is_used_after_its_end_is_seen_by_memory_checkers() {
    let program = compile("gcc", "freed.c", "freed", &C);
    if let Some(mut valgrind) = valgrind(&program) {
        output(valgrind.arg("nothing"));
        println!("FOREIGN TEST RAN: C programs under valgrind");
    }
    for what in ["node", "twice", "text", "list"] {
        let Some(mut valgrind) = valgrind(&program) else { break };
        let seen = valgrind.arg(what).output().expect("valgrind runs");
        assert_eq!(seen.status.code(), Some(SEEN), "{what}");
    }
    let sanitized = compile("gcc", "freed.c", "freed-sanitized", &SANITIZERS);
    let mut kept = Command::new(sanitized);
    let seen = kept.arg("text").output().expect("it runs");
    let said = String::from_utf8_lossy(&seen.stderr);
    assert!(!seen.status.success() && said.contains("heap-use-after-free"), "{said}");
}
