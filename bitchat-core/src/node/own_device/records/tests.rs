use super::*;
use crate::base::rng::{Rng, Seed};

#[test]
fn what_is_written_is_read_back_and_what_is_damaged_is_an_error() {
    let keys = DeviceKeys::generate(Suite::default(), &mut Rng::new(&Seed([1; 32])));
    let good = device(&keys);
    let read = read_device(Suite::default(), &good.value).expect("a device");
    assert_eq!((read.id, read.static_key.public()), (keys.id, keys.static_key.public()));
    for len in 0..good.value.len() {
        assert!(read_device(Suite::default(), &good.value[..len]).is_err());
    }
}
