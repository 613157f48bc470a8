//! One line, as its bytes arrive: whole, or not at all.

use crate::screen::note;
use bitchat_core::base::limits::Limits;

/// Why a line is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the line is longer than a message may be; nothing of it is used, up to its end")]
    TooLong,
    #[error("the line is not UTF-8; set the terminal to UTF-8")]
    NotText,
    #[error("the terminal may have cut the line; put long texts in a file, and pipe it in")]
    Cut,
}

/// The bytes of a line so far. What is too long is forgotten at once.
#[derive(Default)]
pub(super) struct Collector {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Collector {
    /// No message has so many bytes, whatever the limit on a text: the node says which one holds.
    fn limit() -> usize {
        Limits::default().link.message_bytes
    }

    /// [`Fault::TooLong`] once, when the line becomes too long.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.too_long {
            return Ok(());
        }
        if self.bytes.len() + bytes.len() > Self::limit() {
            self.bytes = Vec::new();
            self.too_long = true;
            return Err(Fault::TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Nothing was typed that has not been ended or taken back.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.too_long
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes back the last letter, whatever the number of its bytes.
    pub(super) fn erase(&mut self) {
        while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    /// Takes back the last word and the spaces behind it.
    pub(super) fn erase_word(&mut self) {
        let end = self.bytes.trim_ascii_end();
        let word = end.iter().rev().take_while(|byte| !byte.is_ascii_whitespace()).count();
        self.bytes.truncate(end.len() - word);
    }

    /// Takes everything back.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The line; `Err(None)` if its fault was told before.
    fn finish(&mut self) -> Result<String, Option<Fault>> {
        let Self { bytes, too_long } = std::mem::take(self);
        if too_long {
            return Err(None);
        }
        String::from_utf8(bytes).map_err(|_| Some(Fault::NotText))
    }
}

/// Hands a whole line to `take`. Says whether more lines are wanted; a line of `cut` bytes may have
/// had more, and is not.
pub(super) fn finish(
    line: &mut Collector,
    cut: usize,
    take: &mut impl FnMut(String) -> bool,
) -> bool {
    let fault = if line.len() >= cut { Err(Fault::Cut) } else { Ok(()) };
    match (fault, line.finish()) {
        (Err(fault), Ok(_)) | (_, Err(Some(fault))) => {
            complain(fault);
            true
        }
        (Ok(()), Ok(text)) => take(text),
        (_, Err(None)) => true,
    }
}

/// A message is signed and kept: better none than one that nobody typed.
pub(super) fn complain(fault: Fault) {
    note(&format!("not sent: {fault}"));
}
