//! The third stage: further rekeys, paths, and the codes of CLOSE.

use super::Check;
use super::place::{Fault, Place, broken};
use super::report::Stage;
use super::session::{PACKET_LEN, Session};
use super::talk::{Talk, fresh, on_channel, within};
use bitchat_core::link::control::Lane;
use bitchat_core::wire::frame::{Frame, Frames, Stream};
use std::time::Duration;

const fn check(
    what: &'static str,
    requirements: &'static [&'static str],
    run: fn(&mut Place<'_>) -> Result<(), Fault>,
) -> Check {
    Check { stage: Stage::Stay, what, requirements, run }
}

pub(super) const CHECKS: &[&Check] = &[
    &check(
        "a second rekey is answered, and its keys are taken into use",
        &["BC-08.06", "BC-08.07"],
        second_rekey,
    ),
    &check(
        "PATH_CHALLENGE is answered by PATH_RESPONSE, filled up as the challenge was",
        &["BC-08.53"],
        challenge,
    ),
    &check("nothing is sent after a CLOSE", &["BC-07.96"], silent_after_close),
    &check("an unknown frame ends the link with CLOSE 7", &["BC-07.01"], unknown_frame),
    &check("an ACK of what was not sent ends the link with CLOSE 10", &["BC-07.10"], ack_of_unsent),
    &check("the end of stream 0 ends the link with CLOSE 11", &["BC-07.21"], control_ends),
    &check("a stream above the limit ends the link with CLOSE 4", &["BC-07.18"], too_many_streams),
    &check("a message of no bytes ends the link with CLOSE 1", &["BC-07.24"], empty_message),
    &check(
        "data of a channel under the keys of the handshake ends the link with CLOSE 1",
        &["BC-08.86"],
        early_data,
    ),
    &check("a first rekey without ML-KEM ends the link with CLOSE 1", &["BC-08.85"], without_kem),
    &check("a second stream for a lane ends the link with CLOSE 1", &["BC-08.18"], second_stream),
];

fn second_rekey(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, _| {
        // Rekeys that come faster than one a second may be taken for an attack (BC-08.16).
        talk.run(place, Duration::from_millis(1_100), |_| false)?;
        talk.session.start_rekey(false)?;
        let confirmed = |at: &Session| at.keys_in_use() == (2, true);
        if talk.session.run(place, &mut talk.wire, place.options.patience, confirmed) {
            return Ok(());
        }
        match (&talk.session.heard.fault, talk.session.heard.closed) {
            (Some(fault), _) => broken(format!("the peer sent: {fault}")),
            (_, Some(code)) => broken(format!("REKEY_INIT is answered by CLOSE {code}")),
            _ => broken("the keys 2 are not taken into use"),
        }
    })
}

fn challenge(place: &mut Place<'_>) -> Result<(), Fault> {
    on_channel(place, |place, talk, _| {
        for padded in [true, false] {
            let token: [u8; 8] = place.rng.public.bytes();
            let mut payload = Vec::new();
            Frame::PathChallenge(token).encode(&mut payload);
            let (_, datagram) = talk.session.raw(&payload, padded);
            talk.wire.send(&datagram);
            let patience = place.options.patience;
            if !talk.run(place, patience, |heard| heard.responses.contains(&token))? {
                return broken("no PATH_RESPONSE repeats the challenge");
            }
            let responds = |payload: &[u8]| {
                let same = |frame| matches!(frame, Ok(Frame::PathResponse(is)) if is == token);
                Frames::new(payload).any(same)
            };
            let packets = &talk.session.heard.packets;
            let response = packets.iter().find(|packet| responds(&packet.payload));
            let len = response.map_or(0, |packet| packet.len);
            if (len >= PACKET_LEN) != padded {
                let number = response.map_or(0, |packet| packet.number);
                let was = if padded { "filled up" } else { "small" };
                return broken(format!(
                    "the challenge was {was}, and packet {number}, the answer, has {len} bytes"
                ));
            }
        }
        Ok(())
    })
}

