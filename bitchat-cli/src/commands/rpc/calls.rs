//! The commands, by the names that `Node` gives them.

use super::events::{device, link, message};
use super::params::{Params, bytes, number};
use super::wire::{Fault, METHOD_NOT_FOUND};
use crate::files::{Source, read_channel};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::chatfile::{ChatFile, JoinLink};
use bitchat_core::node::{Page, PeerHint};
use bitchat_net::Client;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Messages that one call of `messages` gives at most.
const MAX_PAGE: usize = 1_000;

/// Every method, for the answer to an unknown one.
const METHODS: &str = "add_peer, chat_file, delivered, device, join, leave, links, messages, renew_keys, \
                       send_text, shutdown, stats, version";

pub(super) async fn call(
    client: &Client,
    local: bool,
    method: &str,
    params: Map<String, Value>,
) -> Result<Value, Fault> {
    let mut params = Params(params);
    match method {
        "add_peer" => add_peer(client, params).await,
        "chat_file" => {
            let channel = params.channel()?;
            params.end()?;
            let file = client.chat_file(channel).await.map_err(|error| Fault::refused(&error))?;
            Ok(file.map_or(Value::Null, |file| bytes(&file.encode())))
        }
        "delivered" => delivered(client, params).await,
        "device" => {
            params.end()?;
            let own = client.device().await.map_err(|error| Fault::refused(&error))?;
            Ok(own.as_ref().map_or(Value::Null, device))
        }
        "join" => join(client, local, params).await,
        "leave" => {
            let channel = params.channel()?;
            params.end()?;
            client.leave(channel).await.map_err(|error| Fault::refused(&error))?;
            Ok(json!({}))
        }
        "links" => {
            params.end()?;
            let links = client.links().await.map_err(|error| Fault::refused(&error))?;
            Ok(links.iter().map(link).collect())
        }
        "messages" => messages(client, params).await,
        "renew_keys" => {
            params.end()?;
            let links = client.renew_keys().await.map_err(|error| Fault::refused(&error))?;
            Ok(json!({"links": links}))
        }
        "send_text" => {
            let (channel, text) = (params.channel()?, params.text("text")?);
            params.end()?;
            let id = client.send_text(channel, text).await;
            Ok(json!({"id": bytes(&id.map_err(|error| Fault::refused(&error))?.0)}))
        }
        "shutdown" => params.end().map(|()| json!({})),
        "stats" => stats(client, params).await,
        "version" => {
            params.end()?;
            Ok(json!({"program": env!("CARGO_PKG_VERSION"), "protocol": 1}))
        }
        _ => Err(Fault {
            code: METHOD_NOT_FOUND,
            message: format!("there is no method {method:?}; there are {METHODS}"),
        }),
    }
}

/// Who has stored a message.
async fn delivered(client: &Client, mut params: Params) -> Result<Value, Fault> {
    let (channel, id) = (params.channel()?, params.entry("id")?);
    params.end()?;
    let devices = client.delivered(channel, id).await.map_err(|error| Fault::refused(&error))?;
    Ok(devices.iter().map(device).collect())
}

/// A channel by its file (`file`: the bytes; `path`) or its link.
async fn join(client: &Client, local: bool, mut params: Params) -> Result<Value, Fault> {
    let policy = if local { TargetPolicy::AllowLocal } else { TargetPolicy::PublicOnly };
    let (file, path, link) = (
        params.optional_bytes("file")?,
        params.optional_text("path")?,
        params.optional_text("link")?,
    );
    params.end()?;
    let limits = Limits::default();
    let source = match (file, path, link) {
        (Some(file), None, None) => Source::File(
            ChatFile::parse(&file, &limits, policy)
                .map_err(|error| Fault::params(error.to_string()))?,
        ),
        (None, Some(path), None) => {
            read_channel(Path::new(&path), policy).map_err(|error| Fault::refused(&error))?
        }
        (None, None, Some(link)) => Source::Link(
            JoinLink::parse(&link, &limits, policy)
                .map_err(|error| Fault::params(error.to_string()))?,
        ),
        _ => return Err(Fault::params("join takes one of file, path and link")),
    };
    let (chan, joined) = match source {
        Source::File(file) => (file.channel_id(), client.join(file).await),
        Source::Link(link) => (link.chan, client.join_link(link).await),
    };
    let channel = joined.map_err(|error| Fault::refused(&error))?;
    Ok(json!({"channel": channel.0, "id": bytes(&chan.0)}))
}

async fn add_peer(client: &Client, mut params: Params) -> Result<Value, Fault> {
    let (channel, address) = (params.channel()?, params.text("address")?);
    params.end()?;
    let address = address.parse().map_err(|_| Fault::params("address is IP:PORT"))?;
    let hint = PeerHint { address, peer: None };
    client.add_peer(channel, hint).await.map_err(|error| Fault::refused(&error))?;
    Ok(json!({}))
}

/// A page of the history in the order that everybody shows: the last messages, or those next before
/// or after one.
async fn messages(client: &Client, mut params: Params) -> Result<Value, Fault> {
    let channel = params.channel()?;
    let limit = params.optional_number("limit")?.map_or(MAX_PAGE, |limit| limit.min(MAX_PAGE));
    let page = match (params.has("before"), params.has("after")) {
        (false, false) => Page::Last,
        (true, false) => Page::Before(params.entry("before")?),
        (false, true) => Page::After(params.entry("after")?),
        (true, true) => return Err(Fault::params("messages takes one of before and after")),
    };
    params.end()?;
    let page = client.messages(channel, page, limit).await;
    Ok(page.map_err(|error| Fault::refused(&error))?.iter().map(message).collect())
}

async fn stats(client: &Client, params: Params) -> Result<Value, Fault> {
    params.end()?;
    let stats = client.stats().await.map_err(|error| Fault::refused(&error))?;
    Ok(json!({
        "datagrams_in": number(stats.datagrams_in),
        "datagrams_out": number(stats.datagrams_out),
        "dropped_unknown": number(stats.dropped_unknown),
        "dropped_auth": number(stats.dropped_auth),
        "dropped_replay": number(stats.dropped_replay),
        "probes_answered": number(stats.probes_answered),
        "handshakes_started": number(stats.handshakes_started),
        "handshakes_failed": number(stats.handshakes_failed),
    }))
}
