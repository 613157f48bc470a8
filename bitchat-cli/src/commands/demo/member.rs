//! One member of the demo: a node with its own identity, store, sockets and task.

use super::{DemoError, Doing};
use bitchat_core::base::ids::{ChannelHandle, Device, EntryId, LinkId};
use bitchat_core::chatfile::ChatFile;
use bitchat_core::node::{ChannelUpdate, DhtMode, Event, LinkUpdate, Message, Page, StoreUpdate};
use bitchat_net::identity::load_or_create;
use bitchat_net::{Client, Events, Options};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// What a member has been told so far.
#[derive(Default)]
pub(super) struct Told {
    pub(super) ready: bool,
    pub(super) here: BTreeSet<Device>,
    pub(super) generations: BTreeMap<LinkId, u64>,
    pub(super) messages: BTreeMap<EntryId, Message>,
    pub(super) delivered: BTreeMap<EntryId, BTreeSet<Device>>,
    pub(super) complaints: Vec<String>,
}

impl Told {
    fn note(&mut self, event: Event) {
        match event {
            Event::Channel(_, update) => self.note_channel(update),
            Event::Link(link, LinkUpdate::Rekeyed { generation }) => {
                self.generations.insert(link, generation);
            }
            Event::Store(StoreUpdate::Failing { .. } | StoreUpdate::Damaged { .. }) => {
                self.complaints.push(event.to_string());
            }
            other => tracing::debug!(?other, "event"),
        }
    }

    fn note_channel(&mut self, update: ChannelUpdate) {
        match update {
            ChannelUpdate::Ready { .. } => self.ready = true,
            ChannelUpdate::MemberUp { device } => drop(self.here.insert(device)),
            ChannelUpdate::MemberDown { device } => {
                self.here.remove(&device);
            }
            ChannelUpdate::Message { message, .. } => {
                self.messages.insert(message.id, message);
            }
            ChannelUpdate::Delivered { id, device } => self.on_delivered(id, device),
            ChannelUpdate::Equivocation { .. } | ChannelUpdate::LogFull => {
                self.complaints.push(update.to_string());
            }
            other => tracing::debug!(?other, "event"),
        }
    }

    /// Whoever has stored a message has stored those that its author wrote before.
    fn on_delivered(&mut self, id: EntryId, device: Device) {
        let seq = self.messages.get(&id).map(|message| message.seq);
        let own = self.messages.values().filter(|message| message.own);
        let before = own.filter(|message| Some(message.seq) < seq).map(|message| message.id);
        for id in before.chain([id]) {
            self.delivered.entry(id).or_default().insert(device);
        }
    }

    /// What is missing until every message of `ids` is stored by all these devices.
    pub(super) fn undelivered(&self, ids: &[EntryId], to: &BTreeSet<Device>) -> Option<String> {
        let nobody = BTreeSet::new();
        let missing = |id| to.difference(self.delivered.get(id).unwrap_or(&nobody)).count();
        let missing: usize = ids.iter().map(missing).sum();
        let all = ids.len() * to.len();
        (missing > 0).then(|| format!("{missing} of {all} confirmations that a message is stored"))
    }
}

pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) client: Client,
    pub(super) channel: ChannelHandle,
    pub(super) device: Device,
    told: watch::Receiver<Told>,
    task: JoinHandle<()>,
    home: PathBuf,
    deadline: Instant,
}

impl Member {
    /// Starts a node with what is in `home`, and joins.
    pub(super) async fn start(
        name: &'static str,
        home: PathBuf,
        file: &ChatFile,
        deadline: Instant,
    ) -> Result<Self, DemoError> {
        std::fs::create_dir_all(&home).doing("a directory")?;
        let identity = load_or_create(&home.join("identity")).doing(name)?;
        let mut options = Options::new(identity, Some(home.join("store.db")));
        options.config.local_trackers = true;
        options.config.dht = DhtMode::Off;
        let (client, events, driver) = bitchat_net::start(options).await.doing(name)?;
        let task = tokio::spawn(driver.run());
        let told = listen(events);
        let channel = client.join(file.clone()).await.doing(name)?;
        let mut ready = told.clone();
        let ready = timeout_at(deadline, ready.wait_for(|told| told.ready)).await;
        ready.doing("opening the channel")?.map(drop).doing(name)?;
        let device = client.device().await.doing(name)?;
        let device =
            device.ok_or_else(|| DemoError(format!("{name} is ready without a device")))?;
        Ok(Self { name, client, channel, device, told, task, home, deadline })
    }

    /// Waits until nothing is `missing` in what this member was told.
    pub(super) async fn waits_for(
        &self,
        missing: impl Fn(&Told) -> Option<String>,
    ) -> Result<(), DemoError> {
        let mut told = self.told.clone();
        match timeout_at(self.deadline, told.wait_for(|told| missing(told).is_none())).await {
            Ok(heard) => heard.map(drop).doing(self.name),
            Err(_) => {
                let what = missing(&self.told.borrow()).unwrap_or_else(|| "nothing".into());
                Err(DemoError(format!("time is up, and {} still waits for {what}", self.name)))
            }
        }
    }

    /// What this member was told so far.
    pub(super) fn told(&self) -> watch::Ref<'_, Told> {
        self.told.borrow()
    }

    pub(super) async fn says(&self, text: impl Into<String>) -> Result<EntryId, DemoError> {
        self.client.send_text(self.channel, text).await.doing(self.name)
    }

    /// The whole log, in the order in which it is shown.
    pub(super) async fn log(&self) -> Result<Vec<Message>, DemoError> {
        self.client.messages(self.channel, Page::First, usize::MAX).await.doing(self.name)
    }

    /// Ends the task as a crash would: no good-bye to anybody. What is left is the home.
    pub(super) async fn crash(self) -> PathBuf {
        self.task.abort();
        let _ = self.task.await;
        self.home
    }

    pub(super) async fn leave(self) {
        self.client.shutdown().await;
        let _ = self.task.await;
    }
}

fn listen(mut events: Events) -> watch::Receiver<Told> {
    let (sender, told) = watch::channel(Told::default());
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            sender.send_modify(|told| told.note(event));
        }
    });
    told
}
