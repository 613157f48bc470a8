//! Becoming somebody: reading the node's memory back, its certificate, and channels going live.

use super::Node;
use super::api::{Action, Change, Event, Failure, Record};
use super::channels::joined::{JoinedChannel, Phase};
use super::channels::origin::Origin;
use super::discovery::trackers::Rotation;
use super::log::LogLevel;
use super::outbox::requests::Pending;
use super::store::loads::{Load, Memory};
use super::store::records::{self, ChannelRecord, NodeRecord};
use crate::base::ids::{ChannelHandle, RequestId};
use crate::base::time::Now;
use crate::channel::{Channel, ChannelConfig, ChannelRestore};
use crate::chatfile::ChatFile;
use crate::crypto::channel_keys::Epoch;
use crate::crypto::identity::{Certificate, DeviceKeys};
use crate::handshake::Local;
use core::time::Duration;

/// Records asked for at once.
const PAGE: usize = 512;
/// A new certificate is made this long before the old one ends.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 86_400);
/// The wall clock may go back by so much before the certificate is made again.
const CLOCK_SLACK: Duration = Duration::from_secs(3_600);

impl Node {
    /// Asks for the node's own records, or does without a store.
    pub(super) fn load_node(&mut self) {
        if self.ledger.is_enabled() {
            self.load(Load::new(Memory::Node, Vec::new()));
        } else {
            self.device_keys = Some(DeviceKeys::generate(self.suite, &mut self.rng));
        }
    }

    fn load(&mut self, load: Load) {
        let prefix = match load.of {
            Memory::Node => records::NODE.to_vec(),
            Memory::Channel(handle) => {
                let Some(joined) = self.channels.get(&handle) else { return };
                records::channel_prefix(joined.chan)
            }
        };
        let after = load.after.clone();
        let request = self.request(Pending::Load(load));
        self.actions.push_back(Action::Load { request, prefix, after, limit: PAGE });
    }

    /// Asks again for what could not be read.
    pub(super) fn load_again(&mut self, now: Now) {
        for load in self.failed_loads.take_due(now.mono) {
            self.load(load);
        }
    }

    /// Records were read.
    pub(super) fn on_loaded(&mut self, request: RequestId, records: &[Record], more: bool) {
        let of = match self.requests.remove(&request) {
            Some(Pending::Load(load)) => load.of,
            // An answer to something else, or to nothing: the embedder's slip does no harm.
            Some(other) => return drop(self.requests.insert(request, other)),
            None => return,
        };
        if !records.is_empty() {
            self.ledger.on_store_seen();
        }
        self.on_store_works();
        for record in records {
            match of {
                Memory::Node => self.on_node_record(record),
                Memory::Channel(handle) => self.on_channel_record(handle, record),
            }
        }
        match records.last() {
            Some(last) if more => self.load(Load::new(of, last.key.clone())),
            _ => self.on_all_loaded(of),
        }
    }

    /// The store could not read. That is no empty store, so the node waits (BC-11.63), unless it turns
    /// out that there is none.
    pub(super) fn on_load_failed(&mut self, now: Now, load: Load, failure: Failure) {
        if failure == Failure::Unsupported && self.ledger.run_without_store() {
            self.on_store_works();
            return self.on_all_loaded(load.of);
        }
        self.on_store_failed(failure);
        let wanted = match load.of {
            Memory::Node => true,
            Memory::Channel(handle) => {
                self.channels.get(&handle).is_some_and(JoinedChannel::is_joined)
            }
        };
        if wanted && !self.shutting_down {
            self.failed_loads.add(now.mono, load);
        }
    }

    fn on_all_loaded(&mut self, of: Memory) {
        match of {
            Memory::Node => self.on_node_loaded(),
            Memory::Channel(handle) => self.on_channel_loaded(handle),
        }
    }

    /// The store refused to read or to write; what it refused is tried again.
    pub(super) fn on_store_failed(&mut self, failure: Failure) {
        if !core::mem::replace(&mut self.store_failing, true) {
            self.tell(Event::StoreFailing { failure });
        }
    }

