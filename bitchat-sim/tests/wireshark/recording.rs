//! A chat in the simulator: what was on the wire, and the key log.

use bitchat_core::chatfile::ChatFile;
use bitchat_sim::crew::{Crew, Who};
use bitchat_sim::world::EPOCH;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One datagram on the wire.
#[derive(Clone)]
pub(crate) struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub data: Vec<u8>,
}

pub(crate) struct Recording {
    pub datagrams: Vec<Datagram>,
    pub key_log: String,
    pub file: ChatFile,
    /// Texts of the messages.
    pub said: Vec<String>,
    /// Peer ids in hex.
    pub identities: Vec<String>,
}

impl Recording {
    /// Two people meet and say `turns` things to each other while they renew their keys every second.
    pub(crate) fn of_a_chat(seed: u64, turns: usize) -> Self {
        Self::of_a_chat_with(seed, turns, |_, _, _| {})
    }

    /// As [`of_a_chat`](Self::of_a_chat), where one of them goes to another network at half time.
    pub(crate) fn of_a_journey(seed: u64, turns: usize) -> Self {
        Self::of_a_chat_with(seed, turns, |crew, who, turn| {
            if turn == turns / 2 {
                let host = crew.host(who);
                crew.world.roam(host, IpAddr::from([81, 0, 0, 1]));
            }
        })
    }

    fn of_a_chat_with(
        seed: u64,
        turns: usize,
        mut before_turn: impl FnMut(&mut Crew, Who, usize),
    ) -> Self {
        let mut crew = Crew::new(seed, false);
        let chan = crew.channel("recorded", &[]);
        let all = [crew.member(), crew.member()];
        crew.world.net.tap();
        for who in all {
            let config = crew.config(who);
            config.rekey_interval = Duration::from_secs(1);
            config.insecure_key_log = true;
            // Whoever roams has one way to be reached.
            config.families.v6 = false;
            crew.join(who, chan);
            crew.start(who);
        }
        crew.introduce(all[0], all[1], chan);
        crew.expect(Duration::from_secs(60), "a link", |crew| crew.meshed(chan));
        for turn in 0..turns {
            before_turn(&mut crew, all[0], turn);
            crew.say(all[turn % 2], chan);
            crew.run(Duration::from_millis(400));
        }
        // One that takes many packets.
        crew.say_text(all[0], chan, "long ".repeat(2_000));
        crew.run(Duration::from_secs(2));
        let mut key_log = String::new();
        for who in all {
            let host = crew.host(who);
            crew.world.call(host, |node, _| {
                while let Some(line) = node.poll_key_log() {
                    key_log.push_str(line.as_str());
                    key_log.push('\n');
                }
            });
        }
        let heard = crew.world.net.tap().into_iter();
        let file = crew.file(chan).clone();
        let words = crew.said().iter().map(|said| said.text.clone());
        let identities = all.iter().filter_map(|who| crew.node(*who)?.device());
        let identities = identities.map(|device| hex(&device.peer.0)).collect();
        Self {
            datagrams: heard.map(|(from, to, data)| Datagram { from, to, data }).collect(),
            key_log,
            file,
            said: words.filter(|text| text.len() < 600).collect(),
            identities,
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The day of the recordings.
pub(crate) fn day() -> u64 {
    EPOCH.day()
}

/// A pcap file of raw IP packets, one a millisecond.
pub(crate) fn pcap(datagrams: &[Datagram]) -> Vec<u8> {
    const RAW_IP: u32 = 101;
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0xffff, RAW_IP] {
        out.extend_from_slice(&u32::to_le_bytes(word));
    }
    for (number, datagram) in datagrams.iter().enumerate() {
        let packet = ip_packet(datagram);
        let millis = EPOCH.0 + number as u64;
        let len = u32::try_from(packet.len()).expect("short");
        let seconds = u32::try_from(millis / 1_000).expect("this century");
        let micros = u32::try_from(millis % 1_000 * 1_000).expect("below a million");
        for word in [seconds, micros, len, len] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&packet);
    }
    out
}

fn ip_packet(datagram: &Datagram) -> Vec<u8> {
    let len = |more: usize| u16::try_from(datagram.data.len() + more).expect("short").to_be_bytes();
    let mut out = Vec::new();
    match (datagram.from.ip(), datagram.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&len(28));
            out.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        (from, to) => {
            let v6 = |ip| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&len(8));
            out.extend_from_slice(&[17, 64]);
            out.extend_from_slice(&v6(from).octets());
            out.extend_from_slice(&v6(to).octets());
        }
    }
    out.extend_from_slice(&datagram.from.port().to_be_bytes());
    out.extend_from_slice(&datagram.to.port().to_be_bytes());
    out.extend_from_slice(&len(8));
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&datagram.data);
    out
}
