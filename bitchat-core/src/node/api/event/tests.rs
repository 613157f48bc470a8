use super::*;
use crate::base::ids::{Device, DeviceId, EntryId, PeerId};
use crate::node::api::action::Family;
use crate::node::api::input::Failure;
use core::time::Duration;
use std::net::SocketAddr;

const CHANNEL: ChannelHandle = ChannelHandle(3);
const LINK: LinkId = LinkId(4);
const DEVICE: Device = Device { peer: PeerId([1; 32]), id: DeviceId([2; 16]) };

fn address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5))
}

fn tracker(url: &str, state: TrackerState) -> Event {
    Event::Tracker(CHANNEL, TrackerUpdate { url: url.into(), state })
}

fn failed() -> TrackerState {
    TrackerState::Failed { reason: "no".into(), retry: Duration::from_secs(9) }
}

#[test]
fn every_event_says_its_area_its_level_and_its_words() {
    let failure = || Failure::Other("full".into());
    let link = |update| Event::Link(LINK, update);
    let channel = |update| Event::Channel(CHANNEL, update);
    let (device, address, id) = (DEVICE, address(), EntryId([8; 32]));
    for (event, class, level, target, words) in [
        (
            Event::Node(NodeUpdate::Listening { local: address }),
            EventClass::Droppable,
            LogLevel::Debug,
            "node",
            "listening on 10.0.0.1:5",
        ),
        (
            Event::Node(NodeUpdate::ListenFailed { family: Family::V6, failure: failure() }),
            EventClass::Coalesce,
            LogLevel::Warn,
            "node",
            "no socket for V6: full",
        ),
        (
            Event::Store(StoreUpdate::Damaged { key: vec![1; 7] }),
            EventClass::Coalesce,
            LogLevel::Warn,
            "store",
            "a damaged record with a key of 7 bytes",
        ),
        (
            link(LinkUpdate::Up { device, address }),
            EventClass::Keep,
            LogLevel::Info,
            "link",
            "link 4 to 01010101/02020202 is up",
        ),
        (
            link(LinkUpdate::Closed { device, reason: CloseReason::TimedOut }),
            EventClass::Keep,
            LogLevel::Info,
            "link",
            "link 4 to 01010101/02020202 is down: the peer fell silent",
        ),
        (
            channel(ChannelUpdate::Ready { messages: 2 }),
            EventClass::Coalesce,
            LogLevel::Info,
            "channel",
            "channel 3 is live: 2 messages",
        ),
        (
            channel(ChannelUpdate::Delivered { id, device }),
            EventClass::Keep,
            LogLevel::Trace,
            "channel",
            "channel 3: 01010101/02020202 has stored ours",
        ),
        (
            channel(ChannelUpdate::StoreWentBack),
            EventClass::Coalesce,
            LogLevel::Warn,
            "store",
            "channel 3: the store went back in time",
        ),
        (
            tracker("udp://x/key", TrackerState::Announcing),
            EventClass::Droppable,
            LogLevel::Debug,
            "tracker",
            "channel 3: asking udp://x",
        ),
        (
            tracker("udp://x/key", failed()),
            EventClass::Droppable,
            LogLevel::Info,
            "tracker",
            "channel 3: a tracker failed",
        ),
    ] {
        assert_eq!(
            (event.class(), event.level(), event.target()),
            (class, level, target),
            "{event}"
        );
        assert_eq!(event.to_string(), words);
    }
}

#[test]
fn addresses_and_hosts_stand_in_the_second_line_alone() {
    let detail = |event: Event| event.detail().map(|detail| detail.to_string());
    let (device, address) = (DEVICE, address());
    let up = Event::Link(LINK, LinkUpdate::Up { device, address });
    assert_eq!(detail(up).as_deref(), Some("link 4 leads to 10.0.0.1:5"));
    let said = "channel 3: udp://x failed: no; asked again in 9s";
    assert_eq!(detail(tracker("udp://x/key", failed())).as_deref(), Some(said));
    assert_eq!(detail(tracker("udp://x/key", TrackerState::Announcing)), None);
    assert_eq!(detail(Event::Store(StoreUpdate::Recovered)), None);
}

#[test]
fn only_a_tracker_s_latest_state_is_worth_telling() {
    let new = tracker("udp://x", failed());
    assert!(new.supersedes(&tracker("udp://x", TrackerState::Announcing)));
    assert!(!new.supersedes(&tracker("udp://y", TrackerState::Announcing)));
    let elsewhere = TrackerUpdate { url: "udp://x".into(), state: failed() };
    assert!(!new.supersedes(&Event::Tracker(ChannelHandle(9), elsewhere)));
    let moved = Event::Link(LINK, LinkUpdate::Moved { address: address() });
    assert!(!moved.supersedes(&moved));
}
