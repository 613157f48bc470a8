//! libtorrent's nodes and ours in one DHT on loopback: each finds what the other announced.

use bitchat_core::base::ids::InfoHash;
use bitchat_core::base::rng::{Rng, Seed, Stream};
use bitchat_core::base::time::Timestamp;
use bitchat_core::dht::{Dht, DhtConfig, DhtSink, Searched};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../bitchat-core/tests/foreign/dht_peer.py");
const THEIRS: InfoHash = InfoHash([0xa1; 20]);
const OURS: InfoHash = InfoHash([0x5b; 20]);

/// A node of ours on a real socket.
struct Ours {
    dht: Dht,
    rng: Stream,
    socket: UdpSocket,
    began: Instant,
    heard: Heard,
}

#[derive(Default)]
struct Heard {
    out: Vec<(SocketAddr, Vec<u8>)>,
    peers: Vec<(InfoHash, SocketAddr)>,
    searched: Vec<(InfoHash, Searched)>,
    observed: Vec<SocketAddr>,
}

impl DhtSink for Heard {
    fn send(&mut self, to: SocketAddr, data: Vec<u8>) {
        self.out.push((to, data));
    }

    fn peers(&mut self, hash: InfoHash, peers: &[SocketAddr]) {
        self.peers.extend(peers.iter().map(|peer| (hash, *peer)));
    }

    fn searched(&mut self, hash: InfoHash, result: Searched) {
        self.searched.push((hash, result));
    }

    fn observed(&mut self, _: SocketAddr, own: SocketAddr) {
        self.observed.push(own);
    }
}

impl Ours {
    fn new(knows: &[SocketAddr]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(10))).expect("a timeout");
        let mut rng = Rng::new(&Seed([3; 32])).public;
        let config =
            DhtConfig { version: *b"LT\x02\x0b", allow: |_| true, max_hashes: 9, max_peers: 9 };
        let now = Timestamp::from_millis(1);
        let mut dht = Dht::new(config, now, &mut rng);
        dht.set_port(socket.local_addr().expect("bound").port());
        dht.set_reachable(true);
        dht.add_bootstrap(now, knows.iter().copied());
        Self { dht, rng, socket, began: Instant::now(), heard: Heard::default() }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1) + self.began.elapsed()
    }

    /// Runs until `done`, for ten seconds at most; whether it came to that.
    fn run(&mut self, done: impl Fn(&Heard) -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(10);
        let mut buffer = [0; 16 * 1024];
        while Instant::now() < end && !done(&self.heard) {
            let now = self.now();
            if self.dht.poll_timeout().is_some_and(|at| at <= now) {
                self.dht.on_timeout(now, &mut self.rng, &mut self.heard);
            }
            self.flush();
            if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
                let now = self.now();
                self.dht.on_datagram(now, from, &buffer[..len], &mut self.rng, &mut self.heard);
                self.flush();
            }
        }
        done(&self.heard)
    }

    fn flush(&mut self) {
        for (to, data) in self.heard.out.drain(..) {
            let _ = self.socket.send_to(&data, to);
        }
    }
}

struct Theirs {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Theirs {
    /// `None` if libtorrent is not installed; else it, and where its nodes are.
    fn start() -> Option<(Self, Vec<SocketAddr>)> {
        let mut probe = Command::new("python3");
        probe.args(["-c", "import libtorrent"]).stderr(Stdio::null());
        if !probe.status().is_ok_and(|status| status.success()) {
            return None;
        }
        let mut process = Command::new("python3")
            .args(["-W", "ignore", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 started before");
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let mut theirs = Self { process, input, output };
        let nodes = theirs.line();
        let nodes = nodes.split_whitespace().map(|node| node.parse().expect("an address"));
        Some((theirs, nodes.collect()))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        line
    }

    fn say(&mut self, command: &str) {
        writeln!(self.input, "{command}").expect("it runs");
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn each_finds_what_the_other_announced() {
    let Some((mut theirs, nodes)) = Theirs::start() else {
        println!("FOREIGN TEST SKIPPED: pip install libtorrent");
        return;
    };
    let mut ours = Ours::new(&nodes[1..2]);
    let own = ours.socket.local_addr().expect("bound");

    // Theirs announce; ours find it, and hear where they are seen.
    theirs.say(&format!("announce {THEIRS} 4242"));
    assert_eq!(theirs.line().trim(), "announced");
    assert!(ours.run(|heard| heard.observed.contains(&own)), "no node says where it sees us");
    let found = |heard: &Heard| {
        heard.peers.iter().any(|(hash, peer)| *hash == THEIRS && peer.port() == 4242)
    };
    let now = ours.now();
    ours.dht.announce(now, THEIRS);
    for _ in 0..3 {
        if ours.run(found) {
            break;
        }
        let now = ours.now();
        ours.dht.search_now(now, THEIRS);
    }
    assert!(found(&ours.heard), "{:?}", ours.heard.searched);

    // Ours announce; theirs find it, while ours answer.
    let now = ours.now();
    ours.dht.announce(now, OURS);
    let told = |heard: &Heard| {
        heard.searched.iter().any(|(hash, result)| *hash == OURS && result.announced >= 3)
    };
    assert!(ours.run(told), "{:?}", ours.heard.searched);
    theirs.say(&format!("find {OURS}"));
    ours.run(|_| false);
    let line = theirs.line();
    assert!(line.contains(&own.to_string()), "{line} lacks {own}");
    let stats = ours.dht.stats();
    assert!(stats.nodes[0] >= 4 && stats.served > 0, "{stats:?}");
    println!("FOREIGN TEST RAN: libtorrent's nodes and ours in one DHT");
}
