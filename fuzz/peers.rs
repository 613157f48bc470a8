//! What peers say, and what a store that somebody changed gives back.

use bitchat_core::base::ids::{
    ChannelHandle, ChannelId, Device, DeviceId, LinkId, PeerId, SocketId,
};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed, Stream};
use bitchat_core::base::time::{Now, Timestamp, UnixMillis};
use bitchat_core::channel::{
    Candidate, Channel, ChannelConfig, ChannelEvent, ChannelFault, ChannelSink, Priority, Record,
    Ticket,
};
use bitchat_core::chatfile::{Access, ChatFile, Draft, History, Outside};
use bitchat_core::crypto::channel_keys::Epoch;
use bitchat_core::crypto::gate;
use bitchat_core::crypto::identity::Identity;
use bitchat_core::crypto::suite::{Secret, Suite};
use bitchat_core::node::{self, Action, Config, Input, Node, Page, TransmitPoll};
use bitchat_core::wire::frame::Frames;
use std::collections::VecDeque;
use std::net::SocketAddr;

const NOW: Now = Now { mono: Timestamp::ZERO, wall: Some(UnixMillis(1_800_000_000_000)) };

/// What is read is read the same after it was written, up to the first mistake, which ends it.
pub(crate) fn frames(data: &[u8]) {
    let mut frames = Frames::new(data);
    while let Some(Ok(frame)) = frames.next() {
        let mut written = Vec::new();
        frame.encode(&mut written);
        assert_eq!(written.len(), frame.encoded_len());
        assert_eq!(Frames::new(&written).next(), Some(Ok(frame)));
    }
    assert!(frames.next().is_none());
}

/// The channel's surroundings: everything is stored at once, and every link has room.
struct Sink {
    secret: Stream,
    stored: VecDeque<Ticket>,
    shown: usize,
    sent: usize,
}

impl ChannelSink for Sink {
    fn send(&mut self, _: LinkId, _: Priority, message: &[u8]) -> bool {
        self.sent += message.len();
        true
    }

    fn persist(&mut self, ticket: Ticket, record: Record) {
        assert_eq!(Record::decode(&record.encode()), Ok(record));
        self.stored.push_back(ticket);
    }

    fn forget(&mut self, _: &Record) {}

    fn event(&mut self, event: ChannelEvent) {
        self.shown += usize::from(matches!(event, ChannelEvent::Message { .. }));
    }

    fn candidate(&mut self, _: Candidate) {}

    fn violation(&mut self, _: LinkId, _: ChannelFault) {}

    fn secret(&mut self) -> Secret {
        Secret(self.secret.bytes())
    }

    fn sign(&mut self, _: &'static [u8], _: &[&[u8]]) -> Option<[u8; 64]> {
        None
    }
}

/// Messages of a peer, each behind its length in two bytes. What is told of is shown, and few bytes do
/// not bring forth many.
pub(crate) fn channel_message(mut data: &[u8]) {
    let device = |of: u8| Device { peer: PeerId([of; 32]), id: DeviceId([of; 16]) };
    let mut channel = Channel::new(ChannelConfig {
        suite: Suite::default(),
        chan: ChannelId([0xc0; 20]),
        epoch: Epoch::default(),
        local: device(1),
        limits: Limits::default(),
    });
    let secret = Rng::new(&Seed([1; 32])).public;
    let mut sink = Sink { secret, stored: VecDeque::new(), shown: 0, sent: 0 };
    let (link, received) = (LinkId(1), data.len());
    channel.on_link_up(NOW, link, device(2), None, &mut sink);
    while let Some((len, rest)) = data.split_first_chunk::<2>() {
        let (message, rest) = rest.split_at(usize::from(u16::from_be_bytes(*len)).min(rest.len()));
        data = rest;
        if channel.on_message(NOW, link, message, &mut sink).is_err() {
            break;
        }
        while let Some(ticket) = sink.stored.pop_front() {
            channel.on_persisted(NOW, ticket, &mut sink);
        }
    }
    assert!(channel.messages().count() <= sink.shown);
    assert!(sink.sent <= 1_024 + 64 * received, "{} for {received}", sink.sent);
}

