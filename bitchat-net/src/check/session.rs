//! A session whose plaintexts lie open: the transport, the packet keys and the rekey machine of the
//! core, without the link that would hide what the peer says and keep this side from saying what it
//! must not.

use super::meeting::Met;
use super::place::{Fault, Place, Visitor, broken};
use super::wire::Wire;
use bitchat_core::base::ids::ConnectionId;
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::SecretStream;
use bitchat_core::base::time::Timestamp;
use bitchat_core::crypto::noise::Role;
use bitchat_core::crypto::packet_key::{MaskKey, PacketKey};
use bitchat_core::crypto::suite::{DhSecret, Suite, TAG_LEN};
use bitchat_core::handshake::Established;
use bitchat_core::link::control::{Control, Lane, StreamHeader};
use bitchat_core::link::session::rekey::{NewKeys, Rekey};
use bitchat_core::transport::messages::MessageReader;
use bitchat_core::transport::{
    Class, SendGate, Side, Transport, TransportConfig, TransportSink, TransportStreamId,
};
use bitchat_core::wire::frame::{Frame, Frames, NewConnectionId};
use bitchat_core::wire::packet::{Header, KeyPhase};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Bytes of the largest packet that may leave before MAX_DATAGRAM (BC-07.61).
pub(super) const PACKET_LEN: usize = 1_200;
/// Bytes of the longest message (BC-07.24).
const MESSAGE_LEN: usize = 131_072;

/// A packet of the peer that opened.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) number: u64,
    /// The rekey number of its keys.
    pub(super) rekey: usize,
    /// Bytes of the datagram.
    pub(super) len: usize,
    pub(super) payload: Vec<u8>,
}

/// All that the peer has said.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) packets: Vec<Packet>,
    /// Messages of the control stream, in order.
    pub(super) control: Vec<Vec<u8>>,
    /// Messages of the peer's other streams, the header of each first.
    pub(super) streams: BTreeMap<u64, Vec<Vec<u8>>>,
    pub(super) responses: Vec<[u8; 8]>,
    /// Own packets that it acknowledged.
    pub(super) acked: BTreeSet<u64>,
    pub(super) closed: Option<u64>,
    /// How it broke a rule of the transport.
    pub(super) fault: Option<String>,
}

impl Heard {
    /// The messages of a channel, of all the peer's streams, in the order of the streams.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.streams.values().flat_map(|messages| messages.iter().skip(1))
    }

    /// How many of them are of this type.
    pub(super) fn count(&self, kind: u8) -> usize {
        self.messages().filter(|message| message.first() == Some(&kind)).count()
    }

    /// Whether the peer has closed, or this side could not read on.
    pub(super) fn is_over(&self) -> bool {
        self.closed.is_some() || self.fault.is_some()
    }
}

/// What the transport reports of one packet.
struct Inbox<'a> {
    heard: &'a mut Heard,
    readers: &'a mut BTreeMap<u64, MessageReader>,
}

impl TransportSink for Inbox<'_> {
    fn stream_opened(&mut self, _: TransportStreamId) {}
    fn stream_readable(&mut self, _: TransportStreamId) {}
    fn stream_data(&mut self, id: TransportStreamId, data: &[u8]) -> bool {
        let new = || MessageReader::new(MESSAGE_LEN);
        self.readers.entry(id.get()).or_insert_with(new).push(data);
        true
    }
    fn stream_writable(&mut self, _: TransportStreamId) {}
    fn streams_available(&mut self) {}
    fn stream_stopped(&mut self, _: TransportStreamId, _: u64) {}
    fn datagram(&mut self, _: &[u8]) {}
    fn path_challenge(&mut self, _: [u8; 8]) {}
    fn path_response(&mut self, token: [u8; 8]) {
        self.heard.responses.push(token);
    }
    fn observed_address(&mut self, _: SocketAddr) {}
    fn new_connection_id(&mut self, _: NewConnectionId) {}
    fn retire_connection_id(&mut self, _: u64) {}
    fn packet_acked(&mut self, pn: u64) {
        self.heard.acked.insert(pn);
    }
    fn closed(&mut self, code: u64, _: &[u8]) {
        self.heard.closed = Some(code);
    }
}

