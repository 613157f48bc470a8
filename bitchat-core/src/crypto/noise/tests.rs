use super::*;
use crate::base::rng::{Rng, Seed, Stream};
use crate::crypto::suite::{DhSecret, Secret};

mod snow_peer;

fn stream(seed: u8) -> Stream {
    Rng::new(&Seed([seed; 32])).secret
}
