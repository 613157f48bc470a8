use super::*;
use crate::node::bitchat_node_free;
use crate::node::tests::new_node;
use crate::status::BITCHAT_OK;
use bitchat_core::base::ids::{Device, DeviceId, EntryId, PeerId};
use bitchat_core::base::time::UnixMillis;
use bitchat_core::node::{AuthorId, Failure, Family};
use core::ffi::CStr;
use core::net::SocketAddr;

const CHANNEL: ChannelHandle = ChannelHandle(3);
const LINK: LinkId = LinkId(4);
const DEVICE: Device = Device { peer: PeerId([1; 32]), id: DeviceId([2; 16]) };

/// What C sees of an event: the struct, its text, its URL, its key.
fn seen(event: Event) -> (bitchat_event, Option<String>, Option<String>, Option<Vec<u8>>) {
    let node = new_node();
    let mut out = None;
    let text = |text: *const c_char| {
        // SAFETY: NULL, or text with a zero byte that is lent.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
    };
    // SAFETY: the node is live until it is freed, and so is what is lent until the next call.
    unsafe {
        let status = enter(node, |inner| {
            let mut filling = Filling::default();
            filling.fill(event).expect("a known kind");
            let event = filling.lend(inner);
            let key = (!event.key.is_null())
                .then(|| core::slice::from_raw_parts(event.key, event.key_len).to_vec());
            out = Some((event, text(event.text), text(event.url), key));
            Ok(())
        });
        assert_eq!((status, bitchat_node_free(node)), (BITCHAT_OK, BITCHAT_OK));
    }
    out.unwrap()
}

fn kind(event: Event) -> i32 {
    seen(event).0.kind
}

#[test]
fn a_message_arrives_whole() {
    let message = Message {
        id: EntryId([9; 32]),
        author: DEVICE,
        chain: AuthorId([4; 32]),
        own: true,
        wall: Some(UnixMillis(5)),
        lamport: 6,
        seq: 7,
        content: Content::Text("grüße".into()),
    };
    let (event, text, url, key) = seen(Event::Channel(
        CHANNEL,
        ChannelUpdate::Message { message, after: Some(EntryId([8; 32])) },
    ));
    assert_eq!((event.kind, event.channel, event.own), (BITCHAT_EVENT_CHANNEL_MESSAGE, 3, 1));
    assert_eq!((event.wall_ms, event.lamport, event.seq), (5, 6, 7));
    assert_eq!((event.chain, event.content), ([4; 32], BITCHAT_CONTENT_TEXT));
    assert_eq!(event.after, [8; 32]);
    assert_eq!((event.entry_id, event.device.peer_id), ([9; 32], [1; 32]));
    assert_eq!((text.as_deref(), event.text_len), (Some("grüße"), 7));
    assert!(url.is_none() && key.is_none());
}

#[test]
fn a_tracker_in_each_state() {
    let event =
        |state| seen(Event::Tracker(CHANNEL, TrackerUpdate { url: "udp://x".into(), state }));
    let (asking, _, url, _) = event(TrackerState::Announcing);
    assert_eq!((asking.kind, asking.state), (BITCHAT_EVENT_TRACKER, BITCHAT_TRACKER_ANNOUNCING));
    assert_eq!(url.as_deref(), Some("udp://x"));
    let next = Duration::from_nanos(5);
    let (working, text, ..) = event(TrackerState::Working { peers: 8, next, warning: None });
    assert_eq!((working.state, working.count, working.delay_ns), (BITCHAT_TRACKER_WORKING, 8, 5));
    assert!(text.is_none());
    let warning = Some("moving".to_owned());
    let (_, text, ..) = event(TrackerState::Working { peers: 8, next, warning });
    assert_eq!(text.as_deref(), Some("moving"));
    let (failed, text, url, _) =
        event(TrackerState::Failed { reason: "no".into(), retry: Duration::MAX });
    assert_eq!((failed.state, failed.delay_ns), (BITCHAT_TRACKER_FAILED, u64::MAX));
    assert_eq!((text.as_deref(), url.as_deref()), (Some("no"), Some("udp://x")));
}

#[test]
fn a_link_that_ended_says_why() {
    let reasons = [
        (CloseReason::Local, BITCHAT_CLOSE_LOCAL, 0),
        (CloseReason::Peer { code: 77 }, BITCHAT_CLOSE_PEER, 77),
        (CloseReason::TimedOut, BITCHAT_CLOSE_TIMED_OUT, 0),
        (CloseReason::Violation("x".into()), BITCHAT_CLOSE_VIOLATION, 0),
        (CloseReason::Replaced, BITCHAT_CLOSE_REPLACED, 0),
        (CloseReason::CertificateExpired, BITCHAT_CLOSE_CERTIFICATE_EXPIRED, 0),
    ];
    for (reason, state, count) in reasons {
        let said = reason.to_string();
        let (event, text, ..) =
            seen(Event::Link(LINK, LinkUpdate::Closed { device: DEVICE, reason }));
        assert_eq!((event.kind, event.link), (BITCHAT_EVENT_LINK_CLOSED, 4));
        assert_eq!((event.state, event.count, text), (state, count, Some(said)));
    }
}