    /// The store did something. It works again once nothing that it refused waits.
    pub(super) fn on_store_works(&mut self) {
        let retried = |pending: &Pending| matches!(pending, Pending::Load(load) if load.is_retry());
        if self.store_failing
            && !self.ledger.is_failing()
            && self.failed_loads.is_empty()
            && !self.requests.values().any(retried)
        {
            self.store_failing = false;
            self.tell(Event::StoreRecovered);
        }
    }

    fn on_node_record(&mut self, record: &Record) {
        match records::read_node(self.suite, record) {
            Ok(NodeRecord::Device(keys)) => self.device_keys = Some(keys),
            Ok(NodeRecord::Resumption(remote, secrets)) => {
                let forgotten = self.meeting.resumptions.restore(remote, secrets);
                let forgotten = forgotten.map(|remote| records::resumption_key(&remote));
                forgotten.into_iter().for_each(|key| self.ledger.add_if_room(Change::Delete(key)));
            }
            Err(_) => self.tell(Event::StoreDamaged { key: record.key.clone() }),
        }
    }

    fn on_node_loaded(&mut self) {
        if self.device_keys.is_none() {
            let keys = DeviceKeys::generate(self.suite, &mut self.rng);
            self.ledger.add(Change::Put(records::device(&keys)), None);
            self.device_keys = Some(keys);
        }
    }

    /// Makes the own certificate once the device and the date are known, and again in time.
    pub(super) fn prove_device(&mut self, now: Now) {
        let Some(keys) = &self.device_keys else { return };
        let Some(wall) = now.wall else {
            if !core::mem::replace(&mut self.wall_asked, true) {
                self.tell(Event::WallTimeNeeded);
            }
            return;
        };
        let lifetime = Certificate::MAX_LIFETIME;
        // A clock that was set back leaves a certificate from the future, which nobody accepts.
        let latest = wall.plus(lifetime.saturating_sub(RENEW_BEFORE) + CLOCK_SLACK);
        let due = self.certificate_renewal.is_none_or(|at| at <= wall || at > latest);
        if self.meeting.local.is_some() && !due {
            return;
        }
        let public = keys.static_key.public();
        // The lifetime is the longest allowed, so this fails at the end of time at most.
        let issued = Certificate::issue(&self.identity, keys.id, public, wall, lifetime);
        let Ok(certificate) = issued else {
            self.certificate_renewal = None;
            return;
        };
        self.certificate_renewal = Some(wall.plus(lifetime.saturating_sub(RENEW_BEFORE)));
        self.meeting.local = Some(Local {
            static_key: keys.static_key.clone(),
            certificate,
            features: 0,
            boot: self.boot,
        });
    }

    /// Moves channels on: from waiting to loading once the device is known. What an earlier stay in
    /// the channel wrote is read back only after it is stored.
    pub(super) fn go_live(&mut self, now: Now) {
        let Some(local) = self.device() else { return };
        let waiting: Vec<ChannelHandle> = self
            .channels
            .values()
            .filter(|joined| matches!(joined.phase, Phase::Waiting))
            .filter(|joined| !self.ledger.touches(&records::channel_prefix(joined.chan)))
            .map(|joined| joined.handle)
            .collect();
        for handle in waiting {
            let Some(joined) = self.channels.get_mut(&handle) else { continue };
            let chan = joined.chan;
            let limits = self.config.limits.clone();
            let (suite, epoch) = (self.suite, Epoch::default());
            let config = ChannelConfig { suite, chan, epoch, local, limits };
            joined.phase = Phase::Loading(Box::new(ChannelRestore::new(config)));
            if self.ledger.is_enabled() {
                self.load(Load::new(Memory::Channel(handle), Vec::new()));
            } else {
                self.on_channel_loaded(handle);
            }
        }
        self.start_trackers(now);
    }

