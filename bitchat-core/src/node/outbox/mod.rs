//! What leaves the node: actions, and who waits for their answers.

pub(crate) mod requests;
