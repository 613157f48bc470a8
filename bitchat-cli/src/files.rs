//! Where things are kept, and how they are read and written.

use crate::error::CliError;
use bitchat_core::base::limits::Limits;
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::chatfile::{ChatFile, ChatFileError, JoinLink, LinkError, UnusableTracker};
use bitchat_net::private::write_new;
use clap::Args;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where identity and store are kept.
#[derive(Args)]
pub(crate) struct Home {
    /// Directory of your identity and your channels' history
    /// [default: $XDG_DATA_HOME/bitchat, else ~/.local/share/bitchat]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Home {
    /// The directory; made, for its owner alone, if it is not there.
    pub(crate) fn open(&self) -> Result<PathBuf, CliError> {
        let path = match &self.dir {
            Some(path) => path.clone(),
            None => default_home().ok_or(CliError::NoHome)?,
        };
        make_private(&path).map_err(|source| CliError::Write { path: path.clone(), source })?;
        Ok(path)
    }
}

/// The identity file in a home directory.
pub(crate) fn identity_file(home: &Path) -> PathBuf {
    home.join("identity")
}

/// The store in a home directory: one for all channels.
pub(crate) fn store_file(home: &Path) -> PathBuf {
    home.join("store.db")
}

fn default_home() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| Some(std::env::home_dir()?.join(".local").join("share")))
        .map(|data| data.join("bitchat"))
}

fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// What names a channel.
pub(crate) enum Source {
    File(ChatFile),
    Link(JoinLink),
}

impl Source {
    /// The trackers that it names and that cannot be used.
    pub(crate) fn unusable(&self) -> &[UnusableTracker] {
        match self {
            Self::File(file) => &file.outside().unusable,
            Self::Link(link) => &link.unusable,
        }
    }
}

/// Reads a channel's link, its `.chat` file, or a file that holds its link: other users of a
/// machine can see the arguments of programs, and a link to a keyed channel is a secret.
pub(crate) fn read_channel(named: &Path, policy: TargetPolicy) -> Result<Source, CliError> {
    if let Some(link) = named.to_str().filter(|text| is_link(text.as_bytes())) {
        return parse_link(link, policy).map(Source::Link);
    }
    let bytes = plain(read_file(named)?);
    if !is_link(&bytes) {
        return parse_chat_file(named, &bytes, policy).map(Source::File);
    }
    parse_link(&String::from_utf8_lossy(&bytes), policy).map(Source::Link)
}

fn is_link(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let text = text.strip_prefix(b"<").unwrap_or(text).trim_ascii_start();
    ["magnet:", "dotchat:", "bitchat:"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes()))
    })
}

/// The bytes without what Windows' own tools put around them: a byte order mark, and UTF-16 where
/// that is what they wrote.
fn plain(mut bytes: Vec<u8>) -> Vec<u8> {
    let unit: fn([u8; 2]) -> u16 = match bytes.as_slice() {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        [0xef, 0xbb, 0xbf, ..] => return bytes.split_off(3),
        _ => return bytes,
    };
    let pairs = bytes.get(2..).unwrap_or_default().chunks_exact(2);
    let units: Vec<u16> = pairs.filter_map(|pair| pair.try_into().ok()).map(unit).collect();
    String::from_utf16_lossy(&units).into_bytes()
}

fn parse_link(text: &str, policy: TargetPolicy) -> Result<JoinLink, CliError> {
    JoinLink::parse(text, &Limits::default(), policy).map_err(|source| match source {
        LinkError::Field(ChatFileError::Target { .. }) => CliError::LocalLink(source),
        _ => CliError::Link(source),
    })
}

/// Reads a `.chat` file, and no more of another file than a `.chat` file can have.
pub(crate) fn read_chat_file(path: &Path, policy: TargetPolicy) -> Result<ChatFile, CliError> {
    parse_chat_file(path, &read_file(path)?, policy)
}

fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let read = || {
        let mut bytes = Vec::new();
        let most = Limits::default().file.chat_file_bytes as u64 + 1;
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|source| CliError::Read { path: path.to_owned(), source })
}

fn parse_chat_file(path: &Path, bytes: &[u8], policy: TargetPolicy) -> Result<ChatFile, CliError> {
    ChatFile::parse(bytes, &Limits::default(), policy).map_err(|source| {
        let path = path.to_owned();
        match source {
            ChatFileError::Target { .. } => CliError::LocalTarget { path, source },
            _ => CliError::ChatFile { path, source },
        }
    })
}

/// Writes a new file that only its owner may read, as whoever has a `.chat` file can join: all of
/// it, or none.
pub(crate) fn write_chat_file(path: &Path, file: &ChatFile) -> Result<(), CliError> {
    write_new(path, &file.encode()).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => CliError::Exists { path: path.to_owned() },
        _ => CliError::Write { path: path.to_owned(), source },
    })
}
