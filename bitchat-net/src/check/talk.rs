//! The second stage: the first rekey, the slots, the streams of the channel, and its log.

use super::Check;
use super::place::{Fault, Place, Visitor, broken};
use super::report::Stage;
use super::session::{Heard, PACKET_LEN, Session};
use super::wire::Wire;
use bitchat_core::base::ids::EntryId;
use bitchat_core::crypto::identity::Identity;
use bitchat_core::link::control::{Control, Lane, StreamHeader};
use bitchat_core::link::slots::{ChannelEpoch, Slots};
use bitchat_core::log::{BINDING_LABEL, Draft, Entry, Kind};
use bitchat_core::transport::TransportStreamId;
use bitchat_core::wire::frame::{Frame, Frames};
use bitchat_core::wire::reader::Reader;
use std::collections::BTreeSet;
use std::time::Duration;

const fn check(
    what: &'static str,
    requirements: &'static [&'static str],
    run: fn(&mut Place<'_>) -> Result<(), Fault>,
) -> Check {
    Check { stage: Stage::Talk, what, requirements, run }
}

pub(super) const CHECKS: &[&Check] = &[
    &check(
        "the first rekey with ML-KEM is answered, and its keys are taken into use",
        &["BC-06.02", "BC-08.05", "BC-08.07"],
        first_rekey,
    ),
    &check(
        "SLOT_TOKENS come in multiples of 16, and show the channel under the peer's own role",
        &["BC-08.10", "BC-08.11", "BC-08.12"],
        tokens,
    ),
    &check(
        "the streams of the channel begin with a header, one for each lane",
        &["BC-08.18", "BC-08.58"],
        streams,
    ),
    &check("DIGEST is sent first, and once", &["BC-09.14"], digest),
    &check("a digest that differs is answered by heads", &["BC-09.15"], heads),
    &check(
        "WANT is answered with valid entries in the log's order, at most 256, and an end",
        &[
            "BC-09.01", "BC-09.02", "BC-09.03", "BC-09.04", "BC-09.05", "BC-09.06", "BC-09.18",
            "BC-09.20",
        ],
        want,
    ),
    &check("a control message of unknown type is skipped", &["BC-08.03"], unknown_control),
    &check("a channel message of unknown type is ignored", &["BC-09.13"], unknown_message),
    &check("a PING is acknowledged", &["BC-07.09"], ping),
    &check(
        "nothing of a channel leaves under the keys of the handshake",
        &["BC-08.05"],
        nothing_early,
    ),
    &check(
        "packets keep the rules of the transport, and are not larger than 1,200 bytes unasked",
        &[
            "BC-07.01", "BC-07.02", "BC-07.04", "BC-07.05", "BC-07.06", "BC-07.07", "BC-07.10",
            "BC-07.16", "BC-07.17", "BC-07.18", "BC-07.19", "BC-07.20", "BC-07.21", "BC-07.24",
            "BC-07.61",
        ],
        transport,
    ),
    &check(
        "what was lost is sent again, in a packet of another number",
        &["BC-07.14"],
        lost_is_repeated,
    ),
    &check("a text is stored, and a head tells so within 30 s", &["BC-09.16", "BC-09.17"], stored),
];

/// A conversation with the peer, as far as it got.
pub(super) struct Talk {
    pub(super) session: Session,
    pub(super) wire: Wire,
    visitor: Visitor,
    slots: Slots,
    /// Own stream of lane 0, once the channel is open.
    pub(super) sync: Option<TransportStreamId>,
}

const DIGEST: u8 = 1;
const HEADS: u8 = 2;
const WANT: u8 = 3;
const ENTRIES: u8 = 5;
/// A type that no message has.
const UNKNOWN: u8 = 200;

impl Talk {
    pub(super) fn new(session: Session, wire: Wire, visitor: Visitor) -> Self {
        let slots = Slots::new(session.role, session.handshake_hash);
        Self { session, wire, visitor, slots, sync: None }
    }

