//! Key renewal (spec 08 §Renewal): the real decisions of `bitchat_core::link::session::phases` over a network
//! that loses, doubles and reorders packets, with the control stream that repeats what was lost.
//!
//! The initiator drives, the responder may ask; ML-KEM runs in the first renewal and in every second
//! one after it. An old receive key may be erased at any moment at which the rule lets it be.

use crate::net::{Budget, Net};
use bitchat_core::crypto::noise::Role;
use bitchat_core::link::session::phases::{KeyPhases, ReceiveKey};
use bitchat_core::wire::packet::KeyPhase;
use stateright::{Model, Property};

/// What rule is checked: the one in use, or one of those that look as good and are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The one in use.
    Ours,
    /// The old receive key is erased by the clock, whether or not the peer has shown the new one.
    EraseByClock,
    /// The responder sends under the new keys as soon as it has answered.
    ResponderSwitchesAtOnce,
    /// Neither side says anything when it has taken new keys into use.
    NoConfirmation,
    /// The old receive key is erased when the new one comes.
    NoPrevious,
    /// Either side may start a renewal.
    BothStart,
    /// A renewal may start while another is pending.
    StartWhilePending,
}

/// How far the model goes.
#[derive(Clone, Copy, Debug)]
pub struct Rekey {
    /// Which rule.
    pub rule: Rule,
    /// So many renewals are to be completed.
    pub renewals: u64,
    /// How often the responder asks for one.
    pub asks: u8,
    /// What the network may do.
    pub budget: Budget,
}

/// A message of the control stream, or a PING: what is repeated until it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    Init { generation: u64, kem: bool },
    Response { generation: u64, kem: bool },
    Ask,
    Ping,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    from: usize,
    generation: u64,
    /// The place of an item in the sender's stream, and the item.
    item: Option<(u8, Item)>,
    /// So many items of the peer have arrived.
    acknowledges: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Side {
    phases: KeyPhases,
    /// The old receive key may be erased from now on.
    fading: bool,
    /// The renewal that was started and not answered, and whether ML-KEM runs in it.
    pending: Option<(u64, bool)>,
    /// The newest renewal that this side has agreed to.
    agreed: u64,
    asked: bool,
    /// What is not acknowledged, and how much was before it.
    unacknowledged: Vec<Item>,
    acknowledged: u8,
    got: u8,
    owes_ack: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    sides: [Side; 2],
    net: Net<Packet>,
    asks: u8,
    /// A message came out of turn: the link would close.
    violation: bool,
    /// A packet came under a key that is not there any more, though its sender still used it.
    unreadable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Start(usize),
    Ask,
    Send(usize),
    Deliver(usize),
    DeliverCopy(usize),
    Lose(usize),
    Erase(usize),
}

const INITIATOR: usize = 0;
const RESPONDER: usize = 1;

const fn with_kem(generation: u64) -> bool {
    generation % 2 == 1
}

impl Side {
    const fn new(role: Role) -> Self {
        Self {
            phases: KeyPhases::new(role),
            fading: false,
            pending: None,
            agreed: 0,
            asked: false,
            unacknowledged: Vec::new(),
            acknowledged: 0,
            got: 0,
            owes_ack: false,
        }
    }

    fn install(&mut self, rule: Rule, generation: u64) {
        let in_use = self.phases.install(generation);
        if in_use && rule == Rule::NoPrevious {
            self.phases.on_erased();
        }
        self.fading = in_use && rule == Rule::EraseByClock;
        if in_use {
            self.asked = false;
        }
        if !in_use && rule == Rule::ResponderSwitchesAtOnce {
            self.opened(rule, ReceiveKey::Next);
        }
    }

    fn opened(&mut self, rule: Rule, key: ReceiveKey) {
        let opened = self.phases.on_opened(key);
        self.fading |= opened.fades;
        if key == ReceiveKey::Next {
            self.asked = false;
            self.fading = true;
            if rule == Rule::NoPrevious {
                self.phases.on_erased();
            }
            if rule != Rule::NoConfirmation {
                self.unacknowledged.push(Item::Ping);
            }
        }
    }

