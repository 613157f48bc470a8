//! HTTP trackers (BEP 3, 7, 12, 23, 31): the request as libtorrent writes it, and a reader for the
//! response that trusts nothing.

use super::announce::{Announce, Event};
use super::gzip::{GzipError, unpack};
use super::profile::Profile;
use crate::wire::url::{Scheme, TrackerUrl};
use core::time::Duration;
use std::fmt::Write as _;

/// Bytes of status line and headers.
const MAX_HEAD: usize = 16 * 1024;
/// Interim responses (status 1xx) before the real one.
const MAX_INTERIM: u8 = 2;
/// Headers of a response.
const MAX_HEADERS: usize = 64;
/// Bytes of a line in the chunked coding: a size with its extensions, or a trailer.
const MAX_CHUNK_LINE: usize = 256;
/// Trailer lines behind the last chunk.
const MAX_TRAILERS: usize = 32;

/// Why a response is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Not HTTP, or more headers than we read.
    #[error("the tracker does not speak HTTP")]
    Head,
    /// A status that is neither success nor a redirect, and nothing with it that could be read.
    #[error("the tracker answered with HTTP status {0}")]
    Status(u16),
    /// A redirect that does not say where to, or to something that is no tracker.
    #[error("the tracker redirects to a place that cannot be used")]
    Redirect,
    /// Lengths that contradict each other, or a transfer coding other than chunked.
    #[error("the length of the tracker's answer is unclear")]
    Framing,
    /// The chunked coding is broken.
    #[error("the chunks of the tracker's answer are broken")]
    Chunk,
    /// More than the limit.
    #[error("the tracker's answer is above the limit of {0} bytes")]
    TooLarge(usize),
    /// A content coding that was not asked for.
    #[error("the tracker's answer is compressed in a way that was not asked for")]
    Coding,
    /// The compressed body is broken.
    #[error(transparent)]
    Gzip(#[from] GzipError),
    /// The stream ended before the answer did.
    #[error("the tracker closed the connection before its answer was complete")]
    Truncated,
}

/// A complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// Status 200: the body, unpacked.
    Body(Vec<u8>),
    /// Status 301, 302, 303, 307 or 308: the announce goes to this URL instead.
    Redirect(TrackerUrl),
    /// Any other status. Its body may hold the tracker's own words.
    Refused {
        /// The status.
        status: u16,
        /// The body, unpacked; empty if it is broken or has not arrived.
        body: Vec<u8>,
        /// `Retry-After` (RFC 9110 §10.2.3), if it is a number of seconds.
        wait: Option<Duration>,
    },
}

/// The bytes of an announce (BC-10.03, BC-10.04).
#[must_use]
pub fn announce_request(url: &TrackerUrl, profile: &Profile, announce: &Announce<'_>) -> Vec<u8> {
    let target = TrackerUrl { path: announce_path(&url.path, profile, announce), ..url.clone() };
    get_request(&target, profile)
}

/// The bytes of a request for `url` as it stands: the second step of a redirect.
#[must_use]
pub fn get_request(url: &TrackerUrl, profile: &Profile) -> Vec<u8> {
    format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept-Encoding: gzip\r\n\
         Connection: close\r\n\r\n",
        url.path,
        url.authority(),
        profile.user_agent,
    )
    .into_bytes()
}

fn announce_path(path: &str, profile: &Profile, announce: &Announce<'_>) -> String {
    let num_want = if announce.event == Event::Stopped { 0 } else { profile.num_want };
    let mut out = path.to_owned();
    out.push_str(if path.contains('?') { "&info_hash=" } else { "?info_hash=" });
    escape(announce.infohash.as_bytes(), &mut out);
    out.push_str("&peer_id=");
    escape(&announce.client.peer_id, &mut out);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "&port={}&uploaded=0&downloaded=0&left={}&corrupt=0&key={:08X}",
        announce.port,
        announce.left.max(1),
        announce.client.key,
    );
    if let Some(event) = announce.event.as_str() {
        let _ = write!(out, "&event={event}");
    }
    let _ = write!(out, "&numwant={num_want}&compact=1&no_peer_id=1&supportcrypto=1&redundant=0");
    if !announce.tracker_id.is_empty() {
        out.push_str("&trackerid=");
        escape(announce.tracker_id, &mut out);
    }
    out
}

/// Percent-encodes as libtorrent does: lower-case digits, and `-_.!~*()` left as they are.
fn escape(bytes: &[u8], out: &mut String) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.!~*()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
}

/// Reads one response as its bytes arrive. Work per byte is constant; memory is bounded by the
/// limit, for packed and for unpacked bytes alike (BC-10.12).
#[derive(Debug)]
pub struct ResponseReader {
    url: TrackerUrl,
    limit: usize,
    head: Vec<u8>,
    body: Vec<u8>,
    state: State,
    gzip: bool,
    interim: u8,
    refusal: Option<Refusal>,
}

