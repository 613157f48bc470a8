//! What trackers say.

use bitchat_core::tracker::http::{HttpError, Response, ResponseReader};
use bitchat_core::tracker::udp::{self, Expect};
use bitchat_core::tracker::{gzip, reply};
use bitchat_core::wire::url::TrackerUrl;

const LIMIT: usize = 64 * 1024;
const PEERS: usize = 200;

/// An answer is the same however the network cuts it, and its body within the limit.
pub(crate) fn http_response(data: &[u8]) {
    let whole = answer(data, data.len().max(1));
    assert_eq!(answer(data, 1), whole);
    assert_eq!(answer(data, 7), whole);
    if let Ok(Response::Body(body)) = whole {
        assert!(body.len() <= LIMIT);
        tracker_reply(&body);
    }
}

fn answer(data: &[u8], piece: usize) -> Result<Response, HttpError> {
    let url = TrackerUrl::parse("http://tracker.example.org/announce").expect("it is one");
    let mut reader = ResponseReader::new(url, LIMIT);
    for piece in data.chunks(piece) {
        if let Some(response) = reader.push(piece)? {
            return Ok(response);
        }
    }
    reader.finish()
}

/// What is unpacked is within the limit, and more than that an error.
pub(crate) fn gzip(data: &[u8]) {
    if let Ok(unpacked) = gzip::unpack(data, LIMIT) {
        assert!(unpacked.len() <= LIMIT);
        assert_eq!(gzip::unpack(data, unpacked.len()).as_ref(), Ok(&unpacked));
        assert!(unpacked.is_empty() || gzip::unpack(data, unpacked.len() - 1).is_err());
    }
}

/// No answer names more peers than were asked for.
pub(crate) fn tracker_reply(data: &[u8]) {
    if let Ok(answer) = reply::parse(data, PEERS) {
        assert!(answer.peers.len() <= PEERS);
    }
    for expect in
        [Expect::Connect, Expect::Announce { ipv6: false }, Expect::Announce { ipv6: true }]
    {
        if let Ok(udp::Reply::Announced(answer)) = udp::parse(data, expect, PEERS) {
            assert!(answer.peers.len() <= PEERS);
        }
    }
}
