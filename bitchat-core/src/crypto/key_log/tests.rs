use super::*;
use crate::base::ids::ChannelId;
use crate::crypto::channel_keys::Epoch;

const IDS: SessionIds =
    SessionIds { to_responder: ConnectionId([0xaa; 8]), to_initiator: ConnectionId([0xbb; 8]) };

/// BC-13.03: the layouts of spec 13, letter by letter.
#[test]
fn every_kind_of_line_is_laid_out_as_specified() {
    let key = Secret([0x5c; 32]);
    let (k, a, b) = ("5c".repeat(32), "aa".repeat(8), "bb".repeat(8));
    let mask = KeyLogLine::mask(IDS, Direction::ToResponder, &key);
    assert_eq!(mask.as_str(), format!("BITCHAT1_MASK {a} {b} i2r {k}"));
    let packet = KeyLogLine::packet(IDS, Direction::ToInitiator, 7, &key);
    assert_eq!(packet.as_str(), format!("BITCHAT1_PACKET {b} {a} r2i 7 {k}"));
    let further = ConnectionId([0xdd; 8]);
    let further = KeyLogLine::further_id(IDS, Direction::ToInitiator, further);
    assert_eq!(further.as_str(), format!("BITCHAT1_CONNECTION_ID {b} r2i {}", "dd".repeat(8)));
    let sealed = SealedWith { key, nonce: 1, hash: [0x11; 32] };
    let handshake = KeyLogLine::handshake(3, &[0xcc; 8], &sealed);
    let (anchor, hash) = ("cc".repeat(8), "11".repeat(32));
    assert_eq!(handshake.as_str(), format!("BITCHAT1_HANDSHAKE {anchor} {hash} 3 1 {k}"));
    let keys = ChannelKeys::new(ChannelId([1; 20]), &Secret([2; 32]), Epoch::default());
    let [mac, mask] = KeyLogLine::gate(&keys);
    let (chan, epoch) = ("01".repeat(20), "00".repeat(32));
    let hex = |secret: &Secret| secret.0.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let line = |label, key| format!("BITCHAT1_GATE_{label} {chan} {epoch} {}", hex(key));
    assert_eq!(mac.as_str(), line("MAC", &keys.mac));
    assert_eq!(mask.as_str(), line("MASK", &keys.mask));
}

/// BC-13.08
#[test]
fn debug_shows_no_secret() {
    let line = KeyLogLine::mask(IDS, Direction::ToResponder, &Secret([0x5c; 32]));
    assert_eq!(format!("{line:?}"), "KeyLogLine");
}

/// The buffer never grows, so the allocator holds no copy that nobody erases.
#[test]
fn the_longest_line_fits_into_its_first_buffer() {
    let sealed = SealedWith { key: Secret([0; 32]), nonce: u64::MAX, hash: [0; 32] };
    for line in [
        KeyLogLine::handshake(3, &[0; 8], &sealed),
        KeyLogLine::packet(IDS, Direction::ToInitiator, u64::MAX, &Secret([0; 32])),
    ] {
        assert!(line.as_str().len() <= MAX_LINE && line.0.capacity() == MAX_LINE);
    }
}
