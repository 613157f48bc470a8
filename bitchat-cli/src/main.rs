//! `bitchat`: private group chat without a server.

mod commands;
mod error;
mod files;
mod screen;

use clap::{Parser, Subcommand};
use commands::{id, new, show};
use std::process::ExitCode;

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
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::New(arguments) => new::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Id(arguments) => id::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bitchat: {error}");
            ExitCode::FAILURE
        }
    }
}