/// The packet keys of one rekey number.
struct Pair {
    send: PacketKey,
    recv: PacketKey,
}

impl Pair {
    fn new(suite: Suite, role: Role, keys: &NewKeys) -> Self {
        let (send, recv) = match role {
            Role::Initiator => (&keys.i2r, &keys.r2i),
            Role::Responder => (&keys.r2i, &keys.i2r),
        };
        Self { send: PacketKey::new(suite, send), recv: PacketKey::new(suite, recv) }
    }
}

/// One side of a session.
pub(super) struct Session {
    pub(super) heard: Heard,
    pub(super) handshake_hash: [u8; 32],
    pub(super) role: Role,
    suite: Suite,
    local_cid: ConnectionId,
    remote_cid: ConnectionId,
    pub(super) transport: Transport,
    mask_send: MaskKey,
    mask_recv: MaskKey,
    /// By rekey number.
    keys: Vec<Pair>,
    /// The rekey number of the keys that this side sends under.
    sending: usize,
    largest: Option<u64>,
    numbers: BTreeSet<u64>,
    rekey: Rekey,
    secret: SecretStream,
    readers: BTreeMap<u64, MessageReader>,
    /// Bytes written to the control stream.
    pub(super) control_len: u64,
    /// The next packet with data of a stream is lost on the way: its number, once it was.
    pub(super) loses: Option<Option<u64>>,
}

impl Session {
    /// One side of what a handshake made; `local` is its device's key.
    pub(super) fn new(
        now: Timestamp,
        session: &Established,
        local: &DhSecret,
        seed: [u8; 16],
        secret: SecretStream,
    ) -> Self {
        let (suite, role, secrets) = (local.suite(), session.role, &session.secrets);
        let (side, send, recv, mask_send, mask_recv) = match role {
            Role::Initiator => {
                (Side::Initiator, &secrets.i2r, &secrets.r2i, &secrets.mask_i2r, &secrets.mask_r2i)
            }
            Role::Responder => {
                (Side::Responder, &secrets.r2i, &secrets.i2r, &secrets.mask_r2i, &secrets.mask_i2r)
            }
        };
        let first = Pair { send: PacketKey::new(suite, send), recv: PacketKey::new(suite, recv) };
        let rekey = Rekey::new(
            role,
            local.clone(),
            session.remote_static,
            session.handshake_hash,
            secrets.exporter.clone(),
        );
        Self {
            heard: Heard::default(),
            handshake_hash: session.handshake_hash,
            role,
            suite,
            local_cid: session.local_cid,
            remote_cid: session.remote_cid,
            transport: Transport::new(TransportConfig::new(&Limits::default()), side, seed, now),
            mask_send: MaskKey::new(mask_send),
            mask_recv: MaskKey::new(mask_recv),
            keys: vec![first],
            sending: 0,
            largest: None,
            numbers: BTreeSet::new(),
            rekey,
            secret,
            readers: BTreeMap::new(),
            control_len: 0,
            loses: None,
        }
    }

    /// Sends hs3 until a packet of the session arrives.
    pub(super) fn begin(place: &mut Place<'_>, met: Met) -> Result<(Self, Wire, Visitor), Fault> {
        let Met { mut wire, visitor, mut attempt, established, hs3 } = met;
        let (seed, secret) = (place.rng.public.bytes(), place.secrets());
        let key = &visitor.local.static_key;
        let mut session = Self::new(place.clock.now(), &established, key, seed, secret);
        wire.send(&hs3);
        let deadline = Instant::now() + place.options.patience;
        while session.heard.packets.is_empty() {
            if Instant::now() >= deadline {
                return broken("hs3 is followed by no packet that opens");
            }
            match wire.receive(Duration::from_millis(100)) {
                Some(datagram) => session.take(place.clock.now(), &datagram),
                None => {
                    let mut effects = Vec::new();
                    place.with_env(&visitor.local, &mut effects, |env| {
                        attempt.handle_timeout(env);
                    });
                    for effect in effects {
                        if let bitchat_core::handshake::Effect::Send { datagram, .. } = effect {
                            wire.send(&datagram);
                        }
                    }
                }
            }
        }
        attempt.confirmed();
        Ok((session, wire, visitor))
    }

