//! snow: the handshake pattern that Bit Chat uses, and its transport as AEAD with little around it.

use snow::params::NoiseParams;
use snow::resolvers::{BoxedCryptoResolver, DefaultResolver, FallbackResolver, RingResolver};
use snow::{Builder, Keypair, TransportState};

const PATTERN: &str = "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s";
const PSK: [u8; 32] = [7; 32];

/// Which implementations snow is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    RustCrypto,
    /// ring for what it offers, RustCrypto for the rest.
    Ring,
}

impl Backend {
    fn resolver(self) -> BoxedCryptoResolver {
        match self {
            Self::RustCrypto => Box::new(DefaultResolver),
            Self::Ring => {
                let (ring, rest) = (Box::new(RingResolver), Box::new(DefaultResolver));
                Box::new(FallbackResolver::new(ring, rest))
            }
        }
    }

    fn builder(self) -> Builder<'static> {
        let params: NoiseParams = PATTERN.parse().expect("a pattern of snow's");
        Builder::with_resolver(params, self.resolver())
    }
}

/// Two parties that meet again and again.
pub struct Meeting {
    backend: Backend,
    keys: [Keypair; 2],
}

impl Meeting {
    pub fn new(backend: Backend) -> Self {
        let pair = || backend.builder().generate_keypair().expect("a key pair");
        Self { backend, keys: [pair(), pair()] }
    }

    /// A whole handshake.
    pub fn meet(&self) -> [TransportState; 2] {
        let build = |of: usize| {
            let builder = self.backend.builder();
            let builder = builder.local_private_key(&self.keys[of].private).expect("a key");
            builder.psk(0, &PSK).expect("a psk")
        };
        let mut initiator = build(0).build_initiator().expect("complete");
        let mut responder = build(1).build_responder().expect("complete");
        let (mut wire, mut payload) = ([0; 256], [0; 256]);
        let len = initiator.write_message(&[], &mut wire).expect("message 1");
        responder.read_message(&wire[..len], &mut payload).expect("message 1");
        let len = responder.write_message(&[], &mut wire).expect("message 2");
        initiator.read_message(&wire[..len], &mut payload).expect("message 2");
        let len = initiator.write_message(&[], &mut wire).expect("message 3");
        responder.read_message(&wire[..len], &mut payload).expect("message 3");
        [initiator, responder].map(|state| state.into_transport_mode().expect("finished"))
    }

    /// Seals and opens `count` payloads of `len` bytes.
    pub fn carry(ends: &mut [TransportState; 2], len: usize, count: u64) {
        let (payload, mut wire, mut out) = (vec![7; len], vec![0; len + 16], vec![0; len + 16]);
        for _ in 0..count {
            let sealed = ends[0].write_message(&payload, &mut wire).expect("sealed");
            ends[1].read_message(&wire[..sealed], &mut out).expect("opened");
        }
    }
}
