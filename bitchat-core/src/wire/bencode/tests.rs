use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const LIMIT: usize = 1 << 20;

fn fault(bytes: &[u8]) -> Fault {
    check(bytes, LIMIT).expect_err("not canonical").fault
}

#[test]
fn canonical_values_pass() {
    for text in [
        "i0e",
        "i-1e",
        "i9223372036854775807e",
        "i-9223372036854775808e",
        "0:",
        "4:spam",
        "le",
        "de",
        "l4:spami42ee",
        "d3:bar4:spam3:fooi42ee",
        "d0:0:1:a0:2:aa0:1:b0:e",
        "ld1:adeee",
    ] {
        let value = check(text.as_bytes(), LIMIT).expect(text);
        assert_eq!(value.raw(), text.as_bytes());
    }
}

// BC-01.06, BC-01.07, BC-01.08, BC-01.09, BC-01.10: one value, one encoding.
#[test]
fn everything_else_is_refused_by_name() {
    let cases: &[(&str, Fault)] = &[
        ("", Fault::UnexpectedEnd),
        ("i", Fault::UnexpectedEnd),
        ("i1", Fault::UnexpectedEnd),
        ("l", Fault::UnexpectedEnd),
        ("d1:a", Fault::UnexpectedEnd),
        ("5", Fault::UnexpectedEnd),
        ("x", Fault::UnexpectedByte(b'x')),
        ("-1:a", Fault::UnexpectedByte(b'-')),
        ("e", Fault::UnexpectedByte(b'e')),
        ("ie", Fault::Integer),
        ("i-e", Fault::Integer),
        ("i-0e", Fault::Integer),
        ("i007e", Fault::Integer),
        ("i-07e", Fault::Integer),
        ("i+1e", Fault::Integer),
        ("i 1e", Fault::Integer),
        ("i1.0e", Fault::Integer),
        ("i9223372036854775808e", Fault::IntegerRange),
        ("i-9223372036854775809e", Fault::IntegerRange),
        ("01:a", Fault::Length),
        ("00:", Fault::Length),
        ("1;a", Fault::Length),
        ("2:a", Fault::LengthRange(1)),
        ("1000000000:a", Fault::LengthRange(1)),
        ("99999999999999999999999999:a", Fault::LengthRange(1)),
        ("di1ei2ee", Fault::KeyType),
        ("dlei2ee", Fault::KeyType),
        ("d1:ae", Fault::MissingValue),
        ("d1:bi1e1:ai2ee", Fault::KeyOrder),
        ("d2:aai1e1:ai2ee", Fault::KeyOrder),
        ("d1:ai1e1:ai2ee", Fault::DuplicateKey),
        ("i1ei2e", Fault::TrailingBytes(3)),
        ("le\n", Fault::TrailingBytes(1)),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text.as_bytes()), *expected, "{text}");
    }
    assert_eq!(
        check(b"4:spam", 5).expect_err("large").fault,
        Fault::TooLarge { size: 6, limit: 5 }
    );
}

#[test]
fn errors_name_the_place() {
    let text = b"d4:infod4:name1:a4:listli1ei02eeee";
    assert_eq!(
        check(text, LIMIT).expect_err("unsorted").to_string(),
        "info.list at byte 17: keys not sorted"
    );
    let text = b"d4:listlli1eeli02eeee";
    assert_eq!(
        check(text, LIMIT).expect_err("leading zero").to_string(),
        "list[1][0] at byte 14: an integer is not in its one canonical form"
    );
    let text = b"d2:\xff\n1:";
    assert_eq!(check(text, LIMIT).expect_err("short").path, "\\xff\\n");
    assert_eq!(check(b"", 9).expect_err("empty").to_string().split(':').next(), Some("at byte 0"));
}

// BC-01.11
#[test]
fn sixteen_levels_pass_and_seventeen_do_not() {
    let nested = |depth: usize| ["l".repeat(depth), "e".repeat(depth)].concat().into_bytes();
    assert!(check(&nested(MAX_DEPTH), LIMIT).is_ok());
    assert_eq!(fault(&nested(MAX_DEPTH + 1)), Fault::TooDeep);
    assert_eq!(fault(&[b'l'; 8_000]), Fault::TooDeep);
    assert_eq!(fault("d0:".repeat(8_000).as_bytes()), Fault::TooDeep);
    // Width costs no depth.
    assert!(check(format!("l{}e", "le".repeat(8_000)).as_bytes(), LIMIT).is_ok());
}

