//! The first stage: is the peer there, does it answer only members, and does a handshake with it
//! work?

use super::Check;
use super::place::{Fault, Place, Visitor, body_len, broken};
use super::report::Stage;
use super::session::Session;
use super::talk::Talk;
use super::wire::{Clock, Wire};
use bitchat_core::crypto::channel_keys::ChannelKeys;
use bitchat_core::crypto::gate::{Cookie, ENVELOPE_LEN, Kind};
use bitchat_core::crypto::suite::Secret;
use bitchat_core::handshake::{Effect, Established, Initiator, Target};
use std::net::{IpAddr, Ipv6Addr};

/// Bytes of the fields of hs2 (BC-05.22).
const HS2_FIELDS: usize = 298;

const fn check(
    what: &'static str,
    requirements: &'static [&'static str],
    run: fn(&mut Place<'_>) -> Result<(), Fault>,
) -> Check {
    Check { stage: Stage::Answered, what, requirements, run }
}

pub(super) const CHECKS: &[&Check] = &[
    &check(
        "a probe is acknowledged, with its nonce and the address that it came from",
        &["BC-04.01", "BC-04.05", "BC-04.06", "BC-04.11", "BC-04.12", "BC-04.17"],
        probe_is_acknowledged,
    ),
    &check("an ack is not longer than its probe", &["BC-04.15"], ack_is_not_longer),
    &check("a nonce is answered once", &["BC-04.16"], nonce_is_answered_once),
    &check(
        "envelopes of the day before and after are taken, older and later ones not",
        &["BC-04.08"],
        days,
    ),
    &check("the content of a tail is ignored", &["BC-04.18"], tail_is_ignored),
    &check("a probe without room for its ack is dropped", &["BC-04.14"], short_probe),
    &check("what does not prove the channel's keys is not answered", &["BC-04.09"], other_keys),
    &check("other versions and kinds are dropped", &["BC-04.10"], other_kinds),
    &check("hs1 without a cookie of the peer's is not answered", &["BC-05.26"], bad_cookie),
    &check(
        "hs1 is answered by hs2, which is not longer; a repeated one by the same fields, sealed anew",
        &["BC-05.20", "BC-05.21", "BC-05.22", "BC-05.31", "BC-05.32"],
        greeting,
    ),
    &check(
        "hs2 reads as Noise message 2, with a valid certificate for its key",
        &[
            "BC-03.03", "BC-03.05", "BC-03.06", "BC-05.01", "BC-05.02", "BC-05.03", "BC-05.04",
            "BC-05.11", "BC-05.24", "BC-05.25",
        ],
        certificate,
    ),
    &check(
        "hs3 is followed by a packet that opens under the session's keys",
        &[
            "BC-05.09", "BC-05.10", "BC-05.23", "BC-05.30", "BC-06.01", "BC-06.02", "BC-06.05",
            "BC-06.06", "BC-06.07", "BC-06.08",
        ],
        session,
    ),
];

fn probe_is_acknowledged(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let Some((_, _, body)) = place.greet(&mut wire) else {
        return broken("no probe is acknowledged");
    };
    let (Some(ip), Some(port)) =
        (body.get(29..45).and_then(|ip| ip.first_chunk::<16>()), body.get(45..47))
    else {
        return broken("an ack is too short for its fields");
    };
    let ip = IpAddr::V6(Ipv6Addr::from(*ip)).to_canonical();
    let port = u16::from_le_bytes([port[0], port[1]]);
    if ip.is_unspecified() || port == 0 {
        return broken(format!("the ack says that the probe came from {ip} port {port}"));
    }
    // Only without a NAT in between does this side know what the peer sees.
    let local = wire.local().map_err(|error| Fault::Untried(error.to_string()))?;
    if place.address.ip().is_loopback() && (ip, port) != (local.ip(), local.port()) {
        return broken(format!("the ack says {ip} port {port}, and the probe came from {local}"));
    }
    Ok(())
}

