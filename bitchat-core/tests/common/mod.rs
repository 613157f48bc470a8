//! What the vector tests share: comparing with, or rewriting, the files in `spec/vectors`.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The committed vectors of `name`.
#[allow(dead_code, reason = "not every test file reads vectors back")]
pub(crate) fn load(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).expect("spec/vectors holds the file");
    serde_json::from_str(&text).expect("the file is JSON")
}

/// Compares `value` with `spec/vectors/<name>.json`; with `BITCHAT_BLESS=1` in the environment
/// writes it there instead.
#[allow(dead_code, reason = "not every test file writes vectors")]
pub(crate) fn check(name: &str, value: &Value) {
    let mut text = serde_json::to_string_pretty(&sorted(value)).expect("a value is representable");
    text.push('\n');
    if std::env::var_os("BITCHAT_BLESS").is_some() {
        std::fs::write(path(name), text).expect("spec/vectors is writable");
        return;
    }
    let committed = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert!(
        committed == text,
        "spec/vectors/{name}.json differs from what the code produces; if the change is meant, run\n  \
         BITCHAT_BLESS=1 cargo test -p bitchat-core --test 'vectors_*'"
    );
}

/// With the fields of every object in order: what serde_json does by itself depends on a feature that
/// any other crate of the build can switch on.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), sorted(value)));
            fields.collect::<BTreeMap<_, _>>().into_iter().collect()
        }
        plain => plain.clone(),
    }
}

/// Bytes as lower-case hex.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex as bytes.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a hex string");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits"))
        .collect()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors").join(format!("{name}.json"))
}
