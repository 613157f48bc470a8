use super::*;

// BC-01.04
#[test]
fn a_length_is_checked_before_it_is_believed() {
    let huge = [0xff; 8];
    assert!(matches!(Reader::new(&huge).prefixed(10), Err(DecodeError::TooLong { limit: 10, .. })));
    assert_eq!(Reader::new(&[5, 1, 2]).prefixed(10), Err(DecodeError::UnexpectedEnd));
    assert_eq!(Reader::new(&[2, 1, 2]).prefixed(2), Ok(&[1u8, 2][..]));
}

// BC-01.01, BC-01.05
#[test]
fn a_failed_read_consumes_nothing() {
    let mut reader = Reader::new(&[1, 2, 3]);
    assert_eq!(reader.u32(), Err(DecodeError::UnexpectedEnd));
    assert_eq!(reader.u16(), Ok(0x0201));
    assert_eq!(reader.clone().finish(), Err(DecodeError::TrailingBytes(1)));
    assert_eq!((reader.rest(), reader.is_empty()), (&[3u8][..], true));
}
