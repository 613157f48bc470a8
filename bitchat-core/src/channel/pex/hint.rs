//! A member as PEERS names it: what is known of it, as facts of which a reader skips those that it
//! does not know.

use super::route;
use crate::base::ids::{Device, DeviceId, PeerId};
use crate::base::via::Route;
use crate::wire::reader::{DecodeError, Reader};
use crate::wire::varint;
use crate::wire::writer::Put;
use bytes::BufMut;

/// Routes of one member (BC-09.26).
pub(super) const MAX_ROUTES: usize = 8;
/// Bytes of one member behind its length (BC-09.61).
const MAX_MEMBER: usize = 1_024;
/// Bytes of one member as it is written here, with all its routes.
pub(in crate::channel) const PEER_MAX: usize =
    2 + 32 + 16 + 8 + MAX_ROUTES * (2 + 48) + (2 + 8) + (2 + 1);

const CAPABILITIES: u64 = 4;
const MAPPING: u64 = 5;

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::channel) struct Statement {
    pub(in crate::channel) routes: Vec<Route>,
    /// Bits of what the member offers.
    pub(in crate::channel) capabilities: u64,
    pub(in crate::channel) mapping: Mapping,
}

/// How networks translate the addresses of a member, as far as it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::channel) enum Mapping {
    #[default]
    Unknown,
    /// Not at all.
    None,
    /// To one address, whoever the datagrams are for.
    Same,
    /// To another address for each destination.
    Differs,
}

/// A member and how it may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::channel) struct PeerHint {
    pub(in crate::channel) device: Device,
    /// Seconds since the sender last had a link to the member.
    pub(in crate::channel) age: u64,
    pub(in crate::channel) of: Statement,
}

impl PeerHint {
    pub(in crate::channel) fn read(list: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut r = Reader::new(list.prefixed(MAX_MEMBER)?);
        let device = Device { peer: PeerId(r.array()?), id: DeviceId(r.array()?) };
        let age = r.varint()?;
        let mut of = Statement::default();
        while !r.is_empty() {
            let kind = r.varint()?;
            of.add(kind, r.prefixed(MAX_MEMBER)?)?;
        }
        Ok(Self { device, age, of })
    }

    pub(in crate::channel) fn put(&self, out: &mut Vec<u8>) {
        let mut member = Vec::with_capacity(PEER_MAX);
        member.put_slice(&self.device.peer.0);
        member.put_slice(&self.device.id.0);
        member.put_varint(self.age);
        let mut fact = |kind: u64, value: &[u8]| {
            member.put_varint(kind);
            member.put_prefixed(value);
        };
        for route in self.of.routes.iter().take(MAX_ROUTES) {
            let (kind, value) = route::put(*route);
            fact(kind, &value);
        }
        if self.of.capabilities != 0 {
            let mut bits = Vec::new();
            bits.put_varint(self.of.capabilities.min(varint::MAX));
            fact(CAPABILITIES, &bits);
        }
        if let Some(code) = self.of.mapping.code() {
            fact(MAPPING, &[code]);
        }
        out.put_prefixed(&member);
    }
}

impl Statement {
    /// One fact. Kinds that are not known are skipped (BC-09.61).
    fn add(&mut self, kind: u64, value: &[u8]) -> Result<(), DecodeError> {
        if let Some(route) = route::read(kind, value)? {
            if self.routes.len() >= MAX_ROUTES {
                let found = self.routes.len() as u64 + 1;
                return Err(DecodeError::TooLong { found, limit: MAX_ROUTES as u64 });
            }
            self.routes.push(route);
            return Ok(());
        }
        let mut r = Reader::new(value);
        match kind {
            CAPABILITIES => self.capabilities = r.varint()?,
            MAPPING => self.mapping = Mapping::from_code(r.u8()?),
            _ => return Ok(()),
        }
        r.finish()
    }
}

impl Mapping {
    const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::None,
            2 => Self::Same,
            3 => Self::Differs,
            _ => Self::Unknown,
        }
    }

    const fn code(self) -> Option<u8> {
        match self {
            Self::Unknown => None,
            Self::None => Some(1),
            Self::Same => Some(2),
            Self::Differs => Some(3),
        }
    }
}
