//! libtorrent, an implementation that others wrote, reads what we write and writes what we read:
//! bencoding and magnet links.

mod common;

use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::chatfile::{Access, Draft, JoinLink, Outside};
use bitchat_core::wire::bencode::{self, Encoded, Value};
use bitchat_core::wire::url::TrackerUrl;
use common::{hex, unhex};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/bencode_peer.py");

struct Libtorrent {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Libtorrent {
    /// `None` if it is not installed.
    fn start() -> Option<Self> {
        let installed = Command::new("python3")
            .args(["-c", "import libtorrent"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !installed {
            return None;
        }
        let mut process = Command::new("python3")
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 started before");
        let input = process.stdin.take().expect("piped");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Some(Self { process, input, output })
    }

    fn ask(&mut self, command: &str, argument: &[u8]) -> Vec<Vec<u8>> {
        writeln!(self.input, "{command} {}", hex(argument)).expect("it runs");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        assert!(!line.trim().is_empty(), "libtorrent refused `{command}`");
        line.split_whitespace().map(|word| unhex(&word.trim_matches('-').into())).collect()
    }

    /// Closes the pipe, upon which it ends without complaint.
    fn finish(mut self) {
        drop(self.input);
        assert!(self.process.wait().expect("it ran").success());
    }
}

#[test]
fn libtorrent_agrees() {
    let Some(mut libtorrent) = Libtorrent::start() else {
        println!(
            "FOREIGN TEST SKIPPED: python libtorrent is not installed (pip install libtorrent)"
        );
        return;
    };
    it_encodes_our_files_to_the_same_bytes(&mut libtorrent);
    it_encodes_any_value_of_ours_to_the_same_bytes(&mut libtorrent);
    we_find_the_info_that_it_hashes(&mut libtorrent);
    it_reads_our_magnet_links(&mut libtorrent);
    libtorrent.finish();
    println!("FOREIGN TEST RAN: libtorrent bencode");
}

fn it_encodes_our_files_to_the_same_bytes(libtorrent: &mut Libtorrent) {
    let vectors = common::load("chatfile");
    let files = vectors["valid"].as_array().expect("a list");
    assert!(files.len() >= 5);
    for case in files {
        let file = unhex(&case["file"]);
        assert_eq!(libtorrent.ask("again", &file), [file], "{}", case["name"]);
    }
}

fn it_encodes_any_value_of_ours_to_the_same_bytes(libtorrent: &mut Libtorrent) {
    let mut stream = Rng::new(&Seed([3; 32])).public;
    for _ in 0..200 {
        let mut values: Vec<Encoded> = (0..8)
            .map(|_| {
                let mut bytes = vec![0; usize::try_from(stream.below(24)).expect("small")];
                stream.fill(&mut bytes);
                Encoded::bytes(&bytes)
            })
            .collect();
        values.push(Encoded::int(stream.u64().cast_signed()));
        let keyed = |stream: &mut bitchat_core::base::rng::Stream, values: &[Encoded]| {
            let entries = values.iter().map(|value| (stream.bytes::<3>(), value.clone()));
            Encoded::dict(entries.collect::<Vec<_>>())
        };
        let inner = keyed(&mut stream, &values);
        values.extend([Encoded::list(values.clone()), inner]);
        let outer = keyed(&mut stream, &values).into_vec();
        assert_eq!(libtorrent.ask("again", &outer), [outer]);
    }
}

fn we_find_the_info_that_it_hashes(libtorrent: &mut Libtorrent) {
    for size in [1, 16 * 1024, 100_000] {
        let answer = libtorrent.ask("torrent", &vec![7; size]);
        let [file, info] = answer.as_slice() else { panic!("two words") };
        let value = bencode::check(file, 1 << 20).expect("libtorrent writes canonical bencoding");
        let dict = value.as_dict().expect("a dictionary");
        assert_eq!(dict.get(b"info").map(Value::raw), Some(info.as_slice()));
        let tiers = dict.get(b"announce-list").expect("two trackers");
        assert_eq!(tiers.deserialize::<Vec<Vec<String>>>().expect("tiers").len(), 2);
    }
}

fn it_reads_our_magnet_links(libtorrent: &mut Libtorrent) {
    let trackers = ["http://a.example/announce?key=a%2Fb&x=1", "udp://b.example:6969/announce"];
    let url = |text| vec![TrackerUrl::parse(text).expect("a URL")];
    let draft = Draft {
        name: "Grüße & 50 % = 👋".into(),
        access: Access::Public,
        outside: Outside { trackers: trackers.map(url).to_vec(), ..Outside::default() },
        ..Draft::default()
    };
    let mut secret = Rng::new(&Seed([4; 32])).secret;
    let file = draft.create(None, &mut secret, &Limits::default()).expect("a sound draft");
    let link = JoinLink::from(&file);
    let text = link.to_text();
    let read = libtorrent.ask("magnet", text.as_bytes());
    assert_eq!(read[0], link.chan.0);
    assert_eq!(read[1], draft.name.as_bytes());
    assert_eq!(read[2..], trackers.map(|text| text.as_bytes().to_vec()));
    let again = JoinLink::parse(&text, &Limits::default(), TargetPolicy::PublicOnly);
    assert_eq!(again, Ok(link));
}
