//! `bitchat show`: what a `.chat` file says.

use crate::error::CliError;
use crate::files::read_chat_file;
use crate::screen::{entry, line};
use bitchat_core::base::target::TargetPolicy;
use bitchat_core::base::time::UnixMillis;
use bitchat_core::chatfile::{ChatFile, JoinLink};
use clap::Args;
use std::path::PathBuf;
use std::time::SystemTime;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The .chat file
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CliError> {
    // Looking at a file calls upon nobody: local targets are shown as well.
    let file = read_chat_file(&arguments.file, TargetPolicy::AllowLocal)?;
    // Its maker chose the words, which must not pass for another line.
    for row in file.to_string().lines() {
        let (name, value) = row.split_once(' ').unwrap_or((row, ""));
        entry(name, value)?;
    }
    for (name, value) in details(&file) {
        entry(&format!("{name:<9}"), &value)?;
    }
    // To be copied, and so in one piece.
    line(&format!("{:<9} {}", "link", JoinLink::from(&file).to_text()))?;
    Ok(())
}

fn details(file: &ChatFile) -> Vec<(&'static str, String)> {
    let outside = file.outside();
    let mut lines = Vec::new();
    lines.extend(outside.nodes.iter().map(|node| ("node", format!("{}:{}", node.host, node.port))));
    lines.extend(outside.peers.iter().map(|hint| ("peer", hint.addr.to_string())));
    lines.extend(outside.created_by.iter().map(|by| ("made by", by.clone())));
    lines.extend(outside.created.map(|at| ("made on", date(at))));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
    let now = now.and_then(|since| u64::try_from(since.as_millis()).ok()).map(UnixMillis);
    match file.infohashes(now) {
        Ok(hashes) => lines.extend(hashes.iter().map(|hash| ("infohash", hash.to_string()))),
        Err(unknown) => lines.push(("infohash", unknown.to_string())),
    }
    lines.push(("salt", file.info().salt.iter().map(|byte| format!("{byte:02x}")).collect()));
    let key = if file.is_public() { "none" } else { "32 secret bytes (the link holds them)" };
    lines.push(("key", key.to_owned()));
    lines
}

/// The day of `at` in the Gregorian calendar (days to civil, after Howard Hinnant).
fn date(at: UnixMillis) -> String {
    let shifted = at.day() + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;
    use bitchat_core::base::time::UnixMillis;

    #[test]
    fn days_have_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (20_453, "2025-12-31"),
        ] {
            assert_eq!(date(UnixMillis(day * 86_400_000 + 86_399_999)), expected);
        }
    }
}
