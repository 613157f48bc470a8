//! Names and comments that strangers wrote and people will read.

/// Why a text is not shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextFault {
    /// Nothing to show.
    #[error("must not be empty or begin or end with white space")]
    Blank,
    /// More than fits.
    #[error("must have at most {0} bytes")]
    TooLong(usize),
    /// A character that moves the cursor or changes what is seen.
    #[error("must not hold the control character U+{0:04X}")]
    Control(u32),
}

/// Checks that `text` is one line that looks like what it is: no control characters, no line or
/// paragraph separators, none of the characters that reorder others (BC-02.20).
///
/// # Errors
/// [`TextFault`] with the first fault.
pub fn check_text(text: &str, limit: usize) -> Result<(), TextFault> {
    if text.len() > limit {
        return Err(TextFault::TooLong(limit));
    }
    if text.is_empty() || text.trim() != text {
        return Err(TextFault::Blank);
    }
    match text.chars().find(|&letter| letter.is_control() || is_deceptive(letter)) {
        Some(found) => Err(TextFault::Control(found.into())),
        None => Ok(()),
    }
}

/// Separators, bidirectional controls (UAX #9), interlinear annotation and the byte order mark.
const fn is_deceptive(letter: char) -> bool {
    matches!(
        letter,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}
