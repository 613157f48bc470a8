//! Channels that are joined by a link alone.

use super::*;
use crate::base::target::TargetPolicy;
use crate::chatfile::JoinLink;

fn public_file() -> ChatFile {
    let mut rng = Rng::new(&Seed([201; 32])).secret;
    let draft = Draft { name: "square".into(), access: Access::Public, ..Draft::default() };
    draft.create(None, &mut rng, &Limits::default()).expect("the settings are valid")
}

impl World {
    /// Joins by what somebody else pasted.
    fn join_text(&mut self, of: usize, text: &str) -> ChannelHandle {
        let link = JoinLink::parse(text, &Limits::default(), TargetPolicy::PublicOnly);
        let now = self.time();
        let handle = self.hosts[of].node.join_link(now, &link.expect("a sound link"));
        let handle = handle.expect("joins");
        self.hosts[of].channel = Some(handle);
        self.drain();
        handle
    }

    fn is_ready(&self, of: usize) -> bool {
        self.hosts[of]
            .events
            .iter()
            .any(|event| matches!(event, Event::Channel(_, ChannelUpdate::Ready { .. })))
    }

    fn messages_told(&self, of: usize) -> usize {
        let told =
            |event: &&Event| matches!(event, Event::Channel(_, ChannelUpdate::Message { .. }));
        self.hosts[of].events.iter().filter(told).count()
    }
}

// BC-02.33
#[test]
fn a_link_is_enough_to_join_and_to_pass_the_channel_on() {
    for file in [file(), public_file()] {
        let text = JoinLink::from(&file).to_text();
        let mut world = World::new(3);
        world.join_file(0, &file);
        world.send(0, "said before").unwrap();
        let by_link = world.join_text(1, &text);
        world.join_text(2, &text);
        assert_eq!(world.hosts[1].node.chat_file(by_link), Ok(None));

        world.introduce(1, 2);
        world.run(SECOND * 5);
        assert_eq!(world.hosts[1].node.links().len(), 1, "they have met");
        assert!(!world.is_ready(1) && !world.is_ready(2), "but neither knows the channel");
        assert_eq!(world.send(1, "too early"), Err(SendError::NotReady));

        world.introduce(1, 0);
        world.run(SECOND * 5);
        let given = world.hosts[1].node.chat_file(by_link).unwrap().expect("given");
        assert_eq!(given.encode_bare(), file.encode_bare());
        assert!(world.is_ready(1) && world.is_ready(2), "what one is given it gives");
        world.send(1, "hello").unwrap();
        world.send(2, "good day").unwrap();
        world.run(SECOND * 60);
        assert_eq!(world.texts(0).len(), 3);
        assert_eq!(world.texts(1), world.texts(0));
        assert_eq!(world.texts(2), world.texts(0));
        // What came after the channel was ready was told; what was there is in the list.
        assert!(world.messages_told(2) >= 2);
    }
}

#[test]
fn the_next_stay_needs_the_link_and_nobody_else() {
    let text = JoinLink::from(&file()).to_text();
    let mut world = World::new(2);
    world.join(0);
    world.join_text(1, &text);
    world.introduce(0, 1);
    world.run(SECOND);
    world.send(1, "kept").unwrap();
    world.run(SECOND);
    let store = world.hosts[1].store.clone();
    world.hosts[1] = Host::new(1, world.now, store, 99);
    world.drain();
    world.join_text(1, &text);
    assert!(world.is_ready(1));
    assert_eq!(world.texts(1), ["kept"]);
    // By the file it is the same channel.
    let store = world.hosts[1].store.clone();
    world.hosts[1] = Host::new(1, world.now, store, 98);
    world.drain();
    world.join(1);
    assert_eq!(world.texts(1), ["kept"]);
    let damaged = |event: &Event| matches!(event, Event::Store(StoreUpdate::Damaged { .. }));
    assert!(!world.hosts[1].events.iter().any(damaged));
}

#[test]
fn a_damaged_record_of_info_is_asked_for_again() {
    let text = JoinLink::from(&file()).to_text();
    let mut world = World::new(2);
    world.join(0);
    world.join_text(1, &text);
    world.introduce(0, 1);
    world.run(SECOND);
    let mut store = world.hosts[1].store.clone();
    let info = file().encode_bare();
    let record = store.values_mut().find(|value| ***value == *info).expect("stored");
    *record = Bytes::from_static(b"de");
    world.hosts[1] = Host::new(1, world.now, store, 99);
    world.drain();
    world.join_text(1, &text);
    let damaged = |event: &Event| matches!(event, Event::Store(StoreUpdate::Damaged { .. }));
    assert!(world.hosts[1].events.iter().any(damaged) && !world.is_ready(1));
    world.introduce(1, 0);
    world.run(SECOND * 20);
    assert!(world.is_ready(1));
}

// BC-02.32
#[test]
fn a_link_with_a_false_rotate_is_found_out() {
    let lie = JoinLink { rotate: true, ..JoinLink::from(&file()) };
    let mut world = World::new(2);
    world.join(0);
    world.join_text(1, &lie.to_text());
    world.introduce(1, 0);
    world.run(SECOND * 5);
    assert!(!world.is_ready(1));
    let told = world.hosts[1].events.iter().find_map(|event| match event {
        Event::Link(_, LinkUpdate::Closed { reason: CloseReason::Violation(why), .. }) => {
            Some(why.clone())
        }
        _ => None,
    });
    assert!(told.expect("the link is closed").contains("ask for a new link"));
}

#[test]
fn a_link_is_refused_where_a_file_would_be() {
    let mut world = World::new(1);
    let (now, link) = (world.time(), JoinLink::from(&file()));
    world.join(0);
    let node = &mut world.hosts[0].node;
    assert_eq!(node.join_link(now, &link), Err(JoinError::AlreadyJoined));
    assert_eq!(node.chat_file(ChannelHandle(77)), Err(UnknownChannel));
    node.shutdown(now);
    assert_eq!(node.join_link(now, &link), Err(JoinError::ShuttingDown));
}