fn file() -> ChatFile {
    let draft = Draft {
        name: "fuzz".into(),
        access: Access::Keyed,
        history: History::All,
        rotate: false,
        outside: Outside::default(),
    };
    let mut secret = Rng::new(&Seed([2; 32])).secret;
    draft.create(None, &mut secret, &Limits::default()).expect("the settings are valid")
}

fn node(store: bool) -> (Node, ChannelHandle) {
    let mut config = Config::default();
    config.store = store;
    config.families.v6 = false;
    let identity = Identity::from_bytes(&Secret([3; 32]));
    let mut node = Node::new(config, identity, Seed([4; 32]), NOW).expect("the settings are valid");
    let channel = node.join(NOW, &file()).expect("the first one");
    (node, channel)
}

/// Answers actions, for which `load` gives the records, and says how many bytes are sent.
fn drain(node: &mut Node, mut load: impl FnMut(&[u8], &[u8]) -> Vec<node::Record>) -> usize {
    let (mut sent, mut buffer) = (0, [0; 65_507]);
    loop {
        let mut idle = true;
        while let TransmitPoll::Ready(transmit) = node.poll_transmit(NOW, 1, &mut buffer) {
            (sent, idle) = (sent + transmit.len, false);
        }
        while let Some(action) = node.poll_action() {
            idle = false;
            let input = match action {
                Action::BindUdp { request, .. } => {
                    let local = SocketAddr::from(([10, 0, 0, 1], 1_000));
                    Input::Bound { request, socket: SocketId(0), local }
                }
                Action::Load { request, prefix, after, .. } => {
                    Input::Loaded { request, records: load(&prefix, &after), more: false }
                }
                Action::Persist { request, .. } => Input::Persisted { request },
                _ => continue,
            };
            node.handle_input(NOW, input);
        }
        while node.poll_event().is_some() {
            idle = false;
        }
        if idle {
            return sent;
        }
    }
}

/// The body of a probe or of a handshake message, from somebody who has the channel's keys. Whatever it
/// is, no more bytes are sent than came (BC-04.20 and what follows it).
pub(crate) fn meeting(data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let (mut node, _) = node(false);
    drain(&mut node, |_, _| Vec::new());
    let mut datagram = gate::start(data.len());
    datagram.extend_from_slice(data);
    let day = NOW.wall.expect("known").day();
    let mut public = Rng::new(&Seed([5; 32])).public;
    gate::seal(&file().keys(Epoch::default()), day, &mut public, &mut datagram);
    let stride = datagram.len();
    let from = SocketAddr::from(([10, 0, 0, 2], 1_000));
    let data = &mut datagram;
    node.handle_input(
        NOW,
        Input::Datagram { socket: SocketId(0), from, local: None, ecn: None, stride, data },
    );
    let sent = drain(&mut node, |_, _| Vec::new());
    assert_eq!((node.stats().datagrams_in, node.stats().dropped_unknown), (1, 0));
    assert!(sent <= stride, "{sent} for {stride}");
}

/// Records, each as: 0 for the node's own and else the channel's; the length of the rest of the key and
/// the key; the length of the value in two bytes and the value. The node starts with them, and works.
pub(crate) fn store(data: &[u8]) {
    let (mut node, channel) = node(true);
    drain(&mut node, |prefix, _| records(data, prefix));
    assert!(node.device().is_some());
    node.send_text(NOW, channel, "it works").expect("the channel is ready");
    drain(&mut node, |_, _| Vec::new());
    let messages = node.messages(channel, Page::Last, 1).expect("it is joined");
    assert!(
        messages.iter().any(|message| message.own && message.content.text() == Some("it works"))
    );
}

fn records(mut data: &[u8], prefix: &[u8]) -> Vec<node::Record> {
    let mut found = Vec::new();
    let mut take = |len: usize| {
        let (head, rest) = data.split_at(len.min(data.len()));
        data = rest;
        head
    };
    while let [of] = take(1) {
        let len = take(1).first().map_or(0, |len| usize::from(*len));
        let key = [prefix, take(len)].concat();
        let len = take(2).first_chunk().map_or(0, |len| usize::from(u16::from_be_bytes(*len)));
        let value = take(len).to_vec();
        if (*of == 0) == prefix.starts_with(b"node") {
            found.push(node::Record { key, value: value.into(), secret: false, expires: None });
        }
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found
}