    /// Takes a datagram; one that is no packet of the session is dropped.
    pub(super) fn take(&mut self, now: Timestamp, datagram: &[u8]) {
        let Some((header, rekey, payload)) = self.open(datagram) else { return };
        if !self.numbers.insert(header.pn) {
            return;
        }
        self.largest = self.largest.max(Some(header.pn));
        if self.loses == Some(None) && carries_data(&payload) {
            self.loses = Some(Some(header.pn));
            return;
        }
        if rekey > self.sending {
            // The responder uses keys once the initiator has shown that it has them.
            self.sending = rekey;
            self.transport.ping();
        }
        let mut inbox = Inbox { heard: &mut self.heard, readers: &mut self.readers };
        let result = self.transport.on_packet(now, header.pn, None, &payload, &mut inbox);
        if let Err(error) = result {
            self.heard.fault.get_or_insert(error.to_string());
        }
        let (number, len) = (header.pn, datagram.len());
        self.heard.packets.push(Packet { number, rekey, len, payload });
        self.read();
    }

    fn open(&self, datagram: &[u8]) -> Option<(Header, usize, Vec<u8>)> {
        let mut datagram = datagram.to_vec();
        if *datagram.first_chunk()? != self.local_cid.0 {
            return None;
        }
        let header = self.mask_recv.unmask(&mut datagram, self.largest).ok()?;
        let mut keys = self.keys.iter().enumerate().rev();
        keys.find_map(|(number, pair)| {
            if phase(number) != header.phase {
                return None;
            }
            let mut copy = datagram.clone();
            let payload = pair.recv.open(&header, &mut copy).ok()?;
            Some((header, number, copy.get(payload)?.to_vec()))
        })
    }

    /// Takes the messages that are complete, and acts on those of a rekey.
    fn read(&mut self) {
        let mut control = Vec::new();
        for (id, reader) in &mut self.readers {
            loop {
                match reader.next_message() {
                    Ok(Some(message)) if *id == 0 => control.push(message.to_vec()),
                    Ok(Some(message)) => {
                        self.heard.streams.entry(*id).or_default().push(message.to_vec());
                    }
                    Ok(None) => break,
                    Err(error) => {
                        self.heard.fault.get_or_insert(error.to_string());
                        break;
                    }
                }
            }
        }
        for message in control {
            if let Err(error) = self.on_control(&message) {
                self.heard.fault.get_or_insert(error);
            }
            self.heard.control.push(message);
        }
    }

    fn on_control(&mut self, message: &[u8]) -> Result<(), String> {
        let told = |error: bitchat_core::link::session::rekey::RekeyError| error.to_string();
        match Control::decode(message).map_err(|error| error.to_string())? {
            Control::RekeyInit(body) => {
                let (response, keys) = self.rekey.on_init(body, &mut self.secret).map_err(told)?;
                self.keys.push(Pair::new(self.suite, self.role, &keys));
                self.send_control(&Control::RekeyResponse(&response).encode());
            }
            Control::RekeyResponse(body) => {
                let keys = self.rekey.on_response(body).map_err(told)?;
                self.keys.push(Pair::new(self.suite, self.role, &keys));
                self.sending = self.keys.len() - 1;
                self.transport.ping();
            }
            _ => {}
        }
        Ok(())
    }

    /// Starts a rekey, as the session's initiator may.
    pub(super) fn start_rekey(&mut self, with_kem: bool) -> Result<(), Fault> {
        let init = self.rekey.start(with_kem, &mut self.secret);
        let init = init.map_err(|error| Fault::Untried(error.to_string()))?;
        self.send_control(&Control::RekeyInit(&init).encode());
        Ok(())
    }

