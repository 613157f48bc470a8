use super::*;

const ID: NodeId = NodeId(*b"abcdefghij0123456789");
const OTHER: NodeId = NodeId(*b"mnopqrstuvwxyz123456");
const HASH: InfoHash = InfoHash(OTHER.0);

fn query(message: &[u8]) -> Query<'_> {
    match Message::parse(message).expect("a message").body {
        Body::Query(query) => query,
        other => panic!("{other:?}"),
    }
}

fn reply(message: &[u8]) -> Reply<'_> {
    match Message::parse(message).expect("a message").body {
        Body::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_examples_of_bep_5_are_read() {
    let ping = query(b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe");
    assert_eq!((ping.id, ping.method), (ID, Method::Ping));
    let find = query(
        b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
    );
    assert_eq!(find.method, Method::FindNode { target: OTHER });
    let get = query(
        b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe",
    );
    assert_eq!(get.method, Method::GetPeers { hash: HASH });
    let announce = query(
        b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe",
    );
    let token = b"aoeusnth".as_slice();
    assert_eq!(
        announce.method,
        Method::AnnouncePeer { hash: HASH, port: 6881, implied: true, token }
    );
    let peers = reply(
        b"d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re",
    );
    assert_eq!(peers.token, Some(token));
    let expected: [SocketAddr; 2] = ["97.120.106.101:11893", "105.100.104.116:28269"]
        .map(|addr| addr.parse().expect("address"));
    assert_eq!(peers.peers, expected);
    let error =
        Message::parse(b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee").expect("one");
    assert_eq!(error.body, Body::Error { code: 201 });
}

/// BC-18.01, BC-18.06
#[test]
fn what_is_written_is_read_back() {
    let envelope = Envelope { transaction: b"\x01\x02\x03\x04", version: *b"LT\x02\x0b" };
    let methods = [
        Method::Ping,
        Method::FindNode { target: OTHER },
        Method::GetPeers { hash: HASH },
        Method::AnnouncePeer { hash: HASH, port: 7, implied: true, token: b"tokn" },
        Method::AnnouncePeer { hash: HASH, port: 7, implied: false, token: b"tokn" },
        Method::SampleInfohashes { target: OTHER },
    ];
    for method in methods {
        let bytes = envelope.query(ID, method, [true, false], true);
        let message = Message::parse(&bytes).expect("a message");
        assert!(message.read_only);
        assert_eq!(message.transaction, envelope.transaction);
        assert_eq!(query(&bytes), Query { id: ID, method, want: [true, false] });
        bencode::check(&bytes, MAX_MESSAGE).expect("canonical");
    }
    let to: SocketAddr = "[2001:db8::7]:9".parse().expect("an address");
    let nodes = [Contact { id: OTHER, addr: "10.0.0.1:5".parse().expect("an address") }];
    let bytes =
        envelope.reply(to, vec![("id", Encoded::bytes(&ID.0)), ("nodes", compact_nodes(&nodes))]);
    assert_eq!(Message::parse(&bytes).expect("a message").observed, Some(to));
    assert_eq!(reply(&bytes).nodes, nodes);
    let refused = envelope.error(203, "Bad token");
    assert_eq!(Message::parse(&refused).expect("one").body, Body::Error { code: 203 });
}

#[test]
fn other_peoples_habits_are_forgiven() {
    // Keys out of order, an `ip` and a `v` of odd lengths, `values` of odd lengths among good ones,
    // a 1-byte transaction, `e` beside `r`.
    let odd = reply(
        b"d1:y1:r1:t1:a1:v1:x2:ip3:abc1:rd6:valuesl6:axje.u3:abce2:id20:abcdefghij0123456789e1:eli1eee",
    );
    assert_eq!((odd.id, odd.peers.len()), (Some(ID), 1));
    // A port of 0 means the one that the query came from.
    let announce = query(
        b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti0e5:token1:xe1:q13:announce_peer1:t2:aa1:y1:qe",
    );
    assert!(matches!(announce.method, Method::AnnouncePeer { port: 0, implied: false, .. }));
    let unknown = query(
        b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q3:new1:t2:aa1:y1:qe",
    );
    assert_eq!(unknown.method, Method::Unknown { target: Some(OTHER) });
}

#[test]
fn what_is_no_message_is_none() {
    for bytes in [
        b"".as_slice(),
        b"d",
        b"de",
        b"le",
        b"d1:t2:aa1:y1:qe",
        b"d1:t2:aa1:y1:xe",
        b"d1:y1:re",
        b"d1:ad2:id3:abce1:q4:ping1:t2:aa1:y1:qe",
        b"d1:rd2:id20:abcdefghij0123456789e1:t2:aa1:y1:rex",
        b"d1:rd2:id20:abcdefghij0123456789e1:t33:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1:y1:re",
    ] {
        assert_eq!(Message::parse(bytes), None, "{}", bytes.escape_ascii());
    }
}