#[test]
fn a_value_is_found_by_key_with_its_raw_span() {
    let text = b"d1:ai-7e1:bl1:xd1:yi1eee1:cd1:z0:e1:d3:\x00\x01ee";
    let dict = check(text, LIMIT).expect("canonical").as_dict().expect("a dictionary");
    assert_eq!(dict.get(b"a").and_then(Value::as_int), Some(-7));
    assert_eq!(dict.get(b"b").map(Value::raw), Some(&b"l1:xd1:yi1eee"[..]));
    assert_eq!(dict.get(b"c").map(Value::raw), Some(&b"d1:z0:e"[..]));
    assert_eq!(dict.get(b"d").and_then(Value::as_bytes), Some(&b"\x00\x01e"[..]));
    assert_eq!(dict.get(b"e"), None);
    assert_eq!(dict.into_iter().count(), 4);
    let list = dict.get(b"b").and_then(Value::as_list).expect("a list");
    assert_eq!(list.map(Value::raw).collect::<Vec<_>>(), [&b"1:x"[..], b"d1:yi1ee"]);
    assert_eq!(dict.get(b"a").and_then(Value::as_bytes), None);
    assert_eq!(dict.get(b"a").and_then(|value| value.as_list().map(Iterator::count)), None);
    assert_eq!(dict.get(b"b").and_then(Value::as_int), None);
}

#[test]
fn a_prefix_leaves_the_rest() {
    let (value, rest) = check_prefix(b"d1:ai1ee\r\n", LIMIT).expect("canonical");
    assert_eq!((value.raw(), rest), (&b"d1:ai1ee"[..], &b"\r\n"[..]));
}

#[test]
fn foreign_dictionaries_may_be_unsorted_but_nothing_more() {
    let (value, _) = check_foreign(b"d1:bi1e1:ai2e1:ai3ee", LIMIT).expect("readable");
    let dict = value.as_dict().expect("a dictionary");
    assert_eq!(dict.get(b"a").and_then(Value::as_int), Some(2));
    for text in ["i007e", "d1:ae", "01:a", "9:a"] {
        assert!(check_foreign(text.as_bytes(), LIMIT).is_err(), "{text}");
    }
    assert!(check_foreign(&[b'l'; 8_000], LIMIT).is_err());
}

#[test]
fn checked_values_map_to_rust_types() {
    let map: BTreeMap<String, i64> =
        check(b"d1:ai1e1:bi2ee", LIMIT).expect("canonical").deserialize().expect("a map");
    assert_eq!(map.get("b"), Some(&2));
    let list = check(b"li1ee", LIMIT).expect("canonical");
    assert!(list.deserialize::<BTreeMap<String, i64>>().is_err());
}

/// Bencoded values up to a few levels, canonical by construction.
fn any_encoded() -> impl Strategy<Value = Encoded> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Encoded::int),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Encoded::bytes(&bytes)),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        let key = prop::collection::vec(any::<u8>(), 0..6);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Encoded::list),
            prop::collection::vec((key, inner), 0..6).prop_map(Encoded::dict),
        ]
    })
}

/// Encodes again what the view shows, without looking at raw spans of lists and dictionaries.
fn encode_again(value: Value<'_>) -> Encoded {
    if let Some(number) = value.as_int() {
        Encoded::int(number)
    } else if let Some(bytes) = value.as_bytes() {
        Encoded::bytes(bytes)
    } else if let Some(list) = value.as_list() {
        Encoded::list(list.map(encode_again))
    } else {
        let dict = value.as_dict().expect("the fourth kind");
        Encoded::dict(dict.into_iter().map(|(key, value)| (key, encode_again(value))))
    }
}

proptest! {
    #[test]
    fn what_is_encoded_passes_the_check(value in any_encoded()) {
        let checked = check(value.as_slice(), LIMIT).expect("canonical");
        prop_assert_eq!(encode_again(checked), value);
    }

    #[test]
    fn what_passes_the_check_encodes_to_itself(bytes in "[ilde0-3:a-]{0,24}") {
        if let Ok(value) = check(bytes.as_bytes(), LIMIT) {
            prop_assert_eq!(encode_again(value).into_vec(), bytes.into_bytes());
        }
    }

    #[test]
    fn one_changed_byte_is_refused_or_read_as_another_value(
        value in any_encoded(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = value.into_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(value) = check(&bytes, LIMIT) {
            prop_assert_eq!(encode_again(value).into_vec(), bytes);
        }
    }
}