/// A status other than success, and when to ask again.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    status: u16,
    wait: Option<Duration>,
}

#[derive(Debug)]
enum State {
    Head,
    Length(usize),
    UntilClose,
    Chunked(Chunk),
}

#[derive(Debug)]
enum Chunk {
    Size(Vec<u8>),
    Data(usize),
    /// The line end behind a chunk's data.
    DataEnd(Vec<u8>),
    Trailers(Vec<u8>, usize),
}

/// What a head says about the rest.
enum Head {
    Interim,
    Redirect(TrackerUrl),
    Body {
        state: State,
        gzip: bool,
    },
    /// Not success: what body there is, if its length and coding are clear.
    Refused {
        refusal: Refusal,
        body: Option<(State, bool)>,
    },
}

impl ResponseReader {
    /// A reader for the answer to a request for `url` (redirects are relative to it) that keeps at
    /// most `limit` bytes of body.
    #[must_use]
    pub const fn new(url: TrackerUrl, limit: usize) -> Self {
        Self {
            url,
            limit,
            head: Vec::new(),
            body: Vec::new(),
            state: State::Head,
            gzip: false,
            interim: 0,
            refusal: None,
        }
    }

    /// Takes bytes as they arrived; `Some` once the response is complete. What follows a complete
    /// response is ignored.
    ///
    /// # Errors
    /// [`HttpError`]; the stream is of no use any more.
    pub fn push(&mut self, data: &[u8]) -> Result<Option<Response>, HttpError> {
        let result = self.read(data);
        match self.refused() {
            Some(refused) if result.is_err() => Ok(Some(refused)),
            _ => result,
        }
    }

    /// What a status other than success says on its own, once the head is there.
    #[must_use]
    pub fn refused(&self) -> Option<Response> {
        let Refusal { status, wait } = self.refusal?;
        Some(Response::Refused { status, body: Vec::new(), wait })
    }

    fn read(&mut self, mut data: &[u8]) -> Result<Option<Response>, HttpError> {
        while matches!(self.state, State::Head) {
            let Some((&byte, rest)) = data.split_first() else { return Ok(None) };
            data = rest;
            if self.head.len() >= MAX_HEAD {
                return Err(HttpError::Head);
            }
            self.head.push(byte);
            if byte == b'\n' && (self.head.ends_with(b"\n\n") || self.head.ends_with(b"\n\r\n")) {
                match parse_head(&self.head, &self.url, self.limit)? {
                    Head::Interim if self.interim < MAX_INTERIM => {
                        self.interim += 1;
                        self.head.clear();
                    }
                    Head::Interim => return Err(HttpError::Head),
                    Head::Redirect(url) => return Ok(Some(Response::Redirect(url))),
                    Head::Body { state, gzip } => (self.state, self.gzip) = (state, gzip),
                    Head::Refused { refusal, body } => {
                        self.refusal = Some(refusal);
                        let Some(body) = body else { return Ok(self.refused()) };
                        (self.state, self.gzip) = body;
                    }
                }
            }
        }
        if self.push_body(data)? { self.complete().map(Some) } else { Ok(None) }
    }

    /// The other side has closed the stream.
    ///
    /// # Errors
    /// [`HttpError::Truncated`] unless the end of the stream is the end of the body.
    pub fn finish(&mut self) -> Result<Response, HttpError> {
        let result = match self.state {
            State::UntilClose => self.complete(),
            _ => Err(HttpError::Truncated),
        };
        result.or_else(|error| self.refused().ok_or(error))
    }

    fn complete(&mut self) -> Result<Response, HttpError> {
        let body = core::mem::take(&mut self.body);
        let body = if self.gzip { unpack(&body, self.limit)? } else { body };
        Ok(match self.refusal {
            Some(Refusal { status, wait }) => Response::Refused { status, body, wait },
            None => Response::Body(body),
        })
    }

    /// True when the body is complete.
    fn push_body(&mut self, mut data: &[u8]) -> Result<bool, HttpError> {
        loop {
            let room = self.limit - self.body.len().min(self.limit);
            let take = match &mut self.state {
                State::Head => return Ok(false),
                State::UntilClose => data.len(),
                State::Length(0) => return Ok(true),
                State::Length(left) | State::Chunked(Chunk::Data(left)) => {
                    let take = data.len().min(*left);
                    *left -= take;
                    take
                }
                State::Chunked(_) => 0,
            };
            if take > room {
                return Err(HttpError::TooLarge(self.limit));
            }
            let (now, rest) = data.split_at(take);
            self.body.extend_from_slice(now);
            data = rest;
            let State::Chunked(chunk) = &mut self.state else {
                return Ok(matches!(self.state, State::Length(0)));
            };
            if chunk.line(&mut data, self.limit)? {
                return Ok(true);
            }
            if data.is_empty() {
                return Ok(false);
            }
        }
    }
}

