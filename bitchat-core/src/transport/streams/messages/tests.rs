use super::*;
use proptest::prelude::*;

fn encoded(message: &[u8]) -> Vec<u8> {
    [MessageLength::of(message).as_bytes(), message].concat()
}

proptest! {
    /// BC-07.23
    #[test]
    fn messages_come_back_however_the_stream_is_cut(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..20),
        cuts in prop::collection::vec(1usize..200, 1..50),
    ) {
        let mut stream = Vec::new();
        messages.iter().for_each(|message| stream.extend(encoded(message)));
        let (mut reader, mut back) = (MessageReader::new(300), Vec::new());
        let mut rest = Bytes::from(stream);
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            reader.push(&rest.split_to(rest.len().min(*cut)));
            while let Some(message) = reader.next_message().expect("valid") {
                back.push(message.to_vec());
            }
        }
        prop_assert_eq!(back, messages);
        prop_assert_eq!(reader.buffered(), 0);
    }
}

#[test]
fn chunks_may_be_pushed_before_messages_are_taken() {
    let mut reader = MessageReader::new(10);
    for part in [&[2u8, 1][..], &[2, 3, 4], &[5, 6, 1], &[7]] {
        reader.push(part);
    }
    let mut take = || reader.next_message().expect("valid");
    assert_eq!(take().as_deref(), Some(&[1, 2][..]));
    assert_eq!(take().as_deref(), Some(&[4, 5, 6][..]));
    assert_eq!(take().as_deref(), Some(&[7][..]));
    assert_eq!(take(), None);
}

/// BC-07.24
#[test]
fn empty_and_long_messages_are_refused() {
    let mut reader = MessageReader::new(100);
    reader.push(&[0]);
    assert_eq!(reader.next_message(), Err(MessageError::Empty));
    let mut reader = MessageReader::new(100);
    reader.push(&[0x40, 101]);
    assert_eq!(reader.next_message(), Err(MessageError::TooLong { len: 101, limit: 100 }));
    assert_eq!(encoded(b"typebody"), b"\x08typebody");
}