fn ack_is_not_longer(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    for _ in 0..3 {
        let Some((probe, ack, _)) = place.greet(&mut wire) else {
            return Err(Fault::Untried("no probe is acknowledged".to_owned()));
        };
        if ack.len() > probe.len() {
            return broken(format!("a probe of {} bytes, an ack of {}", probe.len(), ack.len()));
        }
    }
    Ok(())
}

fn nonce_is_answered_once(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let mut probe = Vec::new();
    let answered = place.acknowledged(&mut wire, |place| {
        probe = place.probe(18, 0);
        (place.seal(&probe), probe.clone())
    });
    if answered.is_none() {
        return Err(Fault::Untried("no probe is acknowledged".to_owned()));
    }
    let again = place.seal(&probe);
    wire.send(&again);
    if place.silent(&mut wire, &probe) { Ok(()) } else { broken("it was answered twice") }
}

fn days(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let (keys, today) = (place.keys.clone(), Clock::wall().day());
    for day in [today - 1, today + 1] {
        let answered = place.acknowledged(&mut wire, |place| {
            let probe = place.probe(18, 0);
            (place.seal_as(&keys, day, &probe), probe)
        });
        if answered.is_none() {
            return broken(format!("a probe of day {day} is not answered on day {today}"));
        }
    }
    for day in [today - 2, today + 2] {
        let probe = place.probe(18, 0);
        let datagram = place.seal_as(&keys, day, &probe);
        wire.send(&datagram);
        if !place.silent(&mut wire, &probe) {
            return broken(format!("a probe of day {day} is answered on day {today}"));
        }
    }
    Ok(())
}

fn tail_is_ignored(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let answered = place.acknowledged(&mut wire, |place| {
        let probe = place.probe(60, 0xa5);
        (place.seal(&probe), probe)
    });
    if answered.is_some() {
        Ok(())
    } else {
        broken("a probe with other bytes than zeros is not answered")
    }
}

/// Sends one body that must not be answered.
fn unanswered(place: &mut Place<'_>, body: &[u8], what: &str) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let datagram = place.seal(body);
    wire.send(&datagram);
    if place.silent(&mut wire, body) { Ok(()) } else { broken(format!("{what} is answered")) }
}

fn short_probe(place: &mut Place<'_>) -> Result<(), Fault> {
    let probe = place.probe(17, 0);
    unanswered(place, &probe, "a probe with a body of 46 bytes")
}

fn other_keys(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let (chan, epoch) = (place.keys.chan(), place.keys.epoch());
    let other = ChannelKeys::new(chan, &Secret(place.rng.secret.bytes()), epoch);
    let probe = place.probe(18, 0);
    let datagram = place.seal_as(&other, Clock::wall().day(), &probe);
    wire.send(&datagram);
    match wire.receive(place.options.silence) {
        None => Ok(()),
        Some(answer) => broken(format!("a probe under other keys got {} bytes", answer.len())),
    }
}

fn other_kinds(place: &mut Place<'_>) -> Result<(), Fault> {
    for first in [0x21, 0x16, 0x01] {
        let mut body = place.probe(60, 0);
        body[0] = first;
        unanswered(place, &body, &format!("a body that begins with {first:#04x}"))?;
    }
    Ok(())
}

/// An attempt that has just sent its hs1, and that datagram.
fn attempt(
    place: &mut Place<'_>,
    visitor: &Visitor,
    cookie: Cookie,
) -> Result<(Initiator, Vec<u8>), Fault> {
    let target = Target { remote: place.address, peer: None, cookie: Some(cookie) };
    let mut effects = Vec::new();
    let initiator =
        place.with_env(&visitor.local, &mut effects, |env| Initiator::start(env, target));
    Ok((initiator, sent(effects)?))
}

/// The one datagram that a machine sends.
fn sent(effects: Vec<Effect>) -> Result<Vec<u8>, Fault> {
    let datagram = effects.into_iter().find_map(|effect| match effect {
        Effect::Send { datagram, .. } => Some(datagram),
        _ => None,
    });
    datagram.ok_or_else(|| Fault::Untried("this side's handshake did not begin".to_owned()))
}

