//! The end of a session (spec 08 §Closing): one side closes or both, CLOSE is lost, doubled and
//! overtaken, keys are renewed meanwhile, and a program is started again.
//!
//! What a closed side still says is decided by `bitchat_core::link::session::close`, and which keys it says it
//! under by `bitchat_core::link::session::phases`.

use crate::net::{Budget, Net};
use bitchat_core::crypto::noise::Role;
use bitchat_core::link::session::close::{Closing, MAX_REPLIES};
use bitchat_core::link::session::phases::KeyPhases;
use bitchat_core::wire::packet::KeyPhase;
use stateright::{Model, Property};

/// What rule is checked: the one in use, or one of those that look as good and are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The one in use.
    Ours,
    /// A closed side answers every packet.
    AnswerAlways,
    /// Who hears a CLOSE answers with one, as if it had closed.
    AnswerClose,
    /// A side that has closed takes a CLOSE for a packet like others.
    AnswerCloseWithClose,
    /// No timer ends a side that hears nothing.
    NoSilence,
    /// CLOSE goes under the newest keys that were agreed, not under those in use.
    NewestKeys,
}

/// Beyond so many it is clear that there is no end.
const ENOUGH: u8 = MAX_REPLIES + 2;

/// How far the model goes.
#[derive(Clone, Copy, Debug)]
pub struct Close {
    /// Which rule.
    pub rule: Rule,
    /// Renewals that may be made.
    pub renewals: u64,
    /// Packets of data that each side sends.
    pub data: u8,
    /// How often a program may be started again: it knows nothing of the session then.
    pub restarts: u8,
    /// What the network may do.
    pub budget: Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum What {
    Data,
    Init(u64),
    Response(u64),
    Ping,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    from: usize,
    generation: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Open,
    Closing(Closing),
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Side {
    phases: KeyPhases,
    agreed: u64,
    life: Life,
    pending: bool,
    answer: Option<u64>,
    ping: bool,
    data: u8,
    closes: u8,
    /// Packets without a CLOSE that came after this side had closed.
    asked: u8,
    heard: bool,
    /// Something was said though a CLOSE had been heard.
    babbles: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    sides: [Side; 2],
    net: Net<Packet>,
    /// Who is going to close.
    closers: [bool; 2],
    restarts: u8,
    /// A CLOSE came to an open side that could not read it.
    unread: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Renew,
    Close(usize),
    Restart(usize),
    SendData(usize),
    Answer,
    Ping,
    SendClose(usize),
    Expire(usize),
    Silence(usize),
    Deliver(usize),
    DeliverCopy(usize),
    Lose(usize),
}

impl State {
    fn send(&mut self, from: usize, what: What) {
        let side = &mut self.sides[from];
        side.babbles |= side.heard;
        let generation = side.phases.send();
        self.net.send(Packet { from, generation, what });
    }

    fn receive(&mut self, rule: Rule, packet: Packet) {
        let at = 1 - packet.from;
        let side = &mut self.sides[at];
        if side.life == Life::Dead {
            return;
        }
        let key = side.phases.key_for(KeyPhase::of_epoch(packet.generation));
        let Some((key, _)) = key.filter(|(_, generation)| *generation == packet.generation) else {
            self.unread |= packet.what == What::Close && side.life == Life::Open;
            return;
        };
        side.phases.on_opened(key);
        let closes = packet.what == What::Close;
        side.heard |= closes;
        if let Life::Closing(closing) = &mut side.life {
            side.asked = (side.asked + u8::from(!closes)).min(ENOUGH);
            let heard = closes && rule != Rule::AnswerCloseWithClose;
            if rule == Rule::AnswerAlways && !heard {
                *closing = Closing::START;
            } else if !closing.on_packet(heard) {
                side.life = Life::Dead;
            }
            return;
        }
        match packet.what {
            What::Data | What::Ping => {}
            What::Init(generation) if generation == side.agreed + 1 => {
                side.agreed = generation;
                side.phases.install(generation);
                side.answer = Some(generation);
            }
            What::Response(generation) if generation == side.agreed + 1 => {
                side.agreed = generation;
                side.pending = false;
                side.phases.install(generation);
                side.ping = true;
            }
            What::Init(_) | What::Response(_) => {}
            What::Close if rule == Rule::AnswerClose => {
                side.life = Life::Closing(Closing::START);
            }
            What::Close => side.life = Life::Dead,
        }
    }

    fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.life == Life::Dead)
    }
}

