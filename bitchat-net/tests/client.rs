//! Nodes as an application runs them: real sockets, real files.

#![allow(clippy::unwrap_used)]

use bitchat_core::base::ids::ChannelHandle;
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::chatfile::{ChatFile, Draft};
use bitchat_core::crypto::identity::Identity;
use bitchat_core::node::{ChannelUpdate, DhtMode, Event, Message, NodeUpdate, Page, PeerHint};
use bitchat_net::{BindError, Client, Ended, Events, Options, RequestError, StartError, start};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinHandle;

fn channel() -> ChatFile {
    let mut rng = Rng::new(&Seed([9; 32]));
    let draft = Draft { name: "test".into(), ..Draft::default() };
    draft.create(None, &mut rng.secret, &Limits::default()).unwrap()
}

fn identity(number: u8) -> Identity {
    Identity::generate(&mut Rng::new(&Seed([number; 32])).secret)
}

struct Member {
    client: Client,
    events: Events,
    task: JoinHandle<()>,
    channel: ChannelHandle,
    port: u16,
}

/// Nobody outside is asked.
fn settings(number: u8, store: Option<&Path>) -> Options {
    let mut options = Options::new(identity(number), store.map(Path::to_owned));
    options.config.dht = DhtMode::Off;
    options
}

impl Member {
    async fn start(number: u8, store: Option<&Path>) -> Self {
        Self::start_with(settings(number, store)).await
    }

    async fn start_with(options: Options) -> Self {
        let (client, mut events, driver) = start(options).await.unwrap();
        let task = tokio::spawn(driver.run());
        let channel = client.join(channel()).await.unwrap();
        let (mut port, mut ready) = (None, false);
        while port.is_none() || !ready {
            match events.next().await.unwrap() {
                Event::Node(NodeUpdate::Listening { local }) if local.is_ipv4() => {
                    port = Some(local.port());
                }
                Event::Channel(_, ChannelUpdate::Ready { .. }) => ready = true,
                _ => {}
            }
        }
        Self { client, events, task, channel, port: port.unwrap() }
    }

    async fn meet(&self, other: &Self) {
        let address = SocketAddr::from(([127, 0, 0, 1], other.port));
        self.client.add_peer(self.channel, PeerHint { address, peer: None }).await.unwrap();
    }

    /// Waits for a message of somebody else.
    async fn hears(&mut self) -> String {
        loop {
            if let Event::Channel(_, ChannelUpdate::Message { message, .. }) =
                self.events.next().await.unwrap()
                && !message.own
            {
                return text(&message);
            }
        }
    }

    async fn texts(&self) -> Vec<String> {
        let messages = self.client.messages(self.channel, Page::First, 1_000).await.unwrap();
        messages.iter().map(text).collect()
    }
}

fn text(message: &Message) -> String {
    message.content.text().unwrap().to_owned()
}

#[tokio::test]
async fn two_nodes_talk_and_remember() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store.db");
    let mut ada = Member::start(1, Some(&store)).await;
    let mut ben = Member::start(2, None).await;
    ada.meet(&ben).await;
    // As large as a text may be: many packets, several streams' worth of windows.
    let long = "word ".repeat(13_000);
    ada.client.send_text(ada.channel, long.as_str()).await.unwrap();
    assert_eq!(ben.hears().await, long);
    let id = ben.client.send_text(ben.channel, "short").await.unwrap();
    assert_eq!(ada.hears().await, "short");
    while ben.client.delivered(ben.channel, id).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ada.texts().await, [long.as_str(), "short"]);
    let device = ada.client.device().await.unwrap();
    assert_eq!(ada.client.links().await.unwrap().len(), 1);
    assert!(ada.client.stats().await.unwrap().datagrams_out > 50, "the long text took many");

    ada.client.shutdown().await;
    ada.task.await.unwrap();
    assert_eq!(ada.client.device().await, Err(Ended));
    let ada = Member::start(1, Some(&store)).await;
    assert_eq!(ada.client.device().await.unwrap(), device, "the same device as before");
    assert_eq!(ada.texts().await, [long.as_str(), "short"]);
}

/// The key log is asked for at one end alone, and has what opens both directions.
#[tokio::test]
async fn the_key_log_is_written_where_it_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let mut options = settings(1, None);
    options.insecure_key_log = Some(path.clone());
    let ada = Member::start_with(options).await;
    // The flag alone does nothing here: there is no file to write to.
    let mut options = settings(2, None);
    options.config.insecure_key_log = true;
    let mut ben = Member::start_with(options).await;
    ada.meet(&ben).await;
    ada.client.send_text(ada.channel, "logged").await.unwrap();
    assert_eq!(ben.hears().await, "logged");
    let log = std::fs::read_to_string(&path).unwrap();
    for start in ["GATE_MAC", "GATE_MASK", "HANDSHAKE", "MASK", "PACKET"] {
        let start = format!("BITCHAT1_{start} ");
        assert!(log.lines().any(|line| line.starts_with(&start)), "no {start} in\n{log}");
    }
    for direction in ["i2r", "r2i"] {
        // Text flows under the keys of the first renewal, and later.
        let renewed = format!(" {direction} 1 ");
        assert!(log.lines().any(|line| line.contains(&renewed)), "no {renewed} in\n{log}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_dropped_task_is_a_crash_that_loses_nothing_stored() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store.db");
    for round in 0..5 {
        let mut ada = Member::start(1, Some(&store)).await;
        assert_eq!(ada.texts().await.len(), round);
        ada.client.send_text(ada.channel, format!("round {round}")).await.unwrap();
        while !matches!(
            ada.events.next().await.unwrap(),
            Event::Channel(_, ChannelUpdate::Message { .. })
        ) {}
        ada.task.abort();
        let refused = ada.client.send_text(ada.channel, "too late").await;
        assert!(matches!(refused, Err(RequestError::Ended(Ended))));
    }
}

#[tokio::test]
async fn new_entropy_drops_the_links_and_makes_them_anew() {
    let mut ada = Member::start(1, None).await;
    let mut ben = Member::start(2, None).await;
    ada.meet(&ben).await;
    ada.client.send_text(ada.channel, "before").await.unwrap();
    assert_eq!(ben.hears().await, "before");
    ada.client.reseed().await.unwrap();
    ada.meet(&ben).await;
    ben.client.send_text(ben.channel, "after").await.unwrap();
    assert_eq!(ada.hears().await, "after");
}

#[tokio::test]
async fn a_taken_port_is_an_error_at_the_start() {
    let taken = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let mut options = settings(1, None);
    options.config.port = taken.local_addr().unwrap().port();
    let error = start(options).await.err().unwrap();
    assert!(matches!(error, StartError::Bind(BindError::InUse { .. })), "{error}");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let mut options = settings(1, None);
    options.config.keepalive = Duration::ZERO;
    let error = start(options).await.err().unwrap();
    assert!(matches!(error, StartError::Config(_)), "{error}");
}

#[tokio::test]
async fn without_a_client_the_node_ends() {
    let ada = Member::start(1, None).await;
    drop(ada.client);
    tokio::time::timeout(Duration::from_secs(10), ada.task).await.unwrap().unwrap();
}
