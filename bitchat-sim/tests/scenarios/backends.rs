//! Which library computes is invisible: a seed gives the same trace on each, and on a mixture.

use crate::{UDP, agree, secs};
use bitchat_core::crypto::suite::{Backend, Suite};
use bitchat_sim::crew::Crew;

/// The trace of three members who meet, talk and renew their keys, each on one of `backends`.
fn trace(backends: [Backend; 3]) -> [u8; 32] {
    let mut crew = Crew::new(11, false);
    crew.world.add_tracker("tracker.example", 6_969);
    let chan = crew.channel("crew", &[UDP]);
    let all = backends.map(|backend| {
        let who = crew.member();
        crew.config(who).crypto = backend;
        crew.join(who, chan);
        crew.start(who);
        who
    });
    crew.expect(secs(60), "a full mesh", |crew| crew.meshed(chan));
    for who in all {
        crew.say(who, chan);
    }
    agree(&mut crew, chan, secs(60));
    crew.run(secs(130));
    crew.say(all[0], chan);
    agree(&mut crew, chan, secs(60));
    crew.finish().hash()
}

#[test]
fn every_back_end_gives_the_same_trace() {
    let backends: Vec<Backend> = Suite::ALL.iter().map(|suite| suite.backend()).collect();
    assert_eq!(backends, [Backend::RustCrypto, Backend::AwsLc]);
    let [pure, fast] = [backends[0], backends[1]];
    let expected = trace([pure; 3]);
    assert_eq!(trace([fast; 3]), expected);
    assert_eq!(trace([fast, pure, fast]), expected);
}
