//! The vectors of chapters 3 to 6, checked by a Python program that was written from the
//! specification, with hashlib and the package `cryptography` (OpenSSL).

use std::process::{Command, Stdio};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

fn is_installed() -> bool {
    Command::new("python3")
        .args(["-c", "import cryptography.hazmat.primitives.ciphers.aead"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn python_agrees_with_the_vectors() {
    if !is_installed() {
        eprintln!(
            "FOREIGN TEST SKIPPED: python cryptography is not installed (pip install cryptography)"
        );
        return;
    }
    eprintln!("FOREIGN TEST RAN: python reads the vectors of meetings and packets");
    let output = Command::new("python3")
        .arg(format!("{TESTS}/foreign/meeting_peer.py"))
        .arg(format!("{TESTS}/../../spec/vectors"))
        .output()
        .expect("python3 started before");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim() == "all agree", "{said}{complaint}");
}
