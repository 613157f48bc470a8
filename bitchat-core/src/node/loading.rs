//! Reading the node's memory back, and channels going live.

use super::Node;
use super::api::{Change, Event, Failure, Record, StoreUpdate};
use super::channels::joined::Phase;
use super::channels::records as channel_records;
use super::discovery::records as discovery_records;
use super::own_device::records as device_records;
use super::sessions::records as session_records;
use super::store::{Store, prefix};
use crate::base::ids::{ChannelHandle, RequestId};
use crate::base::time::Now;
use crate::channel::{Channel, ChannelConfig, ChannelRestore};
use crate::crypto::channel_keys::Epoch;
use crate::node::outbox::requests::{Load, Memory, Pending};
use crate::wire::reader::{DecodeError, Reader};

impl Node {
    /// Asks for the node's own records, or does without a store.
    pub(super) fn load_node(&mut self) {
        if self.store.is_enabled() {
            self.load(Load::new(Memory::Node, Vec::new()));
        } else {
            self.own.on_loaded(&mut self.fx, &mut self.store);
        }
    }

    fn load(&mut self, load: Load) {
        let prefix = match load.of {
            Memory::Node => prefix::NODE.to_vec(),
            Memory::Channel(handle) => {
                let Some(joined) = self.channels.get(handle) else { return };
                prefix::channel(joined.chan)
            }
        };
        Store::load(&mut self.fx.outbox, load, prefix);
    }

    /// Asks again for what could not be read.
    pub(super) fn load_again(&mut self, now: Now) {
        for load in self.store.take_due(now.mono) {
            self.load(load);
        }
    }

    /// Records were read.
    pub(super) fn on_loaded(&mut self, request: RequestId, records: &[Record], more: bool) {
        let of = self.fx.outbox.take_request(request, |pending| match pending {
            Pending::Load(load) => Some(load.of),
            _ => None,
        });
        let Some(of) = of else { return };
        self.store.on_loaded(&mut self.fx.outbox, records);
        for record in records {
            let read = match of {
                Memory::Node => self.on_node_record(record),
                Memory::Channel(handle) => self.on_channel_record(handle, record),
            };
            if read.is_err() {
                self.fx.outbox.tell(Event::Store(StoreUpdate::Damaged { key: record.key.clone() }));
            }
        }
        match records.last() {
            Some(last) if more => self.load(Load::new(of, last.key.clone())),
            _ => self.on_all_loaded(of),
        }
    }

    /// The store could not read.
    pub(super) fn on_load_failed(&mut self, load: Load, failure: Failure) {
        let of = load.of;
        let wanted = match of {
            Memory::Node => true,
            Memory::Channel(handle) => self.channels.get(handle).is_some(),
        };
        let (outbox, wanted) = (&mut self.fx.outbox, wanted && !self.shutting_down);
        if self.store.on_load_failed(outbox, load, failure, wanted) {
            self.on_all_loaded(of);
        }
    }

    fn on_all_loaded(&mut self, of: Memory) {
        match of {
            Memory::Node => self.own.on_loaded(&mut self.fx, &mut self.store),
            Memory::Channel(handle) => self.on_channel_loaded(handle),
        }
    }

    fn on_node_record(&mut self, record: &Record) -> Result<(), DecodeError> {
        if record.key == device_records::DEVICE {
            let keys = device_records::read_device(self.own.suite, &record.value)?;
            self.own.keys = Some(keys);
        } else if record.key == prefix::DHT {
            self.discovery.dht.add_addresses(discovery_records::read_dht_nodes(&record.value)?);
        } else {
            let (remote, secrets) = session_records::read_resumption(record)?;
            self.sessions.restore_resumption(remote, secrets, &mut self.store);
        }
        Ok(())
    }

    /// Announces what is to be announced by the wall clock.
    pub(super) fn rotate_due(&mut self, now: Now) {
        for handle in self.discovery.rotations_due(now) {
            if let Some(joined) = self.channels.get(handle) {
                self.discovery.rotate(now, handle, &joined.keys, &mut self.fx);
            }
        }
    }

    /// Moves channels on: from waiting to loading once the device is known. What an earlier stay in
    /// the channel wrote is read back only after it is stored.
    pub(super) fn go_live(&mut self, now: Now) {
        let Some(local) = self.own.device() else { return };
        let stored = self
            .channels
            .waiting()
            .filter(|joined| !self.store.touches(&prefix::channel(joined.chan)))
            .map(|joined| (joined.handle, joined.chan));
        for (handle, chan) in stored.collect::<Vec<_>>() {
            let limits = self.fx.config.limits.clone();
            let (suite, epoch) = (self.own.suite, Epoch::default());
            let config = ChannelConfig { suite, chan, epoch, local, limits };
            let restore = Phase::Loading(Box::new(ChannelRestore::new(config)));
            self.channels.begin_loading(handle, restore);
            if self.store.is_enabled() {
                self.load(Load::new(Memory::Channel(handle), Vec::new()));
            } else {
                self.on_channel_loaded(handle);
            }
        }
        if self.shutting_down {
            return;
        }
        for handle in self.discovery.unannounced() {
            if let Some(joined) = self.channels.get(handle) {
                self.discovery.start_trackers(now, handle, &joined.keys, &mut self.fx);
            }
        }
    }

    fn on_channel_record(
        &mut self,
        handle: ChannelHandle,
        record: &Record,
    ) -> Result<(), DecodeError> {
        let Some(joined) = self.channels.get_mut(handle) else { return Ok(()) };
        let Phase::Loading(restore) = &mut joined.phase else { return Ok(()) };
        let wrong = || DecodeError::Invalid("record");
        let name = record.key.strip_prefix(prefix::channel(joined.chan).as_slice());
        let mut name = Reader::new(name.ok_or_else(wrong)?);
        match name.u8()? {
            channel_records::LOG => {
                let lost = name.clone().rest();
                match channel_records::read_log(name, &record.value) {
                    Ok(read) => restore.add(&read).map_err(|_| wrong()),
                    Err(error) => {
                        restore.add_lost(lost);
                        Err(error)
                    }
                }
            }
            channel_records::INFO => {
                name.finish()?;
                let limits = &self.fx.config.limits;
                joined.origin.restore(&record.value, limits).map_err(|_| wrong())
            }
            discovery_records::PLACE => {
                let address = discovery_records::read_address(name)?;
                let now = self.now.mono;
                let search = self.discovery.get_mut(handle);
                if search.is_some_and(|search| !search.candidates.restore(now, address)) {
                    self.store.add_if_room(Change::Delete(record.key.clone()));
                }
                Ok(())
            }
            _ => Err(wrong()),
        }
    }

    fn on_channel_loaded(&mut self, handle: ChannelHandle) {
        let now = self.now;
        let Some(joined) = self.channels.get_mut(handle) else { return };
        let Phase::Loading(_) = &joined.phase else { return };
        let Phase::Loading(restore) = core::mem::replace(&mut joined.phase, Phase::Waiting) else {
            return;
        };
        let (mut channel, _): (Channel, usize) = restore.finish();
        channel.set_info(joined.origin.info());
        joined.phase = Phase::Live(Box::new(channel));
        let (chan, mac) = (joined.chan, joined.keys.mac.clone());
        self.discovery.go_live(handle);
        self.tell_ready(handle);
        let addresses = self.discovery.own.addresses();
        self.with_channel(now, handle, |joined, context| {
            joined.set_local_addresses(now, &addresses, context);
        });
        for id in self.sessions.ids() {
            self.with_link(now, id, |link, rng, events| link.join(chan, &mac, rng, events));
        }
    }
}
