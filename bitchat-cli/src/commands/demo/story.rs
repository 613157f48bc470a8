//! What happens in the demo, and what is checked on the way.

use super::member::{Member, Told};
use super::{DemoError, Doing, Narrator, ensure};
use bitchat_core::base::ids::{Device, EntryId};
use bitchat_core::base::limits::Limits;
use bitchat_core::base::rng::Rng;
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::chatfile::{ChatFile, Draft, Outside};
use bitchat_core::node::LinkInfo;
use bitchat_net::identity::fresh_seed;
use bitchat_net::tracker_server::{Options, serve};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

const NAMES: [&str; 5] = ["Ada", "Ben", "Cleo", "Dan", "Eve"];
/// Links between five members, each with each.
const LINKS: usize = NAMES.len() * (NAMES.len() - 1) / 2;
/// Rounds of conversation; everybody speaks in each.
const ROUNDS: usize = 3;

/// The messages of one part of the story: who must have stored which.
type Sent = BTreeMap<Device, Vec<EntryId>>;

pub(super) async fn tell(narrator: Narrator) -> Result<(), DemoError> {
    let deadline = narrator.deadline();
    let directory = tempfile::tempdir().doing("a temporary directory")?;
    let tracker = serve(&[(Ipv4Addr::LOCALHOST, 0).into()], Options::default())
        .await
        .doing("a tracker on loopback")?;
    let address = tracker.addrs.first().copied();
    let address = address.ok_or_else(|| DemoError("the tracker has no address".into()))?;
    narrator.say(&format!("a tracker listens on {address}"));
    let file = make_file(directory.path(), address)?;
    narrator.say(&format!("a new channel: {}", file.channel_id()));

    let mut members = gather(directory.path(), &file, narrator).await?;

    let mut sent = converse(&members, ROUNDS, "round").await?;
    let count: usize = sent.values().map(Vec::len).sum();
    narrator.say(&format!("{count} messages said, each stored by all {} others", NAMES.len() - 1));
    compare(&members, count).await?;
    narrator.say("all five show the same log in the same order");

    let renewed = renew(&members).await?;
    narrator.say(&format!("new keys on all {renewed} links"));

    let (victim, last_word) = last_word(&mut members).await?;
    sent.entry(victim.device).or_default().push(last_word);
    let (name, device) = (victim.name, victim.device);
    let home = victim.crash().await;
    narrator.say(&format!("{name} crashes, right after one last message was stored elsewhere"));
    for (author, ids) in converse(&members, 2, "without Eve").await? {
        sent.entry(author).or_default().extend(ids);
    }
    narrator.say("the others talk on");

    let victim = Member::start(name, home, &file, deadline).await?;
    ensure(victim.device == device, || format!("{name} returned as another device"))?;
    narrator.say(&format!("{name} is back, with what the store held"));
    members.push(victim);
    let count: usize = sent.values().map(Vec::len).sum();
    catch_up(&members, count).await?;
    narrator.say(&format!("{name} has caught up: {count} messages"));
    meet(&members).await?;
    for (author, ids) in converse(&members, 1, "together again").await? {
        sent.entry(author).or_default().extend(ids);
    }
    let count: usize = sent.values().map(Vec::len).sum();
    let log = compare(&members, count).await?;
    nothing_missing(&members, &sent, &log)?;
    narrator.say(&format!("all five show the same {count} messages in the same order"));

    leave(members).await?;
    narrator.say("done: nothing was lost");
    Ok(())
}

/// All members leave at once.
async fn leave(members: Vec<Member>) -> Result<(), DemoError> {
    let farewells: Vec<_> =
        members.into_iter().map(|member| tokio::spawn(member.leave())).collect();
    for farewell in farewells {
        farewell.await.doing("leaving")?;
    }
    Ok(())
}

/// Everybody joins and meets everybody.
async fn gather(
    directory: &Path,
    file: &ChatFile,
    narrator: Narrator,
) -> Result<Vec<Member>, DemoError> {
    let mut members = Vec::new();
    for name in NAMES {
        let home = directory.join(name);
        members.push(Member::start(name, home, file, narrator.deadline()).await?);
    }
    narrator.say(&format!("{} have joined, each with a store of their own", NAMES.join(", ")));
    meet(&members).await?;
    narrator.say(&format!("everybody has met: {LINKS} links, encrypted and post-quantum"));
    Ok(members)
}

/// A `.chat` file as anybody would pass it on: written, then read back.
fn make_file(directory: &Path, tracker: SocketAddr) -> Result<ChatFile, DemoError> {
    let url = |text: String| text.parse().doing("a tracker's URL");
    let http = url(format!("http://{tracker}/announce"))?;
    let udp = url(format!("udp://{tracker}"))?;
    let outside = Outside { trackers: vec![vec![http], vec![udp]], ..Outside::default() };
    let draft = Draft { name: "demo".into(), outside, ..Draft::default() };
    let mut rng = Rng::new(&fresh_seed().doing("randomness")?);
    let limits = Limits::default();
    let file = draft.create(None, &mut rng.secret, &limits).doing("a .chat file")?;
    let path = directory.join("demo.chat");
    crate::files::write_chat_file(&path, &file).doing("writing")?;
    crate::files::read_chat_file(&path, TargetPolicy::AllowLocal).doing("reading")
}