    /// Takes an item; false if it closes the link.
    fn take(&mut self, rule: Rule, item: Item) -> bool {
        match item {
            Item::Ask | Item::Ping => true,
            Item::Init { generation, kem } => {
                if generation != self.agreed + 1 || !self.phases.may_answer() {
                    return false;
                }
                self.agreed = generation;
                self.install(rule, generation);
                self.unacknowledged.push(Item::Response { generation, kem });
                true
            }
            Item::Response { generation, kem } => {
                if self.pending.take() != Some((generation, kem)) || generation != self.agreed + 1 {
                    return false;
                }
                self.agreed = generation;
                self.install(rule, generation);
                if rule != Rule::NoConfirmation {
                    self.unacknowledged.push(Item::Ping);
                }
                true
            }
        }
    }
}

impl State {
    /// A packet of side `at` with an acknowledgement and the item at `place` among those that are not
    /// acknowledged.
    fn packet(&self, at: usize, place: Option<usize>) -> Packet {
        let side = &self.sides[at];
        let item = place.and_then(|place| {
            let item = *side.unacknowledged.get(place)?;
            Some((side.acknowledged + u8::try_from(place).ok()?, item))
        });
        Packet { from: at, generation: side.phases.send(), item, acknowledges: side.got }
    }

    /// The first item that nothing under way carries or acknowledges: a sender's timers are about it.
    fn next_to_send(&self, at: usize) -> Option<usize> {
        let side = &self.sides[at];
        let peer = &self.sides[1 - at];
        (0..side.unacknowledged.len()).find(|place| {
            let place = side.acknowledged + u8::try_from(*place).unwrap_or(u8::MAX);
            let settles = |packet: &Packet| match packet.from == at {
                true => packet.item.is_some_and(|(carried, _)| carried == place),
                false => packet.acknowledges > place,
            };
            !self.net.packets().iter().any(settles) && !(peer.owes_ack && peer.got > place)
        })
    }

    fn receive(&mut self, rule: Rule, packet: &Packet) {
        let at = 1 - packet.from;
        let sender_generation = self.sides[packet.from].phases.send();
        let side = &mut self.sides[at];
        let key = side.phases.key_for(KeyPhase::of_epoch(packet.generation));
        let Some((key, _)) = key.filter(|(_, generation)| *generation == packet.generation) else {
            // It does not authenticate. That is as well where its sender has newer keys by now.
            self.unreadable |= packet.generation == sender_generation;
            return;
        };
        side.opened(rule, key);
        let news = packet.acknowledges.saturating_sub(side.acknowledged);
        side.unacknowledged.drain(..usize::from(news).min(side.unacknowledged.len()));
        side.acknowledged += news;
        if let Some((place, item)) = packet.item {
            side.owes_ack = true;
            if place == side.got {
                side.got += 1;
                self.violation |= !side.take(rule, item);
            }
        }
    }

    fn start(&mut self, at: usize) {
        let side = &mut self.sides[at];
        let generation = side.agreed + 1;
        let kem = with_kem(generation);
        side.pending = Some((generation, kem));
        side.unacknowledged.push(Item::Init { generation, kem });
    }

    fn may_start(&self, model: &Rekey, at: usize) -> bool {
        let side = &self.sides[at];
        let may = match model.rule {
            Rule::BothStart => side.pending.is_none(),
            Rule::StartWhilePending => at == INITIATOR && side.unacknowledged.len() < 3,
            _ => side.phases.may_start(side.pending.is_some()),
        };
        may && side.agreed < model.renewals
    }

    fn is_done(&self, model: &Rekey) -> bool {
        let all = self.sides.iter().all(|side| side.phases.send() == model.renewals);
        all && self.sides.iter().all(|side| side.phases.is_confirmed())
    }