fn bad_cookie(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let visitor = place.visitor()?;
    let cookie = Cookie(place.rng.public.bytes());
    let (_, hs1) = attempt(place, &visitor, cookie)?;
    wire.send(&hs1);
    let answer = place.await_body(&mut wire, place.options.silence, |kind, _| kind == Kind::Hs2);
    if answer.is_none() { Ok(()) } else { broken("an invented cookie brought an hs2") }
}

fn greeting(place: &mut Place<'_>) -> Result<(), Fault> {
    let mut wire = place.wire()?;
    let visitor = place.visitor()?;
    let cookie = place.cookie(&mut wire)?;
    let (_, hs1) = attempt(place, &visitor, cookie)?;
    let body = place.open(&hs1).unwrap_or_default();
    let mut answers = Vec::new();
    for _ in 0..2 {
        // The same fields in a fresh envelope, as an initiator repeats them.
        let again = place.seal(&body);
        wire.send(&again);
        let hs2 = place.await_body(&mut wire, place.options.patience, |kind, _| kind == Kind::Hs2);
        let Some((datagram, body)) = hs2 else {
            return broken("hs1 with the cookie of an ack brings no hs2");
        };
        if body.len() < HS2_FIELDS {
            return broken(format!(
                "the body of hs2 has {} bytes, its fields {HS2_FIELDS}",
                body.len()
            ));
        }
        if datagram.len() > again.len() {
            return broken(format!("hs1 of {} bytes, hs2 of {}", again.len(), datagram.len()));
        }
        answers.push((datagram, body));
    }
    let [(first, fields), (second, same)] = &answers[..] else {
        return Err(Fault::Untried("hs1 was not answered twice".to_owned()));
    };
    if fields[..HS2_FIELDS] != same[..HS2_FIELDS] {
        return broken("a repeated hs1 brings an hs2 with other fields");
    }
    if first[..ENVELOPE_LEN] == second[..ENVELOPE_LEN] && body_len(first) == body_len(second) {
        return broken("hs2 is repeated in the same envelope");
    }
    Ok(())
}

/// A handshake as far as this side can take it: the session, hs3 under way.
pub(super) struct Met {
    pub(super) wire: Wire,
    pub(super) visitor: Visitor,
    pub(super) attempt: Initiator,
    pub(super) established: Box<Established>,
    pub(super) hs3: Vec<u8>,
}

/// Meets the peer as a stranger.
pub(super) fn meet(place: &mut Place<'_>) -> Result<Met, Fault> {
    let mut wire = place.wire()?;
    let visitor = place.visitor()?;
    let cookie = place.cookie(&mut wire)?;
    let (mut attempt, hs1) = attempt(place, &visitor, cookie)?;
    wire.send(&hs1);
    let patience = place.options.patience;
    let hs2 = place.await_body(&mut wire, patience, |kind, _| kind == Kind::Hs2);
    let Some((_, body)) = hs2 else {
        return Err(Fault::Untried("hs1 brings no hs2".to_owned()));
    };
    let (mut effects, from) = (Vec::new(), place.address);
    let read = place
        .with_env(&visitor.local, &mut effects, |env| attempt.handle_datagram(env, from, &body));
    if let Err(rejected) = read {
        return broken(format!("hs2: {rejected}"));
    }
    let at = effects.iter().position(|effect| matches!(effect, Effect::Established(_)));
    let Some(Effect::Established(established)) = at.map(|at| effects.remove(at)) else {
        return broken("hs2 makes no session");
    };
    let hs3 = sent(effects)?;
    Ok(Met { wire, visitor, attempt, established, hs3 })
}

fn certificate(place: &mut Place<'_>) -> Result<(), Fault> {
    meet(place).map(drop)
}

fn session(place: &mut Place<'_>) -> Result<(), Fault> {
    let met = meet(place).map_err(|fault| match fault {
        Fault::Broken(why) | Fault::Untried(why) => Fault::Untried(why),
    })?;
    let (session, wire, visitor) = Session::begin(place, met)?;
    place.talk = Some(Talk::new(session, wire, visitor));
    Ok(())
}
