//! C programs that use the library well, and in every wrong way.

mod common;

use common::{compile, compilers, output};
use std::process::Command;

#[test]
fn a_c_program_uses_identities_and_gets_a_status_for_every_mistake() {
    for compiler in compilers() {
        output(&mut Command::new(compile(compiler, "identity.c", "identity", &[])));
    }
}