fn silent_after_close(place: &mut Place<'_>) -> Result<(), Fault> {
    within(place, |place, talk| {
        if talk.session.heard.is_over() {
            return Err(Fault::Untried("the session has ended".to_owned()));
        }
        talk.leave();
        // What was on its way may still arrive.
        while talk.wire.receive(Duration::from_millis(150)).is_some() {}
        let before = talk.session.heard.packets.len();
        let (silence, mut payload) = (place.options.silence, Vec::new());
        Frame::Ping.encode(&mut payload);
        let (_, datagram) = talk.session.raw(&payload, false);
        talk.wire.send(&datagram);
        let deadline = std::time::Instant::now() + silence;
        while let Some(datagram) =
            talk.wire.receive(deadline.saturating_duration_since(std::time::Instant::now()))
        {
            talk.session.take(place.clock.now(), &datagram);
        }
        if talk.session.heard.packets.len() == before {
            Ok(())
        } else {
            broken("a packet came after this side's CLOSE")
        }
    })
}

/// A session of its own in which this side does what it must not: the peer has to say `code`.
fn closes(
    place: &mut Place<'_>,
    code: u64,
    fault: impl FnOnce(&mut Place<'_>, &mut Talk) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut talk = fresh(place)?;
    fault(place, &mut talk)?;
    let patience = place.options.patience;
    talk.session.run(place, &mut talk.wire, patience, |at| at.heard.closed.is_some());
    match talk.session.heard.closed {
        Some(closed) if closed == code => Ok(()),
        Some(closed) => broken(format!("CLOSE {closed}")),
        None => {
            talk.leave();
            broken("no CLOSE")
        }
    }
}

/// One packet with this payload.
fn sends(talk: &mut Talk, payload: &[u8]) {
    let (_, datagram) = talk.session.raw(payload, false);
    talk.wire.send(&datagram);
}

fn unknown_frame(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 7, |_, talk| {
        sends(talk, &[0x3f]);
        Ok(())
    })
}

fn ack_of_unsent(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 10, |_, talk| {
        // ACK: largest 1,000,000 in four bytes, no delay, no further range, none below it.
        sends(talk, &[0x02, 0x80, 0x0f, 0x42, 0x40, 0, 0, 0]);
        Ok(())
    })
}

/// A STREAM frame with its length.
fn stream(id: u64, offset: u64, data: &[u8], fin: bool) -> Vec<u8> {
    let mut payload = Vec::new();
    Frame::Stream(Stream { id, offset, data, fin, to_end: false }).encode(&mut payload);
    payload
}

fn control_ends(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 11, |_, talk| {
        let frame = stream(0, talk.session.control_len, b"", true);
        sends(talk, &frame);
        Ok(())
    })
}

fn too_many_streams(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 4, |place, talk| {
        talk.rekey(place)?;
        // No peer has raised the limit so far.
        sends(talk, &stream(1 << 40, 0, &[2, 0, 0], false));
        Ok(())
    })
}

fn empty_message(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 1, |_, talk| {
        sends(talk, &stream(0, talk.session.control_len, &[0], false));
        Ok(())
    })
}

fn early_data(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 1, |_, talk| {
        sends(talk, &stream(2, 0, &[2, 0, 0], false));
        Ok(())
    })
}

fn without_kem(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 1, |_, talk| talk.session.start_rekey(false))
}

fn second_stream(place: &mut Place<'_>) -> Result<(), Fault> {
    closes(place, 1, |place, talk| {
        talk.rekey(place)?;
        let (ours, _) = talk.show(place)?;
        for _ in 0..2 {
            if talk.session.open_lane(ours, Lane::Sync).is_none() {
                return Err(Fault::Untried("the peer allows no stream".to_owned()));
            }
        }
        Ok(())
    })
}
