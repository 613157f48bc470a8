use super::*;
use crate::node::store::prefix::channel;

#[test]
fn what_is_written_is_read_back_and_what_is_damaged_is_an_error() {
    let chan = ChannelId([3; 20]);
    for text in ["192.0.2.1:5", "[2001:db8::1]:6"] {
        let record = address(chan, text.parse().expect("an address"), None);
        assert!(record.key.starts_with(&channel(chan)));
        let name = record.key.strip_prefix(of_channel(chan, PLACE).as_slice());
        let name = name.expect("of this channel");
        let read = read_address(Reader::new(name)).map(|address| address.to_string());
        assert_eq!(read.as_deref(), Ok(text));
        assert!(read_address(Reader::new(&name[1..])).is_err());
    }
}