impl Model for Close {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let side = |role| Side {
            phases: KeyPhases::new(role),
            agreed: 0,
            life: Life::Open,
            pending: false,
            answer: None,
            ping: false,
            data: self.data,
            closes: 0,
            asked: 0,
            heard: false,
            babbles: false,
        };
        let sides = [side(Role::Initiator), side(Role::Responder)];
        let closers = [[true, false], [false, true], [true, true]];
        let net = Net::new(self.budget);
        let state = |closers| State {
            sides: sides.clone(),
            net: net.clone(),
            closers,
            restarts: self.restarts,
            unread: false,
        };
        closers.map(state).to_vec()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let room = state.net.has_room();
        let [initiator, responder] = &state.sides;
        let is_open = |side: &Side| side.life == Life::Open;
        if is_open(initiator)
            && room
            && initiator.agreed < self.renewals
            && initiator.phases.may_start(initiator.pending)
        {
            actions.push(Action::Renew);
        }
        if is_open(responder) && room && responder.answer.is_some() {
            actions.push(Action::Answer);
        }
        if is_open(initiator) && room && initiator.ping {
            actions.push(Action::Ping);
        }
        for (at, side) in state.sides.iter().enumerate() {
            if state.restarts > 0 && side.life != Life::Dead {
                actions.push(Action::Restart(at));
            }
            match side.life {
                Life::Open => {
                    if state.closers[at] {
                        actions.push(Action::Close(at));
                    }
                    if room && side.data > 0 {
                        actions.push(Action::SendData(at));
                    }
                    // Nothing was heard for a minute, since nobody is there to be heard.
                    let other = &state.sides[1 - at];
                    let gone = other.life == Life::Dead;
                    let under_way = state.net.packets().iter().any(|packet| packet.from != at);
                    if gone && !under_way && self.rule != Rule::NoSilence {
                        actions.push(Action::Silence(at));
                    }
                }
                Life::Closing(closing) => {
                    if closing.is_due() && room {
                        actions.push(Action::SendClose(at));
                    }
                    actions.push(Action::Expire(at));
                }
                Life::Dead => {}
            }
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
            Action::Renew => {
                state.sides[0].pending = true;
                let generation = state.sides[0].agreed + 1;
                state.send(0, What::Init(generation));
            }
            Action::Answer => {
                let generation = state.sides[1].answer.take()?;
                state.send(1, What::Response(generation));
            }
            Action::Ping => {
                state.sides[0].ping = false;
                state.send(0, What::Ping);
            }
            Action::Close(at) => {
                state.sides[at].life = Life::Closing(Closing::START);
            }
            Action::Restart(at) => {
                state.restarts -= 1;
                state.sides[at].life = Life::Dead;
            }
            Action::SendData(at) => {
                state.sides[at].data -= 1;
                state.send(at, What::Data);
            }
            Action::SendClose(at) => {
                let side = &mut state.sides[at];
                side.closes = (side.closes + 1).min(ENOUGH);
                side.babbles |= side.heard;
                if let Life::Closing(closing) = &mut side.life {
                    closing.on_sent();
                }
                let generation = match self.rule {
                    Rule::NewestKeys => side.agreed,
                    _ => side.phases.send(),
                };
                state.net.send(Packet { from: at, generation, what: What::Close });
            }
            Action::Expire(at) | Action::Silence(at) => state.sides[at].life = Life::Dead,
            Action::Deliver(index) => {
                let packet = state.net.take(index);
                state.receive(self.rule, packet);
            }
            Action::DeliverCopy(index) => {
                let packet = state.net.copy(index);
                state.receive(self.rule, packet);
            }
            Action::Lose(index) => state.net.lose(index),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a CLOSE that arrives is understood", |_, state: &State| {
                !state.unread
            }),
            Property::always("a closed side answers three times at most", |_, state: &State| {
                state.sides.iter().all(|side| side.closes <= 1 + MAX_REPLIES)
            }),
            Property::always("a CLOSE is never answered", |_, state: &State| {
                state.sides.iter().all(|side| side.closes <= 1 + side.asked)
            }),
            Property::always("who hears a CLOSE says nothing more", |_, state: &State| {
                state.sides.iter().all(|side| !side.babbles)
            }),
            Property::eventually("both sides are over", |_, state: &State| state.is_over()),
            Property::always("at rest, both sides are over", |model: &Self, state: &State| {
                let mut actions = Vec::new();
                model.actions(state, &mut actions);
                !actions.is_empty() || state.is_over()
            }),
            Property::sometimes("both close at once", |_, state: &State| {
                state.sides.iter().all(|side| matches!(side.life, Life::Closing(_)))
            }),
            Property::sometimes("a CLOSE crosses another", |_, state: &State| {
                state.sides.iter().all(|side| side.closes > 0 && side.heard)
            }),
            Property::sometimes("one finds out by silence alone", |_, state: &State| {
                let [one, other] = &state.sides;
                state.is_over() && one.closes + other.closes == 1 && !one.heard && !other.heard
            }),
        ]
    }
}