    /// Runs on until `done`; an error if the peer ends the session meanwhile.
    pub(super) fn run(
        &mut self,
        place: &Place<'_>,
        patience: Duration,
        done: impl Fn(&Heard) -> bool,
    ) -> Result<bool, Fault> {
        let done = self.session.run(place, &mut self.wire, patience, |at| done(&at.heard));
        match &self.session.heard {
            Heard { fault: Some(fault), .. } => broken(format!("the peer sent: {fault}")),
            Heard { closed: Some(code), .. } if !done => broken(format!("CLOSE with code {code}")),
            _ => Ok(done),
        }
    }

    /// The PING of a packet of its own is acknowledged.
    pub(super) fn ping(&mut self, place: &Place<'_>) -> Result<bool, Fault> {
        let mut payload = Vec::new();
        Frame::Ping.encode(&mut payload);
        for _ in 0..3 {
            let (number, datagram) = self.session.raw(&payload, false);
            self.wire.send(&datagram);
            let patience = place.options.patience / 3;
            if self.run(place, patience, |heard| acknowledges(heard, number))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens the channel on the session, as far as the first rekey.
    pub(super) fn rekey(&mut self, place: &Place<'_>) -> Result<(), Fault> {
        self.session.start_rekey(true)?;
        let confirmed = |at: &Session| at.keys_in_use() == (1, true);
        if self.session.run(place, &mut self.wire, place.options.patience, confirmed) {
            return Ok(());
        }
        let heard = &self.session.heard;
        match (&heard.fault, heard.closed, self.session.keys_in_use()) {
            (Some(fault), ..) => broken(format!("the peer sent: {fault}")),
            (_, Some(code), _) => broken(format!("REKEY_INIT is answered by CLOSE {code}")),
            (_, _, (0, _)) => broken("REKEY_INIT brings no REKEY_RESP"),
            _ => broken("the peer does not send under the new keys"),
        }
    }

    /// Shows the channel, and finds it among what the peer shows: this side's slot and the peer's.
    pub(super) fn show(&mut self, place: &mut Place<'_>) -> Result<(u64, u64), Fault> {
        let (chan, mac) = (ChannelEpoch::first(place.keys.chan()), place.keys.mac.clone());
        if self.slots.ours(chan).is_none() {
            let offer = self.slots.offer(&[(chan, &mac)], &mut place.rng.public);
            let offer = offer.ok_or_else(|| Fault::Untried("no room for tokens".to_owned()))?;
            self.session.send_control(&offer);
        }
        let patience = place.options.patience;
        self.run(place, patience, |heard| tokens_of(heard).next().is_some())?;
        let lists: Vec<Vec<u8>> = tokens_of(&self.session.heard).cloned().collect();
        if lists.is_empty() {
            return broken("no SLOT_TOKENS");
        }
        let mut slots = Slots::new(self.session.role, self.session.handshake_hash);
        for list in &lists {
            let Ok(Control::SlotTokens { base, tokens }) = Control::decode(list) else {
                return broken("SLOT_TOKENS cannot be read");
            };
            if let Err(error) = slots.on_tokens(base, tokens) {
                return broken(error.to_string());
            }
        }
        if !slots.match_channel(chan, &mac) {
            return broken("the channel's token is not among those of the peer");
        }
        let theirs = (0..1_024).find(|slot| slots.channel_of(*slot) == Some(chan));
        match (self.slots.ours(chan), theirs) {
            (Some(ours), Some(theirs)) => Ok((ours, theirs)),
            _ => Err(Fault::Untried("the channel has no slot".to_owned())),
        }
    }
}

/// Whether an ACK of the peer names a packet that the transport did not build.
fn acknowledges(heard: &Heard, number: u64) -> bool {
    heard.packets.iter().flat_map(|packet| Frames::new(&packet.payload)).any(|frame| {
        matches!(frame, Ok(Frame::Ack(ack)) if ack.ranges().any(|range| range.contains(&number)))
    })
}

fn tokens_of(heard: &Heard) -> impl Iterator<Item = &Vec<u8>> {
    let is_list = |message: &&Vec<u8>| {
        matches!(Control::decode(message), Ok(Control::SlotTokens { .. }) | Err(_))
    };
    heard.control.iter().filter(is_list)
}

/// Runs a check in the shared conversation, if it got so far.
pub(super) fn within(
    place: &mut Place<'_>,
    run: impl FnOnce(&mut Place<'_>, &mut Talk) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some(mut talk) = place.talk.take() else {
        return Err(Fault::Untried("there is no session".to_owned()));
    };
    let result = run(place, &mut talk);
    place.talk = Some(talk);
    result
}

/// The same for a check that needs the channel open.
pub(super) fn on_channel(
    place: &mut Place<'_>,
    run: impl FnOnce(&mut Place<'_>, &mut Talk, TransportStreamId) -> Result<(), Fault>,
) -> Result<(), Fault> {
    within(place, |place, talk| match talk.sync {
        _ if talk.session.heard.is_over() => {
            Err(Fault::Untried("the session has ended".to_owned()))
        }
        Some(sync) => run(place, talk, sync),
        None => Err(Fault::Untried("the channel is not open".to_owned())),
    })
}

fn first_rekey(place: &mut Place<'_>) -> Result<(), Fault> {
    within(place, |place, talk| talk.rekey(place))
}

fn tokens(place: &mut Place<'_>) -> Result<(), Fault> {
    within(place, |place, talk| {
        if talk.session.keys_in_use().0 == 0 {
            return Err(Fault::Untried("there was no rekey".to_owned()));
        }
        let (ours, _) = talk.show(place)?;
        let Some(sync) = talk.session.open_lane(ours, Lane::Sync) else {
            return Err(Fault::Untried("the peer allows no stream".to_owned()));
        };
        // A digest that no log has, so that heads must follow; and no heads, as nothing is stored
        // here.
        let digest: [u8; 32] = place.rng.public.bytes();
        talk.session.send(sync, &[&[DIGEST][..], &digest].concat());
        talk.session.send(sync, &[HEADS]);
        talk.sync = Some(sync);
        Ok(())
    })
}

fn streams(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, _| {
        let patience = place.options.patience;
        if !talk.run(place, patience, |heard| heard.count(DIGEST) > 0)? {
            return broken("no stream of the peer carries a DIGEST");
        }
        let (_, theirs) = talk.show(place)?;
        let mut lanes = BTreeSet::new();
        for messages in talk.session.heard.streams.values() {
            let Some(first) = messages.first() else { continue };
            let header = match StreamHeader::decode(first) {
                Ok(header) => header,
                Err(error) => return broken(format!("a stream begins with no header: {error}")),
            };
            if header.slot != theirs {
                return broken(format!("a stream is of slot {}, not of {theirs}", header.slot));
            }
            if !lanes.insert(header.lane) {
                return broken(format!("two streams for lane {}", header.lane as u8));
            }
        }
        Ok(())
    })
}

fn digest(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |_, talk, _| {
        let heard = &talk.session.heard;
        let first = heard.streams.values().find_map(|messages| {
            let header = StreamHeader::decode(messages.first()?).ok()?;
            (header.lane == Lane::Sync).then(|| messages.get(1).cloned())
        });
        match first.flatten() {
            Some(message) if message.first() == Some(&DIGEST) && message.len() == 33 => {}
            Some(_) => return broken("lane 0 begins with another message"),
            None => return broken("there is no DIGEST on lane 0"),
        }
        match heard.count(DIGEST) {
            1 => Ok(()),
            count => broken(format!("{count} DIGESTs")),
        }
    })
}

fn heads(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, _| {
        let patience = place.options.patience;
        if talk.run(place, patience, |heard| heard.count(HEADS) > 0)? {
            Ok(())
        } else {
            broken("no HEADS")
        }
    })
}

