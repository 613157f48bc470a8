//! Who the ends are; and sessions without their handshake, which most schedules are not about: both
//! sides get the keys that it would have left.

use crate::world::EPOCH;
use bitchat_core::base::ids::{ChannelId, ConnectionId, Device, DeviceId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::{Rng, Seed};
use bitchat_core::base::time::UnixMillis;
use bitchat_core::crypto::channel_keys::{ChannelKeys, Epoch};
use bitchat_core::crypto::identity::{Certificate, Identity};
use bitchat_core::crypto::noise::Role;
use bitchat_core::crypto::suite::{DhPublic, DhSecret, Secret, Suite, hash};
use bitchat_core::handshake::{BootId, Established, SessionSecrets};
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::OnceLock;

/// The channel that both ends have.
pub(super) const CHANNEL: ChannelId = ChannelId([1; 20]);
/// Its MAC key.
pub(super) const CHANNEL_MAC: Secret = Secret([8; 32]);

/// Who an end is, in all schedules.
pub(super) struct Person {
    /// The same key for each back end.
    pub keys: Vec<DhSecret>,
    public: DhPublic,
    pub device: Device,
    pub certificate: Certificate,
}

/// The channel's keys for probes and handshakes.
pub(super) fn channel_keys() -> &'static ChannelKeys {
    static KEYS: OnceLock<ChannelKeys> = OnceLock::new();
    KEYS.get_or_init(|| ChannelKeys::new(CHANNEL, &Secret([9; 32]), Epoch::default()))
}

/// Who an end is.
pub(super) fn person_of(end: usize) -> &'static Person {
    &people()[end]
}

/// The two ends. Signing a certificate takes as long as a short schedule, so it is done once.
pub(super) fn people() -> &'static [Person; 2] {
    static PEOPLE: OnceLock<[Person; 2]> = OnceLock::new();
    PEOPLE.get_or_init(|| [person(1), person(2)])
}

fn person(name: u8) -> Person {
    let mut rng = Rng::new(&Seed([name; 32]));
    let key = DhSecret::generate(Suite::default(), &mut rng.secret);
    let identity = Identity::generate(&mut rng.secret);
    let (id, public) = (DeviceId([name; 16]), key.public());
    // In the middle of its life, so that a clock may be wrong by a month either way.
    let start = UnixMillis(EPOCH.0 - 45 * 86_400_000);
    let life = Certificate::MAX_LIFETIME;
    let certificate = Certificate::issue(&identity, id, public, start, life).expect("90 days");
    let device = Device { peer: identity.peer_id(), id };
    let keys =
        Suite::ALL.iter().map(|suite| DhSecret::from_bytes(*suite, &key.to_bytes())).collect();
    Person { keys, public, device, certificate }
}

/// The connection id that an end gives a session.
pub(super) fn connection_id(session: u32, end: usize) -> ConnectionId {
    let mut cid = [0; 8];
    cid[0] = if end == 0 { 0x0a } else { 0x0b };
    cid[4..].copy_from_slice(&session.to_be_bytes());
    ConnectionId(cid)
}

/// One end's side of the session numbered `session` of the schedule numbered `seed`. `boot` is the
/// peer's run.
pub(super) fn established(
    seed: u64,
    session: u32,
    end: usize,
    initiator: usize,
    boot: u8,
    remote: SocketAddr,
) -> Established {
    let secret = |what: &[u8]| {
        Secret(hash(&[b"schedule", &seed.to_le_bytes(), &session.to_le_bytes(), what]))
    };
    let peer = &people()[1 - end];
    Established {
        role: if end == initiator { Role::Initiator } else { Role::Responder },
        channel: (CHANNEL, Epoch::default()),
        device: peer.device,
        certificate: peer.certificate,
        remote_static: peer.public,
        local_cid: connection_id(session, end),
        remote_cid: connection_id(session, 1 - end),
        features: 0,
        boot: BootId([boot; 16]),
        handshake_hash: secret(b"hash").0,
        secrets: SessionSecrets {
            i2r: secret(b"i2r"),
            r2i: secret(b"r2i"),
            mask_i2r: secret(b"mask i2r"),
            mask_r2i: secret(b"mask r2i"),
            exporter: secret(b"exporter"),
        },
        resumed: false,
        proven_current: false,
        remote,
        rtt: None,
    }
}

/// Bounds of the links of a schedule.
pub(super) fn limits() -> &'static Limits {
    static LIMITS: OnceLock<Limits> = OnceLock::new();
    LIMITS.get_or_init(Limits::default)
}

/// How long a link waits before it says that it lives, and before it believes that nobody is there.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(15);
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