    /// The rekey number of the keys in use, and whether a packet of the peer came under them.
    pub(super) fn keys_in_use(&self) -> (usize, bool) {
        let newest = self.heard.packets.iter().map(|packet| packet.rekey).max();
        (self.sending, newest == Some(self.sending))
    }

    pub(super) fn send_control(&mut self, message: &[u8]) {
        // What does not fit is noticed by the silence that follows.
        let _ = self.transport.write_message(TransportStreamId::CONTROL, message);
        let prefix = if message.len() < 64 { 1 } else { 2 };
        self.control_len += (prefix + message.len()) as u64;
    }

    /// Opens a stream for a lane of the slot.
    pub(super) fn open_lane(&mut self, slot: u64, lane: Lane) -> Option<TransportStreamId> {
        let id = self.transport.open_stream(Class::Sync).ok()?;
        self.send(id, &StreamHeader { slot, lane }.encode());
        Some(id)
    }

    pub(super) fn send(&mut self, stream: TransportStreamId, message: &[u8]) {
        let _ = self.transport.write_message(stream, message);
    }

    /// All packets that are to leave now.
    pub(super) fn give(&mut self, now: Timestamp) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let mut buf = vec![0; PACKET_LEN];
            let header = self.header();
            let Some(room) = buf.get_mut(header.len()..PACKET_LEN - TAG_LEN) else { break };
            let Some(meta) = self.transport.poll_packet(now, room, SendGate::All) else { break };
            all.extend(self.seal(&header, meta.len, buf));
        }
        all
    }

    /// A packet with this payload, filled up to 1,200 bytes if it is `padded`; and its number.
    pub(super) fn raw(&mut self, payload: &[u8], padded: bool) -> (u64, Vec<u8>) {
        let header = self.header();
        let least = if padded { PACKET_LEN - header.overhead() } else { 1 };
        let len = payload.len().max(least);
        let mut buf = vec![0; header.overhead() + len];
        buf[header.len()..header.len() + payload.len()].copy_from_slice(payload);
        self.transport.take_pn();
        (header.pn, self.seal(&header, len, buf).unwrap_or_default())
    }

    fn header(&self) -> Header {
        let (pn, acked) = (self.transport.next_pn(), self.transport.largest_acked());
        Header::new(self.remote_cid, phase(self.sending), pn, acked)
    }

    fn seal(&self, header: &Header, payload: usize, mut buf: Vec<u8>) -> Option<Vec<u8>> {
        buf.truncate(header.overhead() + payload);
        self.keys.get(self.sending)?.send.seal(&self.mask_send, header, &mut buf).ok()?;
        Some(buf)
    }

    /// Runs the session until `done`, for as long as the peer has. True if it is done.
    pub(super) fn run(
        &mut self,
        place: &Place<'_>,
        wire: &mut Wire,
        patience: Duration,
        done: impl Fn(&Self) -> bool,
    ) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let now = place.clock.now();
            self.transport.handle_timeout(now);
            self.give(now).iter().for_each(|datagram| wire.send(datagram));
            if done(self) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.heard.is_over() {
                return false;
            }
            let due = self.transport.poll_timeout().map(|at| at.saturating_since(now));
            let wait = due.unwrap_or(left).clamp(Duration::from_millis(1), left.max(TICK));
            if let Some(datagram) = wire.receive(wait.min(left)) {
                self.take(place.clock.now(), &datagram);
            }
        }
    }
}

/// The least time that a session sleeps.
const TICK: Duration = Duration::from_millis(1);

fn phase(rekey: usize) -> KeyPhase {
    KeyPhase::of_epoch(rekey as u64)
}

fn carries_data(payload: &[u8]) -> bool {
    let is_data = |frame| matches!(frame, Ok(Frame::Stream(stream)) if !stream.data.is_empty());
    Frames::new(payload).any(is_data)
}
