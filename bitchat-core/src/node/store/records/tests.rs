use super::*;
use crate::base::rng::{Rng, Seed};

#[test]
fn what_is_written_is_read_back() {
    let keys = DeviceKeys::generate(Suite::default(), &mut Rng::new(&Seed([1; 32])));
    let Ok(NodeRecord::Device(read)) = read_node(Suite::default(), &device(&keys)) else {
        panic!("no device")
    };
    assert_eq!((read.id, read.static_key.public()), (keys.id, keys.static_key.public()));
    for previous in [None, Some(Secret([2; 32]))] {
        let secrets = [Some(Secret([1; 32])), previous];
        let record = resumption(&DhPublic([7; 32]), &secrets, Some(UnixMillis(5)));
        assert!(record.secret);
        let Ok(NodeRecord::Resumption(remote, read)) = read_node(Suite::default(), &record) else {
            panic!("none")
        };
        assert_eq!((remote, read), (DhPublic([7; 32]), secrets));
    }
    let chan = ChannelId([3; 20]);
    for text in ["192.0.2.1:5", "[2001:db8::1]:6"] {
        let record = address(chan, text.parse().unwrap(), None);
        assert!(record.key.starts_with(&channel_prefix(chan)));
        let Ok(ChannelRecord::Address(read)) = read_channel(chan, &record) else { panic!("none") };
        assert_eq!(read.to_string(), text);
    }
    let key = channel::Record::LogKey { generation: 3, secret: Secret([4; 32]) };
    let record = log(chan, &key);
    assert!(record.secret);
    assert!(matches!(read_channel(chan, &record), Ok(ChannelRecord::Log(read)) if read == key));
}

#[test]
fn damaged_records_are_errors() {
    let keys = DeviceKeys::generate(Suite::default(), &mut Rng::new(&Seed([1; 32])));
    let good = device(&keys);
    for len in 0..good.value.len() {
        let short = Record { value: good.value.slice(..len), ..good.clone() };
        assert!(read_node(Suite::default(), &short).is_err());
    }
    let chan = ChannelId([3; 20]);
    let mut record = address(chan, "192.0.2.1:5".parse().unwrap(), None);
    assert!(read_channel(ChannelId([4; 20]), &record).is_err(), "of another channel");
    record.key.pop();
    assert!(read_channel(chan, &record).is_err());
}
