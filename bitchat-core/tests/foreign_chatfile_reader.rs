//! A second reader of `.chat` files, written from the text of `spec/` in another language, agrees
//! on the vectors.

use std::process::Command;

#[test]
fn a_reader_written_from_the_specification_agrees() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("python3")
        .arg(format!("{folder}/tests/foreign/chatfile_reader.py"))
        .arg(format!("{folder}/../spec/vectors/chatfile.json"))
        .output();
    let Ok(output) = output else {
        println!("FOREIGN TEST SKIPPED: python3 is not installed");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cases: usize = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
    assert!(cases >= 6);
    println!("FOREIGN TEST RAN: {cases} .chat files read by the specification alone");
}
