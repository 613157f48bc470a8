//! A true node passes every check; one that breaks a requirement is found, and by which check.

mod peer;

use super::*;
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::chatfile::{Access, Draft, History, Outside};
use bitchat_core::wire::frame::{Frame, Frames};
use peer::{Lie, Peer, Seal};

fn file() -> ChatFile {
    let draft = Draft {
        name: "checked".into(),
        access: Access::Keyed,
        history: History::All,
        rotate: false,
        outside: Outside::default(),
    };
    let mut rng = Rng::new(&Seed([7; 32])).secret;
    draft.create(None, &mut rng, &Limits::default()).unwrap()
}

fn options() -> Options {
    let (silence, patience) = (Duration::from_millis(250), Duration::from_secs(5));
    Options { silence, patience, write: true }
}

/// What a peer with this lie is found to break.
fn broken(lie: Lie, options: &Options, checks: &[&[&Check]]) -> Vec<(&'static str, String)> {
    let file = file();
    let peer = Peer::start(&file, lie);
    let report = run_checks(peer.address, &file, options, &checks.concat()).unwrap();
    let failed = report.findings.iter().filter_map(|found| match &found.verdict {
        Verdict::Broken(why) => Some((found.requirements[0], why.clone())),
        _ => None,
    });
    failed.collect()
}

/// The peer is caught by the check of `requirement`, and by no other.
fn caught(lie: Lie, checks: &[&[&Check]], requirement: &str) {
    let short = Options { patience: Duration::from_secs(3), ..options() };
    let broken = broken(lie, &short, checks);
    let found: Vec<&str> = broken.iter().map(|(found, _)| *found).collect();
    assert_eq!(found, [requirement], "{broken:?}");
}

#[test]
fn a_true_node_passes_every_check() {
    let file = file();
    let peer = Peer::start(&file, Lie::None);
    let report = run(peer.address, &file, &options()).unwrap();
    let not_kept: Vec<_> =
        report.findings.iter().filter(|found| found.verdict != Verdict::Kept).collect();
    assert!(not_kept.is_empty(), "{not_kept:?}");
    assert_eq!((report.failed(), report.untried()), (0, 0));
    assert!(report.findings.len() > 30);
}

#[test]
fn without_a_peer_nothing_is_kept_that_needs_one() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let short = Options { patience: Duration::from_millis(90), ..options() };
    let report = run(nobody.local_addr().unwrap(), &file(), &short).unwrap();
    assert!(matches!(report.findings[0].verdict, Verdict::Broken(_)));
    assert_eq!((report.failed(), report.untried()), (1, report.findings.len() - 1));
}

#[test]
fn a_text_is_written_only_on_request() {
    let file = file();
    let peer = Peer::start(&file, Lie::None);
    let careful = Options { write: false, ..options() };
    let report =
        run_checks(peer.address, &file, &careful, &[meeting::CHECKS, talk::CHECKS].concat());
    let report = report.unwrap();
    assert_eq!((report.failed(), report.untried()), (0, 1), "{report:?}");
    let last = report.findings.last().unwrap();
    assert!(matches!(&last.verdict, Verdict::Untried(why) if why.contains("--write")));
}