/// The ENTRIES messages that answer a WANT: those behind the first `before`, by role.
fn answer(heard: &Heard, before: usize) -> Vec<&Vec<u8>> {
    let entries = heard.messages().filter(|message| message.first() == Some(&ENTRIES));
    entries.skip(before).filter(|message| message.get(1).is_some_and(|role| *role != 0)).collect()
}

fn is_end(message: &&Vec<u8>) -> bool {
    matches!(message.get(1), Some(2 | 3))
}

fn want(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, sync| {
        let before = talk.session.heard.count(ENTRIES);
        talk.session.send(sync, &[WANT, 0]);
        let ended = |heard: &Heard| answer(heard, before).iter().any(is_end);
        if !talk.run(place, place.options.patience, ended)? {
            return broken("WANT brings no ENTRIES of role 2 or 3");
        }
        let mut last = None;
        let mut count = 0;
        for message in answer(&talk.session.heard, before) {
            let mut reader = Reader::new(message.get(2..).unwrap_or_default());
            while !reader.is_empty() {
                let raw = reader.prefixed(message.len()).map_err(|error| {
                    Fault::Broken(format!("an ENTRIES message cannot be read: {error}"))
                })?;
                let entry = judge(place, raw)?;
                let order = (entry.lamport(), entry.author(), entry.seq());
                if last.is_some_and(|last| last >= order) {
                    return broken("the entries of an answer are not in order");
                }
                last = Some(order);
                count += 1;
            }
        }
        if count > 256 { broken(format!("{count} entries in one answer")) } else { Ok(()) }
    })
}

