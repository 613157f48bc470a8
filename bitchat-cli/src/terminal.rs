//! The terminal: its width, and typing without its own buffer, which holds 4,095 bytes of a line
//! and drops the rest without a word.

#[cfg(unix)]
pub(crate) use unix::{Keys, Unbuffered, width};

#[cfg(not(unix))]
pub(crate) use other::{Keys, Unbuffered, width};

/// Columns of a terminal that does not say how many it has.
const USUAL_WIDTH: usize = 80;

#[cfg(unix)]
mod unix {
    use super::USUAL_WIDTH;
    use rustix::process::getpgrp;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetwinsize,
        tcsetattr,
    };
    use std::fs::File;
    use std::io::{IsTerminal, stdin};
    use std::os::fd::AsFd;

    /// Columns of the terminal behind `out`; `None` if there is none.
    pub(crate) fn width(out: &(impl AsFd + IsTerminal)) -> Option<usize> {
        out.is_terminal().then(|| {
            let columns = tcgetwinsize(out).map_or(0, |size| size.ws_col.into());
            if columns == 0 { USUAL_WIDTH } else { columns }
        })
    }

    /// What the user has set the terminal's editing keys to.
    #[derive(Clone, Copy)]
    pub(crate) struct Keys {
        pub(crate) erase: u8,
        pub(crate) kill: u8,
        pub(crate) end: u8,
    }

    /// The terminal hands over each letter as it is typed, and shows none; as before once dropped.
    pub(crate) struct Unbuffered {
        terminal: File,
        before: Termios,
    }

    impl Unbuffered {
        /// `None` where standard input is no terminal, or belongs to another program now.
        pub(crate) fn enter() -> Option<Self> {
            let terminal = File::from(stdin().as_fd().try_clone_to_owned().ok()?);
            let before = tcgetattr(&terminal).ok()?;
            let entered = Self { terminal, before };
            entered.again().then_some(entered)
        }

        /// Another program may have had the terminal meanwhile. Says whether that worked.
        pub(crate) fn again(&self) -> bool {
            let mut modes = self.before.clone();
            // Signals stay with the terminal: Ctrl-C is not a letter.
            modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            self.set(&modes)
        }

        pub(crate) fn keys(&self) -> Keys {
            let codes = &self.before.special_codes;
            Keys {
                erase: codes[SpecialCodeIndex::VERASE],
                kill: codes[SpecialCodeIndex::VKILL],
                end: codes[SpecialCodeIndex::VEOF],
            }
        }

        /// A way to write to the terminal.
        pub(crate) fn writer(&self) -> Option<File> {
            self.terminal.try_clone().ok()
        }

        /// Whoever sets the modes of a terminal that another program uses is stopped.
        fn set(&self, modes: &Termios) -> bool {
            let others = tcgetpgrp(&self.terminal).is_ok_and(|group| group != getpgrp());
            !others && tcsetattr(&self.terminal, OptionalActions::Now, modes).is_ok()
        }
    }

    impl Drop for Unbuffered {
        fn drop(&mut self) {
            self.set(&self.before);
        }
    }
}

#[cfg(not(unix))]
mod other {
    use super::USUAL_WIDTH;
    use std::fs::File;
    use std::io::IsTerminal;

    /// Columns of the terminal behind `out`; `None` if there is none.
    pub(crate) fn width(out: &impl IsTerminal) -> Option<usize> {
        out.is_terminal().then_some(USUAL_WIDTH)
    }

    /// What the user has set the terminal's editing keys to.
    #[derive(Clone, Copy)]
    pub(crate) struct Keys {
        pub(crate) erase: u8,
        pub(crate) kill: u8,
        pub(crate) end: u8,
    }

    /// Never entered here: the system's console edits lines itself.
    pub(crate) enum Unbuffered {}

    impl Unbuffered {
        pub(crate) fn enter() -> Option<Self> {
            None
        }

        pub(crate) fn again(&self) -> bool {
            match *self {}
        }

        pub(crate) fn keys(&self) -> Keys {
            match *self {}
        }

        pub(crate) fn writer(&self) -> Option<File> {
            match *self {}
        }
    }
}