#[test]
fn every_check_names_requirements_that_exist() {
    let spec = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
    let chapters = std::fs::read_dir(spec).unwrap().map(|entry| entry.unwrap().path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let text: String = chapters.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for check in [meeting::CHECKS, talk::CHECKS, stay::CHECKS].concat() {
        assert!(!check.requirements.is_empty(), "{}", check.what);
        for id in check.requirements {
            assert!(text.contains(&format!("[{id}]")), "{id} of \"{}\"", check.what);
        }
    }
}

/// BC-04.16
#[test]
fn who_answers_a_nonce_twice_is_caught() {
    fn twice(seal: &mut Seal, body: &[u8]) -> Option<Vec<u8>> {
        (body[0] == 0x11 && body.len() >= 47 && seal.knows(body)).then(|| seal.ack(body))
    }
    caught(Lie::AnswerBody(twice), &[meeting::CHECKS], "BC-04.16");
}

/// BC-04.14
#[test]
fn who_answers_a_short_probe_is_caught() {
    fn short(seal: &mut Seal, body: &[u8]) -> Option<Vec<u8>> {
        (body[0] == 0x11 && body.len() < 47).then(|| seal.ack(body))
    }
    caught(Lie::AnswerBody(short), &[meeting::CHECKS], "BC-04.14");
}

/// BC-04.10
#[test]
fn who_answers_another_version_is_caught() {
    fn later(seal: &mut Seal, body: &[u8]) -> Option<Vec<u8>> {
        (body[0] == 0x21).then(|| seal.ack(body))
    }
    caught(Lie::AnswerBody(later), &[meeting::CHECKS], "BC-04.10");
}

/// BC-04.15
#[test]
fn who_answers_with_more_bytes_is_caught() {
    fn longer(seal: &mut Seal, body: &[u8]) -> Option<Vec<u8>> {
        (body[0] == 0x12).then(|| seal.seal(&[body, &[0; 100]].concat()))
    }
    caught(Lie::Envelope(longer), &[meeting::CHECKS], "BC-04.15");
}

/// BC-04.17
#[test]
fn who_invents_an_address_is_caught() {
    fn elsewhere(seal: &mut Seal, body: &[u8]) -> Option<Vec<u8>> {
        let mut body = body.to_vec();
        (body[0] == 0x12).then(|| {
            body[45] ^= 1;
            seal.seal(&body)
        })
    }
    caught(Lie::Envelope(elsewhere), &[meeting::CHECKS], "BC-04.01");
}

/// BC-04.09, BC-12.63
#[test]
fn who_answers_strangers_is_caught() {
    caught(Lie::AnswerAnything, &[meeting::CHECKS], "BC-04.09");
}

/// BC-05.31
#[test]
fn who_changes_a_repeated_hs2_is_caught() {
    fn changes(seal: &mut Seal, body: &[u8]) -> Option<Vec<u8>> {
        let mut body = body.to_vec();
        (body[0] == 0x14 && seal.counts_to(2)).then(|| {
            body[200] ^= 1;
            seal.seal(&body)
        })
    }
    caught(Lie::Envelope(changes), &[&meeting::CHECKS[..10]], "BC-05.20");
}

/// Replaces the first occurrence of `from` in a packet.
fn patch(payload: &mut [u8], from: &[u8], to: &[u8]) {
    let at = payload.windows(from.len()).position(|part| part == from);
    if let Some(place) = at.and_then(|at| payload.get_mut(at..at + to.len())) {
        place.copy_from_slice(to);
    }
}

const TALK: &[&[&Check]] = &[meeting::CHECKS, talk::CHECKS];
const ALL: &[&[&Check]] = &[meeting::CHECKS, talk::CHECKS, stay::CHECKS];

/// BC-09.18
#[test]
fn who_never_ends_an_answer_is_caught() {
    // A message of two bytes, ENTRIES, of role 2: the end of an answer.
    fn endless(payload: &mut [u8]) {
        patch(payload, &[2, 5, 2], &[2, 5, 1]);
    }
    caught(Lie::Packet(endless), TALK, "BC-09.01");
}

/// BC-08.10
#[test]
fn who_shows_no_token_of_the_channel_is_caught() {
    // A message of 258 bytes, SLOT_TOKENS, base 0: its tokens become others.
    fn shows(payload: &mut [u8]) {
        let list = [0x41, 0x02, 4, 0];
        let Some(at) = payload.windows(4).position(|part| part == list) else { return };
        payload[at + 4..at + 260].iter_mut().for_each(|byte| *byte ^= 0x55);
    }
    caught(Lie::Packet(shows), &[meeting::CHECKS, &talk::CHECKS[..3]], "BC-08.10");
}

/// BC-08.53
#[test]
fn who_answers_challenges_with_other_bytes_is_caught() {
    fn answers(payload: &mut [u8]) {
        if payload.first() == Some(&0x1b) {
            payload[1] ^= 1;
        }
    }
    caught(Lie::Packet(answers), ALL, "BC-08.53");
}

/// BC-07.01, BC-07.10, BC-07.18, BC-07.21
#[test]
fn who_says_the_same_code_for_all_is_caught() {
    fn says(payload: &mut [u8]) {
        let closes = |frame| matches!(frame, Ok(Frame::Close { code: 4..=11, .. }));
        if Frames::new(payload).any(closes) {
            payload[1] = 1;
        }
    }
    let short = Options { patience: Duration::from_secs(3), ..options() };
    let broken = broken(Lie::Packet(says), &short, ALL);
    let found: Vec<&str> = broken.iter().map(|(found, _)| *found).collect();
    assert_eq!(found, ["BC-07.01", "BC-07.10", "BC-07.21", "BC-07.18"], "{broken:?}");
}
