//! `bitchat`: private group chat without a server.

// They panic where the output takes nothing more: `screen` prints.
#![warn(clippy::print_stderr, clippy::print_stdout)]

mod commands;
mod error;
mod files;
mod screen;
mod signals;
mod terminal;

use clap::{Parser, Subcommand};
use commands::{check, demo, id, join, new, rpc, show, tracker};
use error::CliError;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
#[command(name = "bitchat", version, about = "Private group chat without a server")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a .chat file: who has it can join
    New(new::Arguments),
    /// Show what a .chat file says
    Show(show::Arguments),
    /// Show who you are to others; makes your identity if there is none
    Id(id::Arguments),
    /// Talk in the channel of a .chat file
    Join(join::Arguments),
    /// Find out whether the program at an address keeps the protocol: for who writes one
    Check(check::Arguments),
    /// A node for other programs: JSON-RPC over standard input and output
    Rpc(rpc::Arguments),
    /// Run a small tracker, for your own network
    Tracker(tracker::Arguments),
    /// Five members meet, talk, lose one and find it again; checks itself
    Demo,
}

fn main() -> ExitCode {
    let logs = tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env());
    logs.with_writer(|| screen::Notes).init();
    let result = match Arguments::parse().command {
        Command::New(arguments) => new::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Id(arguments) => id::run(&arguments),
        Command::Join(arguments) => block_on(join::run(&arguments)),
        Command::Check(arguments) => check::run(&arguments),
        Command::Rpc(arguments) => block_on(rpc::run(&arguments)),
        Command::Tracker(arguments) => block_on(tracker::run(&arguments)),
        Command::Demo => block_on(demo::run()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen::note(&format!("bitchat: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CliError::Runtime)?;
    let result = runtime.block_on(work);
    // A name that is still being looked up must not hold up the end.
    runtime.shutdown_background();
    result
}
