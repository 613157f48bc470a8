//! What the world asks of a machine that lives in it.

use bitchat_core::base::time::Now;
use bitchat_core::node::{Action, Deadline, Event, Input, TransmitPoll};

/// A sans-IO machine with the contract of a node.
pub trait Machine {
    /// Takes in what happened.
    fn handle_input(&mut self, now: Now, input: Input<'_>);
    /// Takes notice that its deadline has come.
    fn handle_timeout(&mut self, now: Now);
    /// The next datagrams to send.
    fn poll_transmit(&mut self, now: Now, max_segments: usize, buf: &mut [u8]) -> TransmitPoll;
    /// The next thing it asks of the world.
    fn poll_action(&mut self) -> Option<Action>;
    /// The next thing it tells its user.
    fn poll_event(&mut self) -> Option<Event>;
    /// When it wants to be woken.
    fn poll_timeout(&self) -> Option<Deadline>;
}
