//! The dissector for Wireshark (`bindings/wireshark`) under tshark: what it shows of recordings is
//! compared with what the nodes sent, as this library reads it.

mod hostile;
mod recording;
mod truth;
mod tshark;
mod vectors;

use recording::Recording;
use truth::Truth;
use tshark::Tshark;

/// Columns that are compared for every datagram; several values are joined by commas.
const COLUMNS: [&str; 14] = [
    "bitchat.kind",
    "bitchat.direction",
    "bitchat.pn",
    "bitchat.generation",
    "bitchat.phase",
    "bitchat.payload_length",
    "bitchat.frame.type",
    "bitchat.stream.id",
    "bitchat.stream.offset",
    "bitchat.stream.length",
    "bitchat.stream.fin",
    "bitchat.ack.largest",
    "bitchat.limit",
    "bitchat.malformed",
];

/// Two people chat through several renewals. Every packet's number, phase, frames, offsets and
/// lengths are those that were sent.
#[test]
fn tshark_shows_what_was_sent() {
    let Some(tshark) = Tshark::find("every packet of a link") else { return };
    let recording = Recording::of_a_chat(1, 40);
    let mut truth = Truth::new(&recording);
    let expected: Vec<_> = recording.datagrams.iter().map(|one| truth.of(one)).collect();
    let shown = tshark.fields(&recording.datagrams, Some(&recording.key_log), &COLUMNS);
    assert_eq!(shown.len(), expected.len());
    for (number, (shown, expected)) in shown.iter().zip(&expected).enumerate() {
        assert_eq!(shown, expected, "datagram {} of {}", number + 1, shown.len());
    }
    let count = |kind: &str| expected.iter().filter(|one| one[0] == kind).count();
    assert!(count("packet") > 100 && count("hs1") > 0 && count("hs2") > 0 && count("hs3") > 0);
    // The phase has come round: four renewals and more.
    let generations = truth.generations();
    assert!(generations > 5, "only {generations} generations");
    eprintln!("FOREIGN TEST RAN: tshark, {} datagrams", expected.len());
}

/// The words, the messages and the identities are there to be read and filtered.
#[test]
fn tshark_reads_messages_and_handshakes() {
    let Some(tshark) = Tshark::find("messages and handshakes") else { return };
    let recording = Recording::of_a_chat(2, 6);
    let columns = [
        "bitchat.entry.text",
        "bitchat.control.type",
        "bitchat.channel.type",
        "bitchat.cert.identity",
        "bitchat.control.generation",
        "_ws.expert.message",
    ];
    let shown = tshark.fields(&recording.datagrams, Some(&recording.key_log), &columns);
    let all = |column: usize| {
        let cells = shown.iter().map(move |row| row[column].as_str());
        cells.flat_map(|cell| cell.split(',')).filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
    };
    for text in &recording.said {
        assert!(all(0).contains(&text.as_str()), "{text} is not shown");
    }
    // REKEY_INIT, REKEY_RESP and SLOT_TOKENS; DIGEST, HEADS and ENTRIES.
    assert!(["1", "2", "4"].iter().all(|kind| all(1).contains(kind)), "{:?}", all(1));
    assert!(["1", "2", "5"].iter().all(|kind| all(2).contains(kind)), "{:?}", all(2));
    for identity in &recording.identities {
        assert!(all(3).contains(&identity.as_str()), "{identity} is not shown");
    }
    assert!(all(4).contains(&"1") && all(4).contains(&"2"), "{:?}", all(4));
    assert!(all(5).is_empty(), "{:?}", all(5));
    eprintln!("FOREIGN TEST RAN: tshark, messages and handshakes");
}

/// BC-13.09: packets under a further connection id are opened, also where the recording begins after
/// the change.
#[test]
fn tshark_follows_a_link_to_another_path() {
    let Some(tshark) = Tshark::find("a link that moves") else { return };
    let recording = Recording::of_a_journey(6, 30);
    let mut truth = Truth::new(&recording);
    let expected: Vec<_> = recording.datagrams.iter().map(|one| truth.of(one)).collect();
    let moved = recording.datagrams.iter().position(|one| truth.is_further(one));
    let moved = moved.expect("packets under a further connection id");
    let count = recording.datagrams.iter().filter(|one| truth.is_further(one)).count();
    assert!(count > 20, "only {count}");
    for from in [0, moved] {
        let log = Some(recording.key_log.as_str());
        let shown = tshark.fields(&recording.datagrams[from..], log, &COLUMNS);
        for (number, (shown, expected)) in shown.iter().zip(&expected[from..]).enumerate() {
            assert_eq!(shown, expected, "datagram {} after {from}", number + 1);
        }
    }
    let without: String = recording
        .key_log
        .lines()
        .filter(|line| !line.starts_with("BITCHAT1_CONNECTION_ID"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let shown = tshark.fields(&recording.datagrams[moved..=moved], Some(&without), &COLUMNS);
    assert!(shown[0].iter().all(String::is_empty), "shown without its line: {:?}", shown[0]);
    eprintln!("FOREIGN TEST RAN: tshark, {count} packets under further connection ids");
}

/// Who lacks the keys is shown nothing, and nothing fails.
#[test]
fn without_keys_nothing_is_shown() {
    let Some(tshark) = Tshark::find("a recording without keys") else { return };
    let recording = Recording::of_a_chat(3, 4);
    let stranger = Recording::of_a_chat(4, 4);
    for key_log in [None, Some(stranger.key_log.as_str()), Some("BITCHAT1_MASK zz\n\u{0}half a l")]
    {
        let shown = tshark.fields(&recording.datagrams, key_log, &COLUMNS);
        assert_eq!(shown.len(), recording.datagrams.len());
        assert!(shown.iter().flatten().all(String::is_empty), "something was shown");
    }
}

/// A recording that begins in the midst of a session: the dissector finds the numbers.
#[test]
fn a_recording_may_begin_late() {
    let Some(tshark) = Tshark::find("a late recording") else { return };
    let recording = Recording::of_a_chat(5, 40);
    let mut truth = Truth::new(&recording);
    let expected: Vec<_> = recording.datagrams.iter().map(|one| truth.of(one)).collect();
    let half = recording.datagrams.len() * 2 / 3;
    let columns = ["bitchat.kind", "bitchat.pn", "bitchat.frame.type"];
    let shown = tshark.fields(&recording.datagrams[half..], Some(&recording.key_log), &columns);
    for (shown, expected) in shown.iter().zip(&expected[half..]) {
        assert_eq!([&shown[0], &shown[1], &shown[2]], [&expected[0], &expected[2], &expected[6]]);
    }
}
