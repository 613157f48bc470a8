//! ring's ChaCha20-Poly1305 suite with the packet protection of QUIC done by the crate that Bit Chat
//! uses, so that the rest of the two programs can be compared. Header protection stays ring's.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Tag as PolyTag};
use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::cipher::{AeadKey, Iv, Nonce};
use rustls::crypto::ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
use rustls::quic::{Algorithm, HeaderProtectionKey, PacketKey, Tag};
use rustls::{Error, Tls13CipherSuite};
use std::sync::LazyLock;

const TAG_LEN: usize = 16;

/// The suite.
pub fn suite() -> &'static Tls13CipherSuite {
    static SUITE: LazyLock<Tls13CipherSuite> = LazyLock::new(|| {
        let ring = TLS13_CHACHA20_POLY1305_SHA256.tls13().expect("a suite of TLS 1.3");
        Tls13CipherSuite {
            common: CipherSuiteCommon {
                suite: ring.common.suite,
                hash_provider: ring.common.hash_provider,
                confidentiality_limit: ring.common.confidentiality_limit,
            },
            hkdf_provider: ring.hkdf_provider,
            aead_alg: ring.aead_alg,
            quic: Some(&RustCrypto),
        }
    });
    &SUITE
}

struct RustCrypto;

impl Algorithm for RustCrypto {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn PacketKey> {
        let cipher = ChaCha20Poly1305::new_from_slice(key.as_ref()).expect("32 bytes");
        Box::new(Key { cipher, iv })
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn HeaderProtectionKey> {
        let ring = TLS13_CHACHA20_POLY1305_SHA256.tls13().and_then(|suite| suite.quic);
        ring.expect("ring's suites know QUIC").header_protection_key(key)
    }

    fn aead_key_len(&self) -> usize {
        32
    }
}

struct Key {
    cipher: ChaCha20Poly1305,
    iv: Iv,
}

impl PacketKey for Key {
    fn encrypt_in_place(&self, pn: u64, header: &[u8], payload: &mut [u8]) -> Result<Tag, Error> {
        let nonce = Nonce::new(&self.iv, pn).0.into();
        let tag = self.cipher.encrypt_inout_detached(&nonce, header, payload.into());
        tag.map(|tag| Tag::from(tag.as_slice())).map_err(|_| Error::EncryptError)
    }

    fn decrypt_in_place<'a>(
        &self,
        pn: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        let nonce = Nonce::new(&self.iv, pn).0.into();
        let (data, tag) = payload.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::DecryptError)?;
        let tag = PolyTag::from(*tag);
        let opened = self.cipher.decrypt_inout_detached(&nonce, header, (&mut *data).into(), &tag);
        opened.map(|()| &*data).map_err(|_| Error::DecryptError)
    }

    fn tag_len(&self) -> usize {
        TAG_LEN
    }

    fn confidentiality_limit(&self) -> u64 {
        u64::MAX
    }

    fn integrity_limit(&self) -> u64 {
        1 << 36
    }
}
