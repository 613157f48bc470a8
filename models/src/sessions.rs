//! Several sessions of one pair (spec 05 §Two sessions of one pair): both dial at once, over several
//! addresses, and restart; `bitchat_core::handshake::session_to_keep` decides.
//!
//! When the losers are closed is the rule of `node/sessions/duplicate_sessions.rs`, written again here: the tests of the
//! node (`node/tests/sessions.rs`) and the schedules of `bitchat-sim` hold the code to it.

use crate::net::{Budget, Net};
use bitchat_core::crypto::suite::DhPublic;
use bitchat_core::handshake::{BootId, TieBreak, DuplicateSession, session_to_keep};
use stateright::{Model, Property};

/// What rule is checked: the one in use, or one of those that look as good and are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The one in use.
    Ours,
    /// Each side keeps the session that was there first.
    KeepFirst,
    /// Each side keeps the session that it established last.
    KeepLast,
    /// The sessions are compared one after the other, the later boot id winning.
    OneByOne,
    /// The winner closes also what another run has just begun.
    CloseBeginners,
    /// Boot ids are not compared.
    IgnoreBoots,
    /// The losers are never closed.
    NeverClose,
}

/// How far the model goes.
#[derive(Clone, Copy, Debug)]
pub struct Sessions {
    /// Which rule.
    pub rule: Rule,
    /// Handshakes beyond those that an end without any session makes.
    pub dials: u8,
    /// Restarts of either side.
    pub restarts: u8,
    /// The hashes of the handshakes, in the order of their beginning: as many as there can be.
    pub hashes: [u8; 6],
    /// What the network may do.
    pub budget: Budget,
}

/// How far a session is on one side: 0 it has keys, 1 the peer was heard, 2 it carries the channel.
type Level = u8;
const CARRIES: Level = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The last message of the handshake, with the runs of initiator and responder.
    Hs3,
    /// A packet of the session; its sender's level, and whether it wants an answer.
    Packet {
        level: Level,
        wants: bool,
    },
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    from: usize,
    session: u8,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    number: u8,
    level: Level,
    /// The peer said that it carries the channel.
    peer_carries: bool,
    /// A sign of life was asked for.
    pinged: bool,
    /// The peer wants an answer.
    owes: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Node {
    boot: u8,
    /// Oldest first.
    sessions: Vec<Session>,
    /// Closed sessions, which answer with CLOSE.
    closed: Vec<u8>,
    rivals: bool,
}

/// A handshake: who began it, and the runs of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handshake {
    initiator: usize,
    boots: [u8; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    nodes: [Node; 2],
    handshakes: Vec<Handshake>,
    net: Net<Message>,
    dials: u8,
    restarts: u8,
    /// A session that lived on both sides was closed for one whose other end is gone.
    wronged: bool,
    replaced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Dial(usize),
    Restart(usize),
    Send(usize, u8),
    /// A closed session answers.
    SayClosed(usize, u8),
    /// Nothing was heard on a session for too long.
    Silence(usize, u8),
    Deliver(usize),
    DeliverCopy(usize),
    Lose(usize),
}

impl Node {
    fn get(&self, number: u8) -> Option<&Session> {
        self.sessions.iter().find(|session| session.number == number)
    }

    fn get_mut(&mut self, number: u8) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.number == number)
    }
}

impl State {
    fn tie_break(&self, model: &Sessions, at: usize, number: u8) -> TieBreak {
        let handshake = self.handshakes[usize::from(number)];
        let boot = match model.rule {
            Rule::IgnoreBoots => 0,
            _ => handshake.boots[1 - at],
        };
        TieBreak {
            peer_boot: BootId([boot; 16]),
            initiator: DhPublic([u8::try_from(handshake.initiator).unwrap_or(0); 32]),
            handshake_hash: [model.hashes[usize::from(number)]; 32],
        }
    }