fn others(members: &[Member], than: &Member) -> BTreeSet<Device> {
    members.iter().map(|member| member.device).filter(|device| *device != than.device).collect()
}

/// Waits until everybody reaches everybody.
async fn meet(members: &[Member]) -> Result<(), DemoError> {
    for member in members {
        let others = others(members, member);
        let missing = |told: &Told| {
            let missing = others.difference(&told.here).count();
            (missing > 0).then(|| format!("{missing} of {} others to meet", others.len()))
        };
        member.waits_for(missing).await?;
    }
    Ok(())
}

/// Everybody speaks `rounds` times; waits until every message is stored by everybody.
async fn converse(members: &[Member], rounds: usize, about: &str) -> Result<Sent, DemoError> {
    let mut sent = Sent::new();
    for round in 1..=rounds {
        for member in members {
            let id = member.says(format!("{} speaks, {about} {round}", member.name)).await?;
            sent.entry(member.device).or_default().push(id);
        }
    }
    for member in members {
        let others = others(members, member);
        let ids = sent.get(&member.device).map_or(&[][..], Vec::as_slice);
        member.waits_for(|told| told.undelivered(ids, &others)).await?;
    }
    Ok(sent)
}

/// Everybody shows the same `count` messages in the same order. The log is given back.
async fn compare(members: &[Member], count: usize) -> Result<Vec<EntryId>, DemoError> {
    let mut first: Option<Vec<EntryId>> = None;
    for member in members {
        let messages = member.log().await?;
        ensure(messages.len() == count, || {
            format!("{} shows {} messages instead of {count}", member.name, messages.len())
        })?;
        ensure(messages.is_sorted_by_key(|message| message.lamport), || {
            format!("{}'s log is out of order", member.name)
        })?;
        let ids: Vec<EntryId> = messages.iter().map(|message| message.id).collect();
        ensure(first.as_ref().is_none_or(|first| *first == ids), || {
            format!("{}'s log differs from {}'s", member.name, NAMES[0])
        })?;
        first = Some(ids);
    }
    Ok(first.unwrap_or_default())
}

/// Renews the keys of every link; waits until both ends of each have new ones.
async fn renew(members: &[Member]) -> Result<usize, DemoError> {
    let mut before = Vec::new();
    for member in members {
        let links = member.client.links().await.doing(member.name)?;
        ensure(links.len() == members.len() - 1, || {
            format!("{} has {} links", member.name, links.len())
        })?;
        before.push(links);
    }
    for member in members {
        let started = member.client.renew_keys().await.doing(member.name)?;
        ensure(started == members.len() - 1, || format!("{} renews {started} links", member.name))?;
    }
    for (member, links) in members.iter().zip(&before) {
        let renewed = |told: &Told, link: &LinkInfo| {
            told.generations.get(&link.link).is_some_and(|&now| now > link.generation)
        };
        let missing = |told: &Told| {
            let missing = links.iter().filter(|link| !renewed(told, link)).count();
            (missing > 0).then(|| format!("new keys on {missing} of {} links", links.len()))
        };
        member.waits_for(missing).await?;
    }
    Ok(before.iter().map(Vec::len).sum::<usize>() / 2)
}

/// The last member says one more thing, and is gone as soon as one other has stored it.
async fn last_word(members: &mut Vec<Member>) -> Result<(Member, EntryId), DemoError> {
    let victim = members.pop().ok_or_else(|| DemoError("nobody is left".into()))?;
    let id = victim.says(format!("{}: whatever happens, keep this", victim.name)).await?;
    let missing = |told: &Told| {
        let heard = told.delivered.contains_key(&id);
        (!heard).then(|| "somebody who stores the last word".to_owned())
    };
    victim.waits_for(missing).await?;
    Ok((victim, id))
}

/// Waits until everybody has been told of, or has read back, `count` messages.
async fn catch_up(members: &[Member], count: usize) -> Result<(), DemoError> {
    for member in members {
        let mut told = 0;
        loop {
            let have = member.log().await?.len();
            if have >= count {
                break;
            }
            let missing = |now: &Told| {
                let nothing_new = now.messages.len() <= told;
                nothing_new.then(|| format!("{} of {count} messages", count - have))
            };
            member.waits_for(missing).await?;
            told = member.told().messages.len();
        }
    }
    Ok(())
}

/// What anybody was told to be stored elsewhere is in the log, and nobody complained.
fn nothing_missing(members: &[Member], sent: &Sent, log: &[EntryId]) -> Result<(), DemoError> {
    let log: BTreeSet<_> = log.iter().collect();
    for member in members {
        let told = member.told();
        let lost =
            told.delivered.keys().chain(sent.values().flatten()).find(|id| !log.contains(id));
        ensure(lost.is_none(), || format!("{} misses the message {lost:?}", member.name))?;
        ensure(told.complaints.is_empty(), || {
            format!("{} complains: {}", member.name, told.complaints.join("; "))
        })?;
    }
    Ok(())
}