impl Chunk {
    /// Reads on between the chunks' data; true at the end of the body.
    fn line(&mut self, data: &mut &[u8], limit: usize) -> Result<bool, HttpError> {
        if matches!(self, Self::Data(0)) {
            *self = Self::DataEnd(Vec::new());
        }
        while let Some((&byte, rest)) = data.split_first() {
            let (Self::Size(line) | Self::DataEnd(line) | Self::Trailers(line, _)) = self else {
                return Ok(false);
            };
            *data = rest;
            if byte != b'\n' {
                if line.len() >= MAX_CHUNK_LINE {
                    return Err(HttpError::Chunk);
                }
                line.push(byte);
                continue;
            }
            let line = core::mem::take(line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            *self = match self {
                Self::Size(_) => Self::from_size(line, limit)?,
                Self::DataEnd(_) if line.is_empty() => Self::Size(Vec::new()),
                Self::Trailers(..) if line.is_empty() => return Ok(true),
                Self::Trailers(_, count) if *count < MAX_TRAILERS => {
                    Self::Trailers(Vec::new(), *count + 1)
                }
                _ => return Err(HttpError::Chunk),
            };
        }
        Ok(false)
    }

    fn from_size(line: &[u8], limit: usize) -> Result<Self, HttpError> {
        let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(HttpError::Chunk);
        }
        let digits = str::from_utf8(digits).map_err(|_| HttpError::Chunk)?;
        match usize::from_str_radix(digits, 16) {
            Ok(0) => Ok(Self::Trailers(Vec::new(), 0)),
            Ok(size) if size <= limit => Ok(Self::Data(size)),
            _ => Err(HttpError::TooLarge(limit)),
        }
    }
}

fn parse_head(bytes: &[u8], url: &TrackerUrl, limit: usize) -> Result<Head, HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let complete = response.parse(bytes).is_ok_and(|status| status.is_complete());
    match response.code.filter(|_| complete).ok_or(HttpError::Head)? {
        200 => {
            let gzip = is_gzip(response.headers)?;
            Ok(Head::Body { state: framing(response.headers, limit)?, gzip })
        }
        100 | 102 | 103 => Ok(Head::Interim),
        301 | 302 | 303 | 307 | 308 => {
            let place = values(response.headers, "location").next().ok_or(HttpError::Redirect)?;
            redirect(url, place).map(Head::Redirect)
        }
        status => {
            let wait = values(response.headers, "retry-after").next().and_then(seconds);
            // These two never have a body (RFC 9112 §6.3).
            let may = !matches!(status, 204 | 304);
            let body =
                || Some((framing(response.headers, limit).ok()?, is_gzip(response.headers).ok()?));
            let body = may.then(body).flatten();
            Ok(Head::Refused { refusal: Refusal { status, wait }, body })
        }
    }
}

fn seconds(text: &[u8]) -> Option<Duration> {
    let digits = str::from_utf8(text).ok()?;
    let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?;
    digits.parse().ok().map(Duration::from_secs)
}

fn values<'a>(headers: &'a [httparse::Header<'_>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.trim_ascii())
}

/// RFC 9112 §6.3: chunked wins over a length; equal lengths may repeat.
fn framing(headers: &[httparse::Header<'_>], limit: usize) -> Result<State, HttpError> {
    let mut codings = values(headers, "transfer-encoding");
    if let Some(coding) = codings.next() {
        let chunked = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        return chunked.then(|| State::Chunked(Chunk::Size(Vec::new()))).ok_or(HttpError::Framing);
    }
    let mut lengths = values(headers, "content-length");
    let Some(first) = lengths.next() else { return Ok(State::UntilClose) };
    if first.is_empty() || !first.iter().all(u8::is_ascii_digit) || lengths.any(|len| len != first)
    {
        return Err(HttpError::Framing);
    }
    match str::from_utf8(first).ok().and_then(|digits| digits.parse().ok()) {
        Some(length) if length <= limit => Ok(State::Length(length)),
        _ => Err(HttpError::TooLarge(limit)),
    }
}

fn is_gzip(headers: &[httparse::Header<'_>]) -> Result<bool, HttpError> {
    let mut gzip = false;
    for coding in values(headers, "content-encoding") {
        match coding.to_ascii_lowercase().as_slice() {
            b"" | b"identity" => {}
            b"gzip" | b"x-gzip" if !gzip => gzip = true,
            _ => return Err(HttpError::Coding),
        }
    }
    Ok(gzip)
}

/// Where a redirect leads: HTTP or HTTPS only, and never from HTTPS back to HTTP (BC-10.11).
fn redirect(from: &TrackerUrl, location: &[u8]) -> Result<TrackerUrl, HttpError> {
    let location = str::from_utf8(location).map_err(|_| HttpError::Redirect)?;
    let to = from.join(location).map_err(|_| HttpError::Redirect)?;
    match (from.scheme, to.scheme) {
        (_, Scheme::Udp) | (Scheme::Https, Scheme::Http) => Err(HttpError::Redirect),
        _ => Ok(to),
    }
}

#[cfg(test)]
mod tests;