    /// The session in use.
    fn best(&self, model: &Sessions, at: usize) -> Option<u8> {
        let tie_breaks: Vec<(u8, TieBreak, bool)> = self.nodes[at]
            .sessions
            .iter()
            .map(|s| (s.number, self.tie_break(model, at, s.number), s.level > 0))
            .collect();
        match model.rule {
            Rule::KeepFirst => tie_breaks.first().map(|(number, ..)| *number),
            Rule::KeepLast => tie_breaks.last().map(|(number, ..)| *number),
            Rule::OneByOne => {
                tie_breaks.into_iter().reduce(later_run_or_rank).map(|(number, ..)| number)
            }
            _ => session_to_keep(tie_breaks.iter().map(|(name, tie_break, ready)| DuplicateSession {
                name: *name,
                tie_break,
                ready: *ready,
            })),
        }
    }

    fn arbitrate(&mut self, model: &Sessions, at: usize) {
        let best = self.best(model, at);
        let node = &mut self.nodes[at];
        node.rivals = node.sessions.len() > 1;
        if let (true, Some(best)) = (node.rivals, best) {
            if let Some(session) = node.get_mut(best) {
                session.pinged = true;
            }
        }
    }

    fn establish(&mut self, model: &Sessions, at: usize, number: u8) {
        let session = Session { number, level: 0, peer_carries: false, pinged: false, owes: false };
        self.nodes[at].sessions.push(session);
        self.arbitrate(model, at);
    }

    fn remove(&mut self, model: &Sessions, at: usize, number: u8) {
        self.nodes[at].sessions.retain(|session| session.number != number);
        self.arbitrate(model, at);
    }

    /// Whether the session lives on that side, or may come to.
    fn is_there(&self, at: usize, number: u8) -> bool {
        let handshake = self.handshakes[usize::from(number)];
        let node = &self.nodes[at];
        let awaited = handshake.initiator != at
            && handshake.boots[at] == node.boot
            && !node.closed.contains(&number)
            && self.nodes[1 - at].get(number).is_some_and(|session| session.level == 0);
        node.get(number).is_some() || awaited
    }

    /// The sessions that a winner may close.
    fn losers(&self, model: &Sessions, at: usize, winner: u8) -> Vec<u8> {
        let won = self.tie_break(model, at, winner);
        let may_close = |session: &&Session| {
            let tie_break = self.tie_break(model, at, session.number);
            let rival = DuplicateSession { name: (), tie_break: &tie_break, ready: session.level > 0 };
            let yields = rival.yields_to(&won) || model.rule == Rule::CloseBeginners;
            session.number != winner && yields
        };
        self.nodes[at].sessions.iter().filter(may_close).map(|session| session.number).collect()
    }

    fn close_others(&mut self, model: &Sessions, at: usize, winner: u8) {
        let losers = self.losers(model, at, winner);
        let winner_lives = self.is_there(1 - at, winner);
        for loser in losers {
            // A loser that the other side still has was as good as the winner, or better.
            let lived = self.nodes[1 - at].get(loser).is_some();
            self.wronged |= lived && !winner_lives;
            self.replaced = true;
            let node = &mut self.nodes[at];
            node.sessions.retain(|session| session.number != loser);
            node.closed.push(loser);
            node.closed.sort_unstable();
            if self.net.has_room() {
                self.net.send(Message { from: at, session: loser, what: What::Close });
            }
        }
        self.nodes[at].rivals = self.nodes[at].sessions.len() > 1;
    }

    /// A packet of a session authenticated.
    fn close_rivals(&mut self, model: &Sessions, at: usize, number: u8) {
        let node = &self.nodes[at];
        let Some(winner) = node.get(number).filter(|_| node.rivals) else { return };
        if self.best(model, at) != Some(number) {
            return;
        }
        if winner.level == CARRIES && model.rule != Rule::NeverClose {
            self.close_others(model, at, number);
        }
    }

