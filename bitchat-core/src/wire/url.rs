//! Tracker URLs: the small part of RFC 3986 that trackers need, and nothing that a stranger could
//! use to say one thing to us and another to somebody else.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// Bytes of the longest URL that is read.
pub const MAX_URL_LEN: usize = 1_024;

/// How a tracker is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// BEP 3 over TCP.
    Http,
    /// BEP 3 over TLS.
    Https,
    /// BEP 15.
    Udp,
}

impl Scheme {
    /// The scheme's name in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Udp => "udp",
        }
    }

    /// The port that may be left out, if there is one.
    #[must_use]
    pub const fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Udp => None,
        }
    }
}

/// Where a tracker is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A name to resolve: lower-case ASCII labels (international names in their `xn--` form).
    Name(String),
    /// A literal address.
    Ip(IpAddr),
}

impl Host {
    /// Reads a host as it stands in a URL: an IPv6 address in brackets, an IPv4 address or a name.
    ///
    /// # Errors
    /// [`UrlError::Host`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        parse_host(text)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

/// A tracker's announce URL in its normal form: equal trackers compare equal (BC-02.50).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerUrl {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Where it is.
    pub host: Host,
    /// The port, never 0.
    pub port: u16,
    /// The path with its query, as it goes into a request: `/announce?passkey=…`. Empty only for a
    /// UDP tracker without one.
    pub path: String,
}

/// Why a text is not a tracker URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Too long.
    #[error("the URL has {0} bytes, the most is {MAX_URL_LEN}")]
    TooLong(usize),
    /// A scheme other than the three.
    #[error("the URL must start with http://, https:// or udp://")]
    Scheme,
    /// A user name or password.
    #[error("the URL must not hold a user name or password (`@` before the path)")]
    UserInfo,
    /// The host is neither a name nor an address.
    #[error("the host must be a domain name, an IPv4 address or an IPv6 address in brackets")]
    Host,
    /// A port that is no number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// A UDP tracker without a port.
    #[error("a udp:// URL must name the port")]
    MissingPort,
    /// A fragment.
    #[error("the URL must not hold a fragment (`#`)")]
    Fragment,
    /// A character that would have to be escaped.
    #[error("the character at byte {0} must be written as a %-escape")]
    Character(usize),
}

impl TrackerUrl {
    /// Reads a URL (BC-02.17, BC-02.18).
    ///
    /// # Errors
    /// [`UrlError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_URL_LEN {
            return Err(UrlError::TooLong(text.len()));
        }
        let (scheme, rest) = split_scheme(text)?;
        if let Some(at) = text.bytes().position(|byte| !is_url_byte(byte)) {
            return Err(UrlError::Character(at));
        }
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            Some(text) => parse_port(text)?,
            None => scheme.default_port().ok_or(UrlError::MissingPort)?,
        };
        Ok(Self { scheme, host: parse_host(host)?, port, path: full_path(scheme, path) })
    }

    /// Equal for URLs that lead to one tracker though they are spelt differently (BC-10.66): escapes of
    /// characters that need none are undone (RFC 3986 §6.2.2), and a UDP tracker's path counts only where
    /// it is not the usual one.
    #[must_use]
    pub fn identity(&self) -> Self {
        let path = normal_path(&self.path);
        let usual = self.scheme == Scheme::Udp && matches!(path.as_str(), "/" | "/announce");
        Self { path: if usual { String::new() } else { path }, ..self.clone() }
    }

    /// Where a reference leads that stands in something got from this URL (RFC 3986 §5.2); its fragment
    /// is left out.
    ///
    /// # Errors
    /// [`UrlError`] if the target is no tracker URL.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let reference = reference.split('#').next().unwrap_or_default();
        let has_scheme = reference.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme));
        if has_scheme {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme.as_str()));
        }
        let (base, base_query) = split_query(&self.path);
        let (path, query) = split_query(reference);
        let path = match path.as_bytes().first() {
            Some(b'/') => without_dots(path),
            Some(_) => {
                let folder = base.rfind('/').and_then(|at| base.get(..=at)).unwrap_or("/");
                without_dots(&format!("{folder}{path}"))
            }
            None => base.to_owned(),
        };
        let query = if reference.is_empty() { base_query } else { query };
        let (scheme, authority) = (self.scheme.as_str(), self.authority());
        Self::parse(&format!("{scheme}://{authority}{path}{query}"))
    }

    /// What goes into an HTTP `Host` header: the port only where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.scheme.default_port() == Some(self.port) {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Scheme, host and port of a URL: what may be shown and logged of a tracker, whose path and query often
/// hold a key of the user's.
#[must_use]
pub fn without_path(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let len = url.get(start..).and_then(|rest| rest.find(['/', '?', '#']));
    len.and_then(|len| url.get(..start + len)).unwrap_or(url)
}

impl FromStr for TrackerUrl {
    type Err = UrlError;
    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for TrackerUrl {
    /// The URL in its normal form, which parses to the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority(), self.path)
    }
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), UrlError> {
    let (name, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
    [Scheme::Http, Scheme::Https, Scheme::Udp]
        .into_iter()
        .find(|scheme| name.eq_ignore_ascii_case(scheme.as_str()))
        .map(|scheme| (scheme, rest))
        .ok_or(UrlError::Scheme)
}

/// Visible ASCII, without what RFC 3986 excludes and HTTP clients disagree about.
const fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`')
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), UrlError> {
    let after_host = if authority.starts_with('[') {
        authority.find(']').ok_or(UrlError::Host)? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at(after_host);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(UrlError::Host),
    }
}

fn parse_port(text: &str) -> Result<u16, UrlError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port @ 1..) if digits => Ok(port),
        _ => Err(UrlError::Port),
    }
}

fn parse_host(text: &str) -> Result<Host, UrlError> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let ip = inner.parse::<Ipv6Addr>().map_err(|_| UrlError::Host)?;
        return Ok(Host::Ip(ip.into()));
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(ip.into()));
    }
    // A dot behind a name says that it is complete (RFC 1034 §3.1), as every tracker's is.
    // A last label that starts with a digit is an address in disguise to some resolvers: `127.1`,
    // `0x7f000001`, `2130706433` all mean the reader's own machine.
    let text = text.strip_suffix('.').unwrap_or(text);
    let last = text.rsplit('.').next().unwrap_or_default();
    let valid = text.len() <= 253
        && text.split('.').all(is_label)
        && !last.starts_with(|first: char| first.is_ascii_digit());
    if valid { Ok(Host::Name(text.to_ascii_lowercase())) } else { Err(UrlError::Host) }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 3986 §3.1
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The path, and the query with its question mark.
fn split_query(text: &str) -> (&str, &str) {
    text.split_at(text.find('?').unwrap_or(text.len()))
}

/// RFC 3986 §5.2.4 for a path that begins with `/`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Escapes of letters, digits and `-._~` undone, the others with upper-case digits.
fn normal_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let digits = escape.get(1..3).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|text| u8::from_str_radix(text, 16).ok()) else {
            out.push('%');
            rest = escape.get(1..).unwrap_or_default();
            continue;
        };
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&digits.unwrap_or_default().to_ascii_uppercase());
        }
        rest = escape.get(3..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn full_path(scheme: Scheme, path: &str) -> String {
    match path.as_bytes().first() {
        Some(b'/') => path.to_owned(),
        Some(_) => format!("/{path}"),
        None if scheme == Scheme::Udp => String::new(),
        None => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests;