    fn on_channel_record(&mut self, handle: ChannelHandle, record: &Record) {
        let now = self.now.mono;
        let Some(joined) = self.channels.get_mut(&handle) else { return };
        let Phase::Loading(restore) = &mut joined.phase else { return };
        match records::read_channel(joined.chan, record) {
            Ok(ChannelRecord::Log(record)) if restore.add(&record).is_ok() => return,
            Ok(ChannelRecord::Address(address)) => {
                if !joined.candidates.restore(now, address) {
                    self.ledger.add_if_room(Change::Delete(record.key.clone()));
                }
                return;
            }
            Ok(ChannelRecord::Info(bare))
                if joined.origin.restore(&bare, &self.config.limits).is_ok() =>
            {
                return;
            }
            Ok(ChannelRecord::Log(_) | ChannelRecord::Info(_)) => {}
            Err(_) => {
                let lost = records::log_key(joined.chan, record);
                lost.into_iter().for_each(|key| restore.add_lost(key));
            }
        }
        self.tell(Event::StoreDamaged { key: record.key.clone() });
    }

    fn on_channel_loaded(&mut self, handle: ChannelHandle) {
        let now = self.now;
        let Some(joined) = self.channels.get_mut(&handle) else { return };
        let Phase::Loading(_) = &joined.phase else { return };
        let Phase::Loading(restore) = core::mem::replace(&mut joined.phase, Phase::Waiting) else {
            return;
        };
        let (mut channel, _): (Channel, usize) = restore.finish();
        channel.set_info(joined.origin.info());
        joined.phase = Phase::Live(Box::new(channel));
        let (chan, mac) = (joined.chan, joined.keys.mac.clone());
        self.tell_ready(handle);
        let addresses = self.sockets.addresses();
        self.with_channel(now, handle, |joined, world| {
            joined.set_local_addresses(now, &addresses, world);
        });
        let ids: Vec<_> = self.links.ids().collect();
        for id in ids {
            self.with_link(now, id, |link, rng, events| link.join(chan, &mac, rng, events));
        }
    }

    /// A channel is ready once its history is read back and it is known what it is.
    fn tell_ready(&mut self, handle: ChannelHandle) {
        let Some(joined) = self.channels.get(&handle) else { return };
        match joined.shown().map(|channel| channel.messages().count()) {
            Some(messages) => self.tell(Event::ChannelReady { channel: handle, messages }),
            None => {
                let text = format_args!("channel {} waits for a member to send its info", handle.0);
                self.log.add(self.now.mono, LogLevel::Info, "channel", text);
            }
        }
    }

    /// A member sent `info` of a channel that was joined by a link. It is remembered, so that the next
    /// stay needs nobody.
    pub(super) fn on_info(&mut self, handle: ChannelHandle, file: &ChatFile) {
        let Some(joined) = self.channels.get_mut(&handle) else { return };
        joined.origin = Origin::File(Box::new(file.clone()));
        let record = records::info(joined.chan, file.encode_bare());
        self.ledger.add(Change::Put(record), None);
        self.tell_ready(handle);
    }

    /// Gives live channels their trackers, once the infohash can be known.
    fn start_trackers(&mut self, now: Now) {
        if self.shutting_down {
            return;
        }
        let live: Vec<ChannelHandle> = self
            .channels
            .values()
            .filter(|joined| joined.channel().is_some() && joined.announcer.is_none())
            .map(|joined| joined.handle)
            .collect();
        for handle in live {
            let Some(joined) = self.channels.get_mut(&handle) else { continue };
            let Ok(infohashes) = joined.announced.infohashes(&joined.keys, now.wall) else {
                continue;
            };
            joined.rotation = Rotation::of(joined, now, &infohashes);
            joined.demand.begin(now.mono);
            let tiers = core::mem::take(&mut joined.tiers);
            let urls = tiers.iter().flatten().map(ToString::to_string).collect();
            joined.urls = urls;
            let announcer = self.new_announcer(tiers, infohashes);
            if let Some(joined) = self.channels.get_mut(&handle) {
                joined.announcer = Some(announcer);
            }
            self.with_announcer(now, handle, |announcer, rng, asked| {
                announcer.start(now.mono, rng, asked);
            });
        }
    }
}