    fn receive(&mut self, model: &Sessions, message: Message) {
        let at = 1 - message.from;
        let number = message.session;
        let handshake = self.handshakes[usize::from(number)];
        match message.what {
            What::Hs3 => {
                // It is awaited by the run that sent hs2, once.
                let known =
                    self.nodes[at].get(number).is_some() || self.nodes[at].closed.contains(&number);
                if handshake.boots[at] == self.nodes[at].boot && !known {
                    self.establish(model, at, number);
                    if let Some(session) = self.nodes[at].get_mut(number) {
                        session.owes = true;
                    }
                }
            }
            What::Packet { level, wants } => {
                let Some(session) = self.nodes[at].get_mut(number) else { return };
                let first = session.level == 0;
                session.level = session.level.max((level + 1).min(CARRIES));
                session.peer_carries |= level == CARRIES;
                session.pinged = false;
                session.owes |= wants;
                if first {
                    self.arbitrate(model, at);
                }
                self.close_rivals(model, at, number);
            }
            What::Close => {
                if self.nodes[at].get(number).is_some() {
                    self.remove(model, at, number);
                    self.nodes[at].closed.push(number);
                    self.nodes[at].closed.sort_unstable();
                }
            }
        }
    }

    /// What a side would send on a session now.
    fn to_send(&self, at: usize, session: &Session) -> Option<Message> {
        let handshake = self.handshakes[usize::from(session.number)];
        let wants = session.level < CARRIES || !session.peer_carries || session.pinged;
        if !wants && !session.owes {
            return None;
        }
        let what = if session.level == 0 && handshake.initiator == at {
            What::Hs3
        } else {
            What::Packet { level: session.level, wants }
        };
        Some(Message { from: at, session: session.number, what })
    }

    fn send(&mut self, at: usize, number: u8) -> Option<Message> {
        let session = self.nodes[at].get_mut(number)?;
        let copy = *session;
        session.owes = false;
        self.to_send(at, &copy)
    }

    fn dial(&mut self, model: &Sessions, at: usize) {
        let number = u8::try_from(self.handshakes.len()).unwrap_or(u8::MAX);
        let boots = [self.nodes[0].boot, self.nodes[1].boot];
        self.handshakes.push(Handshake { initiator: at, boots });
        self.establish(model, at, number);
    }

    /// A message about the session is under way from that side.
    fn is_under_way(&self, from: usize, number: u8) -> bool {
        self.net.packets().iter().any(|other| other.from == from && other.session == number)
    }

    /// The other side will answer no more.
    fn is_abandoned(&self, at: usize, number: u8) -> bool {
        !self.is_there(1 - at, number) && !self.is_under_way(1 - at, number)
    }

    fn is_settled(&self) -> bool {
        let [one, other] = &self.nodes;
        let ([here], [there]) = (&one.sessions[..], &other.sessions[..]) else { return false };
        here.number == there.number && here.level == CARRIES && there.level == CARRIES
    }

    /// Whether one session stays on both sides if nothing is lost any more.
    fn heals(&self, model: &Sessions) -> bool {
        let mut state = self.clone();
        state.net.clear();
        for _ in 0..60 {
            if state.is_settled() {
                return true;
            }
            for at in [0, 1] {
                let numbers: Vec<u8> = state.nodes[at].sessions.iter().map(|s| s.number).collect();
                for number in numbers {
                    if state.is_abandoned(at, number) {
                        state.remove(model, at, number);
                    } else if let Some(message) = state.send(at, number) {
                        state.receive(model, message);
                        state.flush(model);
                    }
                }
                if state.nodes.iter().all(|node| node.sessions.is_empty()) {
                    if state.handshakes.len() >= model.hashes.len() {
                        return true;
                    }
                    state.dial(model, at);
                }
            }
        }
        false
    }

    fn flush(&mut self, model: &Sessions) {
        while !self.net.packets().is_empty() {
            let message = self.net.take(0);
            self.receive(model, message);
        }
    }
}

