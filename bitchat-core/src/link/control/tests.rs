use super::*;
use proptest::prelude::*;

#[test]
fn messages_survive_the_way_there_and_back() {
    let tokens = [[7; TOKEN_LEN]; 32];
    for message in [
        Control::RekeyInit(b"init"),
        Control::RekeyResponse(b"response"),
        Control::RekeyAsk,
        Control::SlotTokens { base: 16, tokens: &tokens },
        Control::SlotClose { slot: 70 },
    ] {
        assert_eq!(Control::decode(&message.encode()), Ok(message.clone()));
    }
    for lane in Lane::ALL {
        let header = StreamHeader { slot: 3, lane };
        assert_eq!(StreamHeader::decode(&header.encode()), Ok(header));
    }
}

#[test]
fn unknown_kinds_are_skipped_and_odd_token_lists_refused() {
    // BC-08.03, BC-08.11
    assert_eq!(Control::decode(&[99, 1, 2, 3]), Ok(Control::Unknown));
    for len in [0, 15, 16, 17 * 16] {
        let mut message = vec![SLOT_TOKENS, 0];
        message.resize(2 + len, 0);
        assert_eq!(Control::decode(&message), Err(DecodeError::Invalid("tokens")), "{len}");
    }
    assert!(Control::decode(&[]).is_err());
    assert!(Control::decode(&[REKEY_ASK, 0]).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        match Opening::decode(&bytes) {
            Ok(opening @ (Opening::Lane(_) | Opening::Bytes { .. })) => {
                let encoded = opening.encode();
                prop_assert_eq!(Opening::decode(&encoded), Ok(opening.clone()));
            }
            Ok(Opening::Unknown(number)) => prop_assert!(number > protocol::BYTES),
            Err(_) => {}
        }
        if let Ok(message) = Control::decode(&bytes)
            && message != Control::Unknown
        {
            let encoded = message.encode();
            prop_assert_eq!(Control::decode(&encoded), Ok(message.clone()));
        }
    }
}
