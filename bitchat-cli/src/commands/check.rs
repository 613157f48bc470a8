//! `bitchat check`: whether somebody else's program is one that others can talk with.

use crate::error::CliError;
use crate::files::read_chat_file;
use crate::screen::line;
use bitchat_core::base::target::TargetPolicy;
use bitchat_net::check::{Finding, Options, Report, Verdict, run as run_checks};
use clap::Args;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the peer is
    #[arg(value_name = "ADDRESS:PORT")]
    address: SocketAddr,
    /// The .chat file of a channel that the peer has joined
    file: PathBuf,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Also write a text to the channel, to see it stored; it stays in the channel's log
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CliError> {
    // The peer is named by whoever runs this, and nobody else is called upon.
    let file = read_chat_file(&arguments.file, TargetPolicy::AllowLocal)?;
    let options = Options { write: arguments.write, ..Options::default() };
    let report = run_checks(arguments.address, &file, &options).map_err(CliError::Check)?;
    if arguments.json {
        line(&object(&report).to_string())?;
    } else {
        report.findings.iter().try_for_each(|found| line(&words(found)))?;
    }
    let (failed, all) = (report.failed(), report.findings.len());
    if failed > 0 {
        return Err(CliError::NotKept { failed, all });
    }
    if !arguments.json {
        let untried = report.untried();
        line(&format!("{} of {all} checks passed, {untried} were not tried", all - untried))?;
    }
    Ok(())
}

/// The mark of a verdict, and what there is to say about it.
fn verdict(found: &Finding) -> (&'static str, Option<&str>) {
    match &found.verdict {
        Verdict::Kept => ("ok", None),
        Verdict::Broken(why) => ("FAILED", Some(why)),
        Verdict::Untried(why) => ("not tried", Some(why)),
    }
}

fn words(found: &Finding) -> String {
    let (mark, why) = verdict(found);
    let head = format!("{mark:<9} {}", found.what);
    match why {
        None => head,
        Some(why) => format!("{head}\n          {}: {why}", found.requirements.join(" ")),
    }
}

fn object(report: &Report) -> Value {
    let findings = report.findings.iter().map(|found| {
        let (mark, why) = verdict(found);
        json!({
            "stage": found.stage.to_string(),
            "check": found.what,
            "requirements": found.requirements,
            "result": mark.to_lowercase(),
            "why": why,
        })
    });
    json!({
        "address": report.address.to_string(),
        "failed": report.failed(),
        "not_tried": report.untried(),
        "checks": findings.collect::<Vec<_>>(),
    })
}