#[test]
fn a_damaged_record_is_named_by_its_bytes() {
    let (event, _, _, key) = seen(Event::Store(StoreUpdate::Damaged { key: vec![0, 255, 0] }));
    assert_eq!((event.kind, key), (BITCHAT_EVENT_STORE_DAMAGED, Some(vec![0, 255, 0])));
}

#[test]
fn the_others_have_their_kinds_and_fields() {
    let (channel, link, device) = (CHANNEL, LINK, DEVICE);
    let address = SocketAddr::from(([1, 2, 3, 4], 5));
    let failure = Failure::Other("full".into());
    let (event, ..) = seen(Event::Node(NodeUpdate::Listening { local: address }));
    assert_eq!((event.kind, event.address.port), (BITCHAT_EVENT_NODE_LISTENING, 5));
    assert_eq!(event.address.ip[..5], [1, 2, 3, 4, 0]);
    let (event, text, ..) = seen(Event::Node(NodeUpdate::ListenFailed {
        family: Family::V6,
        failure: failure.clone(),
    }));
    assert_eq!((event.kind, event.family), (BITCHAT_EVENT_NODE_LISTEN_FAILED, 6));
    assert_eq!(text.as_deref(), Some("full"));
    let (event, ..) = seen(Event::Channel(channel, ChannelUpdate::Ready { messages: 12 }));
    assert_eq!((event.kind, event.count), (BITCHAT_EVENT_CHANNEL_READY, 12));
    let (event, ..) = seen(Event::Link(link, LinkUpdate::Up { device, address }));
    assert_eq!((event.kind, event.link, event.address.port), (BITCHAT_EVENT_LINK_UP, 4, 5));
    let (event, ..) = seen(Event::Link(link, LinkUpdate::Rekeyed { generation: 3 }));
    assert_eq!((event.kind, event.count), (BITCHAT_EVENT_LINK_REKEYED, 3));
    let (event, ..) = seen(Event::Link(link, LinkUpdate::Moved { address }));
    assert_eq!((event.kind, event.address.port), (BITCHAT_EVENT_LINK_MOVED, 5));
    let (event, ..) =
        seen(Event::Channel(channel, ChannelUpdate::Delivered { id: EntryId([8; 32]), device }));
    assert_eq!((event.kind, event.entry_id), (BITCHAT_EVENT_CHANNEL_DELIVERED, [8; 32]));
    let (event, text, ..) = seen(Event::Store(StoreUpdate::Failing { failure }));
    assert_eq!((event.kind, text.as_deref()), (BITCHAT_EVENT_STORE_FAILING, Some("full")));
    assert_eq!(
        kind(Event::Channel(channel, ChannelUpdate::MemberUp { device })),
        BITCHAT_EVENT_CHANNEL_MEMBER_UP
    );
    assert_eq!(
        kind(Event::Channel(channel, ChannelUpdate::MemberDown { device })),
        BITCHAT_EVENT_CHANNEL_MEMBER_DOWN
    );
    let author = device;
    assert_eq!(
        kind(Event::Channel(channel, ChannelUpdate::Equivocation { author })),
        BITCHAT_EVENT_CHANNEL_EQUIVOCATION
    );
    assert_eq!(
        kind(Event::Channel(channel, ChannelUpdate::StoreWentBack)),
        BITCHAT_EVENT_CHANNEL_STORE_WENT_BACK
    );
    assert_eq!(
        kind(Event::Channel(channel, ChannelUpdate::LogFull)),
        BITCHAT_EVENT_CHANNEL_LOG_FULL
    );
    assert_eq!(kind(Event::Store(StoreUpdate::Recovered)), BITCHAT_EVENT_STORE_RECOVERED);
    let (event, ..) = seen(Event::Node(NodeUpdate::Dht { nodes: [3, 4] }));
    assert_eq!((event.kind, event.count), (BITCHAT_EVENT_NODE_DHT, 7));
    assert_eq!(kind(Event::Node(NodeUpdate::WallTimeNeeded)), BITCHAT_EVENT_NODE_WALL_TIME_NEEDED);
}

#[test]
fn what_only_a_later_version_can_show_arrives_as_bytes() {
    let message = Message {
        id: EntryId([9; 32]),
        author: DEVICE,
        chain: AuthorId([4; 32]),
        own: false,
        wall: None,
        lamport: 6,
        seq: 7,
        content: Content::Unknown { kind: 200, bytes: vec![0, 255] },
    };
    let update = ChannelUpdate::Message { message, after: None };
    let (event, text, _, key) = seen(Event::Channel(CHANNEL, update));
    assert_eq!(
        (event.kind, event.content, event.after),
        (BITCHAT_EVENT_CHANNEL_MESSAGE, 200, [0; 32])
    );
    assert_eq!((text, key), (None, Some(vec![0, 255])));
}