/// The rule that was in use until this model showed how two sides disagree by it.
fn later_run_or_rank(best: (u8, TieBreak, bool), new: (u8, TieBreak, bool)) -> (u8, TieBreak, bool) {
    let rank = |tie_break: &TieBreak| (tie_break.initiator, tie_break.handshake_hash);
    let newer = best.1.peer_boot != new.1.peer_boot || rank(&new.1) < rank(&best.1);
    if newer { new } else { best }
}

impl Model for Sessions {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            nodes: [Node::default(), Node::default()],
            handshakes: Vec::new(),
            net: Net::new(self.budget),
            dials: self.dials,
            restarts: self.restarts,
            wronged: false,
            replaced: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let nobody = state.nodes.iter().all(|node| node.sessions.is_empty());
        for at in [0, 1] {
            let node = &state.nodes[at];
            let room = state.handshakes.len() < self.hashes.len();
            if room && (state.dials > 0 || nobody) {
                actions.push(Action::Dial(at));
            }
            if state.restarts > 0 {
                actions.push(Action::Restart(at));
            }
            for session in &node.sessions {
                let number = session.number;
                if state.is_abandoned(at, number) {
                    actions.push(Action::Silence(at, number));
                } else if state.net.has_room()
                    && state.to_send(at, session).is_some()
                    && !state.is_under_way(at, number)
                    && (session.owes || !state.is_under_way(1 - at, number))
                    && (session.owes
                        || !state.nodes[1 - at].get(number).is_some_and(|there| there.owes))
                {
                    actions.push(Action::Send(at, number));
                }
            }
        }
        for (index, message) in state.net.packets().iter().enumerate() {
            actions.push(Action::Deliver(index));
            if state.net.may_copy() {
                actions.push(Action::DeliverCopy(index));
            }
            if state.net.may_lose() {
                actions.push(Action::Lose(index));
            }
            let at = 1 - message.from;
            if state.nodes[at].closed.contains(&message.session) && message.what != What::Close {
                actions.push(Action::SayClosed(at, message.session));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Dial(at) => {
                let nobody = state.nodes.iter().all(|node| node.sessions.is_empty());
                if !nobody {
                    state.dials -= 1;
                }
                state.dial(self, at);
            }
            Action::Restart(at) => {
                state.restarts -= 1;
                state.nodes[at] = Node { boot: state.nodes[at].boot + 1, ..Node::default() };
            }
            Action::Send(at, number) => {
                let message = state.send(at, number)?;
                state.net.send(message);
            }
            Action::SayClosed(at, number) => {
                let asks = |message: &Message| {
                    message.from != at && message.session == number && message.what != What::Close
                };
                let index = state.net.packets().iter().position(asks)?;
                state.net.take(index);
                state.net.send(Message { from: at, session: number, what: What::Close });
            }
            Action::Silence(at, number) => state.remove(self, at, number),
            Action::Deliver(index) => {
                let message = state.net.take(index);
                state.receive(self, message);
            }
            Action::DeliverCopy(index) => {
                let message = state.net.copy(index);
                state.receive(self, message);
            }
            Action::Lose(index) => state.net.lose(index),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no living session is closed for a dead one", |_, state: &State| {
                !state.wronged
            }),
            Property::always(
                "once the line is good, one session stays",
                |model: &Self, state: &State| state.heals(model),
            ),
            Property::eventually("one session, the same on both sides", |_, state: &State| {
                state.is_settled()
            }),
            Property::always(
                "at rest there is one session, neither none nor two",
                |model: &Self, state: &State| {
                    let mut actions = Vec::new();
                    model.actions(state, &mut actions);
                    !actions.is_empty() || state.is_settled()
                },
            ),
            Property::sometimes("both sides have two", |_, state: &State| {
                state.nodes.iter().all(|node| node.sessions.len() > 1)
            }),
            Property::sometimes("one is replaced", |_, state: &State| state.replaced),
        ]
    }
}