fn judge(place: &Place<'_>, raw: &[u8]) -> Result<Entry, Fault> {
    let entry = Entry::parse(raw).and_then(|entry| entry.verify(place.suite).map(|()| entry));
    let entry = entry.map_err(|error| Fault::Broken(format!("an invalid entry: {error}")))?;
    if entry.chan() == place.keys.chan() {
        Ok(entry)
    } else {
        broken("an entry of another channel")
    }
}

fn unknown_control(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, _| {
        talk.session.send_control(&[UNKNOWN, 1, 2, 3]);
        if talk.ping(place)? { Ok(()) } else { broken("the session is silent afterwards") }
    })
}

fn unknown_message(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, sync| {
        talk.session.send(sync, &[UNKNOWN, 1, 2, 3]);
        if talk.ping(place)? { Ok(()) } else { broken("the session is silent afterwards") }
    })
}

fn ping(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, _| {
        if talk.ping(place)? { Ok(()) } else { broken("no ACK names the packet of a PING") }
    })
}

fn nothing_early(place: &mut Place<'_>) -> Result<(), Fault> {
    within(place, |_, talk| {
        let early = talk.session.heard.packets.iter().filter(|packet| packet.rekey == 0);
        for packet in early {
            for frame in Frames::new(&packet.payload) {
                match frame {
                    Ok(Frame::Stream(stream)) if stream.id != 0 => {
                        return broken(format!("stream {} under the keys 0", stream.id));
                    }
                    Ok(Frame::Datagram(_)) => return broken("a DATAGRAM under the keys 0"),
                    _ => {}
                }
            }
        }
        Ok(())
    })
}

fn transport(place: &mut Place<'_>) -> Result<(), Fault> {
    within(place, |_, talk| {
        let heard = &talk.session.heard;
        if let Some(fault) = &heard.fault {
            return broken(fault.clone());
        }
        match heard.packets.iter().find(|packet| packet.len > PACKET_LEN) {
            Some(packet) => broken(format!("a packet of {} bytes", packet.len)),
            None => Ok(()),
        }
    })
}

