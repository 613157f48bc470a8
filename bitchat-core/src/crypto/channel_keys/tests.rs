use super::*;

/// BC-04.01, BC-04.03
#[test]
fn every_label_channel_and_epoch_gives_other_keys() {
    let key = Secret([1; 32]);
    let keys = [
        ChannelKeys::new(ChannelId([0; 20]), &key, Epoch::default()),
        ChannelKeys::new(ChannelId([1; 20]), &key, Epoch::default()),
        ChannelKeys::new(ChannelId([0; 20]), &key, Epoch([1; 32])),
        ChannelKeys::new(ChannelId([0; 20]), &Secret([2; 32]), Epoch::default()),
    ];
    let mut all: Vec<[u8; 32]> = keys
        .iter()
        .flat_map(|keys| [keys.psk.0, keys.mac.0, keys.mask.0, keys.derive(b"other", b"").0])
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 16);
    assert_ne!(keys[0].infohash(0), keys[0].infohash(1));
    assert_ne!(keys[0].infohash(0), keys[1].infohash(0));
}

/// BC-04.02
#[test]
fn a_public_channel_has_the_key_that_everybody_computes() {
    let chan = ChannelId([1; 20]);
    assert_eq!(ChannelKeys::public_key(chan).0, hash(&[b"open", &[1; 20]]));
    assert_ne!(ChannelKeys::public_key(chan), ChannelKeys::public_key(ChannelId([2; 20])));
}
