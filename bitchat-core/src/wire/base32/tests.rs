use super::*;
use proptest::prelude::*;

#[test]
fn the_vectors_of_rfc_4648() {
    for (bytes, text) in [
        ("", ""),
        ("f", "my"),
        ("fo", "mzxq"),
        ("foo", "mzxw6"),
        ("foob", "mzxw6yq"),
        ("fooba", "mzxw6ytb"),
        ("foobar", "mzxw6ytboi"),
    ] {
        assert_eq!(encode(bytes.as_bytes()), text);
        assert_eq!(decode(&text.to_uppercase()), Some(bytes.as_bytes().to_vec()));
    }
}

// BC-01.12
#[test]
fn one_byte_string_has_one_text() {
    for text in ["a", "mz", "mzx", "mzxw6y", "m1", "m=", "m y", "mzxw6ytbo"] {
        assert_eq!(decode(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(bytes: Vec<u8>) {
        prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
    }

    #[test]
    fn encoding_undoes_decoding(text in "[a-z2-7]{0,20}") {
        if let Some(bytes) = decode(&text) {
            prop_assert_eq!(encode(&bytes), text);
        }
    }
}
