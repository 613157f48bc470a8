//! Lines in and out: JSON-RPC 2.0 with one object a line.

use serde_json::{Map, Value, json};
use std::io;
use tokio::io::{AsyncBufReadExt, BufReader, Stdin};

/// Bytes of the longest line that is taken: a text of 64 KiB escaped in the longest way, and a
/// `.chat` file with all that it may hold.
pub(super) const MAX_LINE: usize = 1 << 20;

const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
pub(super) const METHOD_NOT_FOUND: i64 = -32_601;
pub(super) const INVALID_PARAMS: i64 = -32_602;
/// The node refuses.
pub(super) const REFUSED: i64 = -32_000;
const LINE_TOO_LONG: i64 = -32_001;

/// What came in.
pub(super) enum Line {
    Text(Vec<u8>),
    /// It was longer than [`MAX_LINE`], and is skipped to its end.
    TooLong,
    End,
}

/// The lines of standard input.
///
/// [`next`](Self::next) may be given up between two bytes and called again: what was read is kept.
pub(super) struct Lines {
    input: BufReader<Stdin>,
    line: Vec<u8>,
    skipping: bool,
}

impl Lines {
    pub(super) fn new(input: Stdin) -> Self {
        Self { input: BufReader::new(input), line: Vec::new(), skipping: false }
    }

    /// The next line that is not empty.
    pub(super) async fn next(&mut self) -> io::Result<Line> {
        loop {
            let read = self.input.fill_buf().await?;
            if read.is_empty() {
                // What has no line end at the end of the input is a line, too.
                let rest = core::mem::take(&mut self.line);
                return Ok(if rest.is_empty() { Line::End } else { Line::Text(rest) });
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            if self.line.len() + part.len() > MAX_LINE {
                self.line.clear();
                self.skipping = true;
            } else if !self.skipping {
                self.line.extend_from_slice(part);
            }
            let used = end.map_or(read.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_none() {
                continue;
            }
            if core::mem::take(&mut self.skipping) {
                return Ok(Line::TooLong);
            }
            let line = core::mem::take(&mut self.line);
            if !line.trim_ascii().is_empty() {
                return Ok(Line::Text(line));
            }
        }
    }
}

/// A request.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    /// To be repeated in the answer; none for a request that wants no answer.
    pub id: Option<Value>,
    pub method: String,
    pub params: Map<String, Value>,
}

/// Why a call failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: i64,
    pub message: String,
}

impl Fault {
    pub(super) fn params(message: impl Into<String>) -> Self {
        Self { code: INVALID_PARAMS, message: message.into() }
    }

    pub(super) fn refused(error: &impl ToString) -> Self {
        Self { code: REFUSED, message: error.to_string() }
    }
}

/// Reads a request; else what is to be answered.
pub(super) fn parse(line: &[u8]) -> Result<Request, Value> {
    let refuse = |id: &Value, code, message: &str| {
        Err(answer(id, Err(Fault { code, message: message.to_owned() })))
    };
    let null = Value::Null;
    let Ok(text) = core::str::from_utf8(line) else {
        return refuse(&null, PARSE_ERROR, "the line is not UTF-8");
    };
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return refuse(&null, PARSE_ERROR, "the line is not JSON");
    };
    let Value::Object(mut object) = value else {
        return refuse(&null, INVALID_REQUEST, "a request is one object, one a line");
    };
    let id = object.remove("id");
    if !matches!(id, None | Some(Value::Null | Value::String(_) | Value::Number(_))) {
        return refuse(&null, INVALID_REQUEST, "id is a string, a number or null");
    }
    let known = id.clone().unwrap_or(Value::Null);
    if object.remove("jsonrpc") != Some(Value::from("2.0")) {
        return refuse(&known, INVALID_REQUEST, "jsonrpc is \"2.0\"");
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return refuse(&known, INVALID_REQUEST, "method is a string");
    };
    let params = match object.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return refuse(&known, INVALID_PARAMS, "params is an object: they have names"),
    };
    match object.keys().next() {
        Some(other) => refuse(&known, INVALID_REQUEST, &format!("unknown field {other:?}")),
        None => Ok(Request { id, method, params }),
    }
}

/// The answer to a line above [`MAX_LINE`].
pub(super) fn too_long() -> Value {
    let message = format!("a line has at most {MAX_LINE} bytes");
    answer(&Value::Null, Err(Fault { code: LINE_TOO_LONG, message }))
}

/// An answer.
pub(super) fn answer(id: &Value, result: Result<Value, Fault>) -> Value {
    match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(Fault { code, message }) => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read() {
        let request = parse(br#"{"jsonrpc":"2.0","id":7,"method":"leave","params":{"channel":1}}"#);
        let params = json!({"channel": 1}).as_object().cloned().unwrap_or_default();
        let id = Some(Value::from(7));
        assert_eq!(request, Ok(Request { id, method: "leave".into(), params }));
        let note = parse(br#"{"jsonrpc":"2.0","method":"links"}"#).expect("one without an answer");
        assert_eq!((note.id, note.params.len()), (None, 0));
    }

    #[test]
    fn what_is_no_request_is_answered_with_its_id() {
        let cases: [(&[u8], i64, Value); 8] = [
            (b"\xff", PARSE_ERROR, Value::Null),
            (b"{", PARSE_ERROR, Value::Null),
            (b"[]", INVALID_REQUEST, Value::Null),
            (br#"{"id":{},"jsonrpc":"2.0","method":"x"}"#, INVALID_REQUEST, Value::Null),
            (br#"{"id":"a","jsonrpc":"1.0","method":"x"}"#, INVALID_REQUEST, Value::from("a")),
            (br#"{"id":"a","jsonrpc":"2.0","method":3}"#, INVALID_REQUEST, Value::from("a")),
            (
                br#"{"id":1,"jsonrpc":"2.0","method":"x","params":[1]}"#,
                INVALID_PARAMS,
                Value::from(1),
            ),
            (
                br#"{"id":1,"jsonrpc":"2.0","method":"x","extra":1}"#,
                INVALID_REQUEST,
                Value::from(1),
            ),
        ];
        for (line, code, id) in cases {
            let complaint = parse(line).expect_err("it is none");
            assert_eq!((&complaint["error"]["code"], &complaint["id"]), (&Value::from(code), &id));
        }
    }
}