/// A session of its own, in which the first packet with data of the peer is lost on the way.
fn lost_is_repeated(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut talk = fresh(place)?;
    talk.session.loses = Some(None);
    talk.rekey(place)?;
    match talk.session.loses {
        Some(Some(_)) => {}
        _ => return Err(Fault::Untried("no packet of the peer had data".to_owned())),
    }
    talk.leave();
    Ok(())
}

/// Another session with the peer, as somebody else.
pub(super) fn fresh(place: &mut Place<'_>) -> Result<Talk, Fault> {
    let untried = |fault| match fault {
        Fault::Broken(why) | Fault::Untried(why) => Fault::Untried(why),
    };
    let met = super::meeting::meet(place).map_err(untried)?;
    let (session, wire, visitor) = Session::begin(place, met).map_err(untried)?;
    Ok(Talk::new(session, wire, visitor))
}

impl Talk {
    /// Says good-bye.
    pub(super) fn leave(&mut self) {
        let mut payload = Vec::new();
        Frame::Close { code: 13, reason: b"" }.encode(&mut payload);
        let (_, datagram) = self.session.raw(&payload, false);
        self.wire.send(&datagram);
    }
}

/// A binding and a text of the visitor.
fn entries(place: &mut Place<'_>, visitor: &Visitor) -> Result<[Entry; 2], Fault> {
    let log = Identity::generate(&mut place.rng.secret).on(place.suite);
    let (chan, epoch) = (place.keys.chan(), place.keys.epoch());
    let certificate = &visitor.local.certificate;
    let author = log.peer_id().0;
    let parts: [&[u8]; 4] = [&chan.0, &epoch.0, &certificate.device.0, &author];
    let signature = visitor.identity.sign(BINDING_LABEL, &parts);
    let body = [&certificate.peer.0[..], &certificate.device.0, &signature].concat();
    let wall = super::wire::Clock::wall();
    let (cited, prev) = (Vec::new(), EntryId([0; 32]));
    let kind = Kind::Bind;
    let draft = Draft { chan, epoch, seq: 0, prev, cited, lamport: 1, wall, kind, body: &body };
    let made = |draft: &Draft<'_>| {
        draft.sign(&log).map_err(|error| Fault::Untried(format!("no entry was made: {error}")))
    };
    let binding = made(&draft)?;
    let (prev, kind) = (binding.id(), Kind::Text);
    let body = b"bitchat check was here";
    let text = Draft { seq: 1, prev, lamport: 2, kind, body, ..draft };
    Ok([binding, made(&text)?])
}

fn stored(place: &mut Place<'_>) -> Result<(), Fault> {
    if !place.options.write {
        return Err(Fault::Untried("it would stay in the log; ask for it with --write".to_owned()));
    }
    on_channel(place, |place, talk, _| {
        let (ours, _) = talk.show(place)?;
        let [binding, text] = entries(place, &talk.visitor)?;
        let Some(chat) = talk.session.open_lane(ours, Lane::Chat) else {
            return Err(Fault::Untried("the peer allows no stream".to_owned()));
        };
        let mut message = vec![ENTRIES, 0];
        for entry in [&binding, &text] {
            let len = u16::try_from(entry.raw().len()).unwrap_or(u16::MAX) | 0x4000;
            message.extend_from_slice(&len.to_be_bytes());
            message.extend_from_slice(entry.raw());
        }
        talk.session.send(chat, &message);
        let head = [&text.author().0[..], &[1], &text.id().0].concat();
        let told = |heard: &Heard| {
            let mut heads = heard.messages().filter(|message| message.first() == Some(&HEADS));
            heads.any(|message| message.windows(head.len()).any(|part| part == head))
        };
        let patience = Duration::from_secs(30).max(place.options.patience);
        if talk.run(place, patience, told)? {
            Ok(())
        } else {
            broken("no head says that the text was stored")
        }
    })
}
