//! Recordings that somebody damaged, and packets whose sender wants the analyser to fall.

use crate::recording::{Datagram, Recording};
use crate::truth::Truth;
use crate::tshark::Tshark;
use bitchat_core::base::ids::ConnectionId;
use bitchat_core::wire::frame::Frames;
use bitchat_core::wire::packet::{Header, KeyPhase};
use bitchat_sim::dice::Dice;

const COLUMNS: [&str; 4] =
    ["bitchat.kind", "bitchat.pn", "bitchat.malformed", "_ws.expert.message"];

/// Flipped, cut and lengthened datagrams: whatever still authenticates is shown, nothing fails.
#[test]
fn damaged_datagrams_do_no_harm() {
    let Some(tshark) = Tshark::find("damaged datagrams") else { return };
    let recording = Recording::of_a_chat(6, 6);
    let mut dice = Dice::new(6);
    let mut damaged = Vec::new();
    for datagram in &recording.datagrams {
        let mut datagram = datagram.clone();
        damage(&mut dice, &mut datagram.data);
        damaged.push(datagram);
    }
    let shown = tshark.fields(&damaged, Some(&recording.key_log), &COLUMNS);
    assert_eq!(shown.len(), damaged.len());
    assert!(!shown.iter().any(|row| row[3].contains("dissector:")), "{shown:?}");
    // What damage did to the connection id or to an envelope is nobody's datagram any more.
    let told = shown.iter().filter(|row| !row[3].is_empty()).count();
    assert!(told > shown.len() / 4, "of {} datagrams, damage is told of {told}", shown.len());
}

fn damage(dice: &mut Dice, data: &mut Vec<u8>) {
    match dice.below(4) {
        0 => data.truncate(dice.index(data.len() + 1)),
        1 => data.extend_from_slice(&dice.bytes::<7>()),
        _ => {
            for _ in 0..=dice.below(3) {
                let at = dice.index(data.len());
                data[at] ^= dice.bytes::<1>()[0] | 1;
            }
        }
    }
}

/// Authentic packets with nonsense in them: the dissector finds the same fault as the library, or at
/// least none of its own.
#[test]
fn hostile_frames_in_authentic_packets_are_told_and_do_no_harm() {
    let Some(tshark) = Tshark::find("hostile frames") else { return };
    let recording = Recording::of_a_chat(7, 6);
    let mut truth = Truth::new(&recording);
    let mut dice = Dice::new(7);
    let mut sent = Vec::new();
    let mut faults = Vec::new();
    let opened: Vec<_> =
        recording.datagrams.iter().filter_map(|one| open(&mut truth, one)).collect();
    for (datagram, payload) in opened.iter().cycle().take(500) {
        let (crafted, payload) = craft(&mut truth, &mut dice, datagram, payload.clone());
        // Varints behind the known bounds are the receiver's business, not a question of layout.
        let fault = Frames::new(&payload).find_map(Result::err);
        faults.push(fault.map(|fault| fault.to_string()));
        sent.push(crafted);
    }
    let shown = tshark.fields(&sent, Some(&recording.key_log), &COLUMNS);
    assert_eq!(shown.len(), sent.len());
    let mut told = 0;
    for (row, fault) in shown.iter().zip(&faults) {
        assert!(!row[1].is_empty() && !row[3].contains("dissector:"), "{row:?}");
        let of_layout =
            fault.as_ref().is_some_and(|f| f.contains("malformed") || f.contains("unknown"));
        if of_layout {
            assert!(!row[3].is_empty(), "not told: {fault:?}");
            told += 1;
        }
    }
    assert!(told > 100, "only {told} faults");
}

/// A packet of a session, with its payload.
fn open(truth: &mut Truth, datagram: &Datagram) -> Option<(Datagram, Vec<u8>)> {
    let cid = ConnectionId(*datagram.data.first_chunk()?);
    let opened = truth.directions.get_mut(&cid)?.open(&mut datagram.data.clone())?;
    Some((datagram.clone(), opened.payload))
}

/// A packet under the keys of a session, with random frames in it or a damaged `payload`.
fn craft(
    truth: &mut Truth,
    dice: &mut Dice,
    from: &Datagram,
    mut payload: Vec<u8>,
) -> (Datagram, Vec<u8>) {
    let cid = ConnectionId(*from.data.first_chunk().expect("a packet"));
    let direction = truth.directions.get_mut(&cid).expect("of a session");
    if dice.chance(0.3) {
        payload = (0..=dice.index(60)).map(|_| dice.bytes::<1>()[0]).collect();
        payload[0] = [2, 3, 4, 6, 0x0e, 0x0f, 0x18, 0x1c, 0x31, 0x40][dice.index(10)];
    } else {
        damage(dice, &mut payload);
    }
    payload.resize(payload.len().clamp(1, 1_171), 0x3f);
    let (generation, key) = direction.keys.last_key_value().expect("a key");
    let pn = direction.largest.map_or(0, |largest| largest + 1);
    direction.largest = Some(pn);
    let header = Header::new(cid, KeyPhase::of_epoch(*generation), pn, pn.checked_sub(100));
    let mut data = vec![0; header.overhead() + payload.len()];
    data[header.len()..header.len() + payload.len()].copy_from_slice(&payload);
    key.seal(&direction.mask, &header, &mut data).expect("there is room");
    (Datagram { data, ..from.clone() }, payload)
}