    /// Whether all renewals complete from here if nothing is lost any more.
    fn heals(&self, model: &Rekey) -> bool {
        let mut state = self.clone();
        state.net.clear();
        for _ in 0..20 * model.renewals {
            if state.is_done(model) {
                return true;
            }
            for at in [INITIATOR, RESPONDER] {
                if state.may_start(model, at) && model.rule != Rule::StartWhilePending {
                    state.start(at);
                }
                let side = &state.sides[at];
                if side.unacknowledged.is_empty() && !side.owes_ack {
                    continue;
                }
                let packet = state.packet(at, Some(0));
                state.sides[at].owes_ack = false;
                state.receive(model.rule, &packet);
            }
        }
        false
    }
}

impl Model for Rekey {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let sides = [Side::new(Role::Initiator), Side::new(Role::Responder)];
        let net = Net::new(self.budget);
        vec![State { sides, net, asks: self.asks, violation: false, unreadable: false }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.violation {
            return;
        }
        for at in [INITIATOR, RESPONDER] {
            let side = &state.sides[at];
            if state.may_start(self, at) {
                actions.push(Action::Start(at));
            }
            let wants = side.owes_ack || state.next_to_send(at).is_some();
            let repeats = state.net.may_repeat() && !side.unacknowledged.is_empty();
            if state.net.has_room() && (wants || repeats) {
                actions.push(Action::Send(at));
            }
            if side.fading {
                actions.push(Action::Erase(at));
            }
        }
        let responder = &state.sides[RESPONDER];
        if state.asks > 0 && !responder.asked && responder.phases.may_ask() {
            actions.push(Action::Ask);
        }
        for packet in 0..state.net.packets().len() {
            actions.push(Action::Deliver(packet));
            if state.net.may_copy() {
                actions.push(Action::DeliverCopy(packet));
            }
            if state.net.may_lose() {
                actions.push(Action::Lose(packet));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Start(at) => state.start(at),
            Action::Ask => {
                state.asks -= 1;
                state.sides[RESPONDER].asked = true;
                state.sides[RESPONDER].unacknowledged.push(Item::Ask);
            }
            Action::Send(at) => {
                let mut place = state.next_to_send(at);
                if place.is_none() && !state.sides[at].owes_ack {
                    state.net.repeats();
                    place = Some(0);
                }
                let packet = state.packet(at, place);
                state.sides[at].owes_ack = false;
                state.net.send(packet);
            }
            Action::Deliver(index) => {
                let packet = state.net.take(index);
                state.receive(self.rule, &packet);
            }
            Action::DeliverCopy(index) => {
                let packet = state.net.copy(index);
                state.receive(self.rule, &packet);
            }
            Action::Lose(index) => state.net.lose(index),
            Action::Erase(at) => {
                state.sides[at].fading = false;
                state.sides[at].phases.on_erased();
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("what a side sends now, the other can read", |_, state: &State| {
                let reads = |from: &Side, to: &Side| {
                    let generation = from.phases.send();
                    let key = to.phases.key_for(KeyPhase::of_epoch(generation));
                    key.is_some_and(|(_, found)| found == generation)
                };
                let [one, other] = &state.sides;
                reads(one, other) && reads(other, one) && !state.unreadable
            }),
            Property::always("no honest message is out of turn", |_, state: &State| {
                !state.violation
            }),
            Property::always(
                "once the line is good, all renewals complete",
                |model: &Self, state: &State| state.violation || state.heals(model),
            ),
            Property::eventually("all renewals complete", |model: &Self, state: &State| {
                state.is_done(model)
            }),
            Property::always(
                "at rest, all renewals are complete",
                |model: &Self, state: &State| {
                    let mut actions = Vec::new();
                    model.actions(state, &mut actions);
                    !actions.is_empty() || state.violation || state.is_done(model)
                },
            ),
            Property::sometimes("an old packet comes after the new keys", |_, state: &State| {
                let old = |packet: &Packet| {
                    packet.generation < state.sides[1 - packet.from].phases.send()
                };
                state.net.packets().iter().any(old)
            }),
        ]
    }
}
