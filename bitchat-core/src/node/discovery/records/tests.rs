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

#[test]
fn nodes_of_the_dht_are_read_back_and_what_is_damaged_is_an_error() {
    let nodes: Vec<SocketAddr> =
        ["192.0.2.1:5", "[2001:db8::1]:6"].map(|node| node.parse().expect("an address")).into();
    let record = dht_nodes(&nodes, Some(UnixMillis(1)));
    assert_eq!(record.expires, Some(UnixMillis(1).plus(KEEP)));
    assert_eq!(read_dht_nodes(&record.value), Ok(nodes.clone()));
    assert!(read_dht_nodes(&record.value[..record.value.len() - 1]).is_err());
    assert!(read_dht_nodes(&[LAYOUT + 1]).is_err());
    let many = dht_nodes(&nodes.repeat(100), None);
    assert_eq!(read_dht_nodes(&many.value).map(|read| read.len()), Ok(MAX_SAVED));
}
