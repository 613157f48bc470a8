use super::*;
use crate::crypto::suite::Secret;

#[test]
fn what_is_written_is_read_back_and_what_is_damaged_is_an_error() {
    let chan = ChannelId([3; 20]);
    let key = channel::Record::LogKey { generation: 3, secret: Secret([4; 32]) };
    let record = log(chan, &key);
    assert!(record.secret);
    let prefix = prefix::of_channel(chan, LOG);
    let name = record.key.strip_prefix(prefix.as_slice()).expect("of this channel's log");
    assert_eq!(read_log(Reader::new(name), &record.value), Ok(key));
    assert!(read_log(Reader::new(&name[1..]), &record.value).is_err(), "another name");
    assert!(read_log(Reader::new(name), &record.value.slice(1..)).is_err());
}
