use super::*;

/// BC-07.22: pieces that arrive back to front, one byte each, are joined.
#[test]
fn single_bytes_are_joined() {
    let mut half = RecvHalf::new(1 << 20);
    for at in (1..10_000u64).rev() {
        let received =
            half.on_data(at, &[at.to_le_bytes()[0]], false, 64).expect("within the window");
        assert!(!received.refused && !received.readable);
    }
    assert!(half.pieces() < 50, "{} pieces", half.pieces());
    assert!(half.on_data(0, &[0], false, 64).expect("fits").readable);
    let mut at = 0u64;
    while let Read::Data(data) = half.read() {
        for byte in data {
            assert_eq!(byte, at.to_le_bytes()[0]);
            at += 1;
        }
    }
    assert_eq!(at, 10_000);
}
