//! Events and what calls give, as JSON: bytes as base64url, 64-bit numbers as strings, times in
//! milliseconds.

use super::params::{bytes, number};
use bitchat_core::base::ids::{ChannelHandle, Device, LinkId};
use bitchat_core::node::{
    ChannelUpdate, Content, Event, Family, LinkInfo, LinkUpdate, Message, NodeUpdate, StoreUpdate,
    TrackerState, TrackerUpdate,
};
use core::time::Duration;
use serde_json::{Value, json};

/// An event: its area, its kind, what it says, and the words that a log would have.
pub(super) fn event(event: &Event) -> Value {
    let mut value = match event {
        Event::Node(update) => node(update),
        Event::Store(update) => store(update),
        Event::Link(id, update) => link_update(*id, update),
        Event::Channel(channel, update) => channel_update(*channel, update),
        Event::Tracker(channel, update) => tracker(*channel, update),
        // What a later version of the library tells: its words at least.
        _ => json!({"kind": "unknown"}),
    };
    value["area"] = event.target().into();
    value["words"] = event.to_string().into();
    value
}

fn node(update: &NodeUpdate) -> Value {
    match update {
        NodeUpdate::Listening { local } => json!({"kind": "listening", "local": local.to_string()}),
        NodeUpdate::ListenFailed { family, failure } => json!({
            "kind": "listen_failed",
            "family": if *family == Family::V4 { 4 } else { 6 },
            "failure": failure.to_string(),
        }),
        NodeUpdate::Dht { nodes } => json!({"kind": "dht", "nodes": nodes}),
        NodeUpdate::WallTimeNeeded => json!({"kind": "wall_time_needed"}),
        _ => json!({"kind": "unknown"}),
    }
}

fn store(update: &StoreUpdate) -> Value {
    match update {
        StoreUpdate::Failing { failure } => {
            json!({"kind": "failing", "failure": failure.to_string()})
        }
        StoreUpdate::Recovered => json!({"kind": "recovered"}),
        StoreUpdate::Damaged { key } => json!({"kind": "damaged", "key": bytes(key)}),
        _ => json!({"kind": "unknown"}),
    }
}

fn link_update(id: LinkId, update: &LinkUpdate) -> Value {
    let mut value = match update {
        LinkUpdate::Up { device: whose, address } => {
            json!({"kind": "up", "device": device(whose), "address": address.to_string()})
        }
        LinkUpdate::Rekeyed { generation } => {
            json!({"kind": "rekeyed", "generation": number(*generation)})
        }
        LinkUpdate::Moved { address } => json!({"kind": "moved", "address": address.to_string()}),
        LinkUpdate::Closed { device: whose, reason } => {
            json!({"kind": "closed", "device": device(whose), "reason": reason.to_string()})
        }
        _ => json!({"kind": "unknown"}),
    };
    value["link"] = number(id.0);
    value
}

fn channel_update(channel: ChannelHandle, update: &ChannelUpdate) -> Value {
    let mut value = match update {
        ChannelUpdate::Ready { messages } => json!({"kind": "ready", "messages": messages}),
        ChannelUpdate::MemberUp { device: who } => {
            json!({"kind": "member_up", "device": device(who)})
        }
        ChannelUpdate::MemberDown { device: who } => {
            json!({"kind": "member_down", "device": device(who)})
        }
        ChannelUpdate::Message { message: new, after } => json!({
            "kind": "message",
            "message": message(new),
            "after": after.map(|id| bytes(&id.0)),
        }),
        ChannelUpdate::Delivered { id, device: who } => {
            json!({"kind": "delivered", "id": bytes(&id.0), "device": device(who)})
        }
        ChannelUpdate::Equivocation { author } => {
            json!({"kind": "equivocation", "author": device(author)})
        }
        ChannelUpdate::StoreWentBack => json!({"kind": "store_went_back"}),
        ChannelUpdate::LogFull => json!({"kind": "log_full"}),
        _ => json!({"kind": "unknown"}),
    };
    value["channel"] = channel.0.into();
    value
}

fn tracker(channel: ChannelHandle, update: &TrackerUpdate) -> Value {
    let mut value = match &update.state {
        TrackerState::Announcing => json!({"kind": "announcing"}),
        TrackerState::Working { peers, next, warning } => {
            json!({"kind": "working", "peers": peers, "next": millis(*next), "warning": warning})
        }
        TrackerState::Failed { reason, retry } => {
            json!({"kind": "failed", "reason": reason, "retry": millis(*retry)})
        }
    };
    value["channel"] = channel.0.into();
    value["url"] = update.url.as_str().into();
    value
}

/// A message of a channel.
pub(super) fn message(message: &Message) -> Value {
    let mut value = json!({
        "id": bytes(&message.id.0),
        "author": device(&message.author),
        "own": message.own,
        "wall": message.wall.map(|wall| number(wall.0)),
        "lamport": number(message.lamport),
        "seq": number(message.seq),
    });
    match &message.content {
        Content::Text(text) => value["text"] = text.as_str().into(),
        Content::Unknown { kind, bytes: body } => {
            value["unknown"] = json!({"kind": kind, "body": bytes(body)});
        }
        _ => value["unknown"] = Value::Null,
    }
    value
}

/// A device of a person.
pub(super) fn device(device: &Device) -> Value {
    json!({"peer": bytes(&device.peer.0), "id": bytes(&device.id.0)})
}

/// A link as it is now.
pub(super) fn link(link: &LinkInfo) -> Value {
    json!({
        "link": number(link.link.0),
        "device": device(&link.device),
        "address": link.address.to_string(),
        "generation": number(link.generation),
        "rtt": link.rtt.map(millis),
        "min_rtt": link.min_rtt.map(millis),
        "rate": link.rate.map(number),
        "window": number(link.window),
        "loss": link.loss,
        "path_mtu": link.path_mtu,
        "paths": link.paths,
        "channels": link.channels.iter().map(|chan| bytes(&chan.0)).collect::<Value>(),
    })
}

/// Milliseconds, with a fraction.
fn millis(time: Duration) -> Value {
    (time.as_secs_f64() * 1_000.0).into()
}
