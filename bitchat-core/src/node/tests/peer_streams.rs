//! Byte streams between two members' applications.

use super::*;
use crate::base::ids::PeerStream;
use crate::node::{StreamFailure, StreamRead, StreamUpdate};

fn linked() -> World {
    let mut world = World::new(2);
    world.join(0);
    world.join(1);
    world.introduce(0, 1);
    world.run(SECOND);
    world
}

impl World {
    /// Asks the other host for a stream.
    fn open_stream(&mut self, of: usize, name: &str) -> Result<PeerStream, StreamFailure> {
        let now = self.time();
        let device = self.hosts[1 - of].node.device().expect("a device");
        let channel = self.hosts[of].channel.expect("joined");
        let opened = self.hosts[of].node.open_stream(now, channel, device, name);
        self.run(SECOND);
        opened
    }

    /// What became of the streams of a host.
    fn told(&self, of: usize) -> Vec<(PeerStream, StreamUpdate)> {
        let told = self.hosts[of].events.iter().filter_map(|event| match event {
            Event::Stream(stream, update) => Some((*stream, update.clone())),
            _ => None,
        });
        told.collect()
    }

    /// The stream that a host was asked for last.
    fn requested(&self, of: usize) -> PeerStream {
        let device = self.hosts[1 - of].node.device().expect("a device");
        let channel = self.hosts[of].channel.expect("joined");
        let name = "files".to_owned();
        let asked = StreamUpdate::Requested { channel, device, name };
        let told = self.told(of).into_iter().rev().find(|(_, update)| *update == asked);
        told.expect("a request").0
    }
}

#[test]
fn applications_of_two_members_exchange_bytes_until_both_have_ended() {
    let mut world = linked();
    let ours = world.open_stream(0, "files").unwrap();
    let theirs = world.requested(1);
    let now = world.time();
    assert!(world.hosts[1].node.accept_stream(now, theirs));
    assert_eq!(world.hosts[1].node.write_stream(now, theirs, b"which one?"), Ok(10));
    world.run(SECOND);
    assert!(world.told(0).contains(&(ours, StreamUpdate::Accepted)), "{:?}", world.told(0));
    assert!(world.told(0).contains(&(ours, StreamUpdate::Readable)), "{:?}", world.told(0));
    let now = world.time();
    let read = world.hosts[0].node.read_stream(now, ours, 5);
    assert_eq!(read, Ok(StreamRead::Data(Bytes::from_static(b"which"))));
    let read = world.hosts[0].node.read_stream(now, ours, 50);
    assert_eq!(read, Ok(StreamRead::Data(Bytes::from_static(b" one?"))));
    assert_eq!(world.hosts[0].node.read_stream(now, ours, 50), Ok(StreamRead::Pending));
    assert_eq!(world.hosts[0].node.write_stream(now, ours, b"all"), Ok(3));
    assert_eq!(world.hosts[0].node.finish_stream(now, ours), Ok(()));
    assert_eq!(world.hosts[1].node.finish_stream(now, theirs), Ok(()));
    world.run(SECOND);
    let now = world.time();
    let read = world.hosts[1].node.read_stream(now, theirs, 50);
    assert_eq!(read, Ok(StreamRead::Data(Bytes::from_static(b"all"))));
    assert_eq!(world.hosts[1].node.read_stream(now, theirs, 50), Ok(StreamRead::Finished));
    assert_eq!(world.hosts[0].node.read_stream(now, ours, 50), Ok(StreamRead::Finished));
    for (host, stream) in world.hosts.iter_mut().zip([ours, theirs]) {
        let gone = host.node.read_stream(now, stream, 50);
        assert_eq!(gone, Err(StreamFailure::Unknown), "both directions are over");
        assert_eq!(host.node.links().len(), 1);
    }
}

#[test]
fn a_refusal_a_reset_and_the_end_of_the_link_are_told() {
    let mut world = linked();
    let ours = world.open_stream(0, "files").unwrap();
    let theirs = world.requested(1);
    let now = world.time();
    assert!(world.hosts[1].node.refuse_stream(now, theirs));
    assert!(!world.hosts[1].node.accept_stream(now, theirs), "it was answered");
    world.run(SECOND);
    assert!(world.told(0).contains(&(ours, StreamUpdate::Closed { code: 2 })));

    let ours = world.open_stream(0, "files").unwrap();
    let theirs = world.requested(1);
    let now = world.time();
    assert!(world.hosts[1].node.accept_stream(now, theirs));
    assert!(world.hosts[0].node.reset_stream(now, ours, 70));
    world.run(SECOND);
    let now = world.time();
    assert_eq!(world.hosts[1].node.read_stream(now, theirs, 9), Ok(StreamRead::Reset(70)));

    let ours = world.open_stream(0, "files").unwrap();
    let now = world.time();
    let channel = world.hosts[1].channel.expect("joined");
    world.hosts[1].node.leave(now, channel).expect("joined");
    world.run(SECOND);
    assert!(world.told(0).contains(&(ours, StreamUpdate::Closed { code: 0 })));
}

#[test]
fn only_a_member_who_is_here_is_asked() {
    let mut world = linked();
    for name in ["", &"n".repeat(129)] {
        assert_eq!(world.open_stream(0, name), Err(StreamFailure::Name));
    }
    let (now, stranger) = (world.time(), world.hosts[0].node.device().expect("a device"));
    let channel = world.hosts[0].channel.expect("joined");
    let node = &mut world.hosts[0].node;
    let to = |node: &mut Node, channel, device| node.open_stream(now, channel, device, "files");
    assert_eq!(to(node, channel, stranger), Err(StreamFailure::NotShared), "nobody calls itself");
    let (device, nowhere) = (world.hosts[1].node.device().expect("a device"), ChannelHandle(99));
    let node = &mut world.hosts[0].node;
    assert_eq!(to(node, nowhere, device), Err(StreamFailure::NotShared));
    let limit = Limits::default().link.byte_streams;
    for _ in 0..limit {
        world.open_stream(0, "files").unwrap();
    }
    assert_eq!(world.open_stream(0, "files"), Err(StreamFailure::Limit));
    assert_eq!(world.hosts[1].node.links().len(), 1, "a limit ends no link");
}
