//! Ids of nodes: points of a ring of 160 bits, how far apart two of them are, and which of them an
//! address may carry (BEP 42).

use crate::base::ids::InfoHash;
use crate::base::rng::Stream;
use core::fmt;
use core::net::IpAddr;

/// Bits of an id.
pub(crate) const ID_BITS: usize = 160;

/// The id of a DHT node, or the place of an infohash among them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub [u8; 20]);

impl NodeId {
    /// An id that nobody chose.
    #[must_use]
    pub fn random(rng: &mut Stream) -> Self {
        Self(rng.bytes())
    }

    /// An id that fits the address `ip` by BEP 42, so that whoever has one address cannot choose
    /// what it is asked about.
    #[must_use]
    pub fn for_address(ip: IpAddr, rng: &mut Stream) -> Self {
        let mut id = Self::random(rng);
        let seed = id.0[19];
        let prefix = prefix(ip, seed);
        id.0[0] = prefix[0];
        id.0[1] = prefix[1];
        id.0[2] = (prefix[2] & 0xf8) | (id.0[2] & 0x07);
        id
    }

    /// Whether the node at `ip` may have this id by BEP 42. Addresses that are not public fit any id.
    #[must_use]
    pub fn fits(&self, ip: IpAddr) -> bool {
        if !crate::base::target::is_public_target(ip) {
            return true;
        }
        let prefix = prefix(ip, self.0[19]);
        self.0[0] == prefix[0] && self.0[1] == prefix[1] && (self.0[2] ^ prefix[2]) & 0xf8 == 0
    }

    /// The distance of two ids: their exclusive or, compared as a number.
    #[must_use]
    pub fn distance(&self, other: &Self) -> Distance {
        let mut out = [0; 20];
        for (byte, (one, two)) in out.iter_mut().zip(self.0.iter().zip(&other.0)) {
            *byte = one ^ two;
        }
        Distance(out)
    }

    /// A random id that has its first `bits` bits in common with this one, and not the next.
    #[must_use]
    pub fn sibling(&self, bits: usize, rng: &mut Stream) -> Self {
        let mut id: [u8; 20] = rng.bytes();
        let bits = bits.min(ID_BITS - 1);
        for bit in 0..=bits {
            let (byte, mask) = (bit / 8, 0x80_u8 >> (bit % 8));
            let own = self.0[byte] & mask;
            let wanted = if bit == bits { own ^ mask } else { own };
            id[byte] = (id[byte] & !mask) | wanted;
        }
        Self(id)
    }
}

impl From<InfoHash> for NodeId {
    fn from(hash: InfoHash) -> Self {
        Self(hash.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeId(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// How far two ids are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Distance([u8; 20]);

impl Distance {
    /// Bits that the two ids have in common at their start: 160 if they are equal.
    #[must_use]
    pub fn common_bits(&self) -> usize {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        let partial = self.0.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
        zeros * 8 + partial
    }
}

/// The first 21 bits of an id (BEP 42): the checksum of the address, masked, with three bits of the
/// id's last byte.
fn prefix(ip: IpAddr, seed: u8) -> [u8; 4] {
    const V4_MASK: [u8; 4] = [0x03, 0x0f, 0x3f, 0xff];
    const V6_MASK: [u8; 8] = [0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff];
    let r = (seed & 7) << 5;
    let checksum = match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let mut bytes = ip.octets();
            bytes.iter_mut().zip(V4_MASK).for_each(|(byte, mask)| *byte &= mask);
            bytes[0] |= r;
            crc32c(&bytes)
        }
        IpAddr::V6(ip) => {
            let mut bytes = [0; 8];
            let masked = ip.octets().into_iter().zip(V6_MASK).map(|(byte, mask)| byte & mask);
            bytes.iter_mut().zip(masked).for_each(|(byte, masked)| *byte = masked);
            bytes[0] |= r;
            crc32c(&bytes)
        }
    };
    checksum.to_be_bytes()
}

/// The checksum of RFC 3720, B.4. Eight bytes are the most that is ever summed, so bit by bit will do.
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests;
