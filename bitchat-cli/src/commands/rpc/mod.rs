//! `bitchat rpc`: the node as a process that speaks JSON-RPC 2.0 over its standard input and output,
//! one object a line (docs/rpc.md).
//!
//! A reader that stops is back-pressure: nothing more is taken from the node, which in the end takes
//! less from its peers.

mod calls;
mod events;
mod params;
mod wire;

use super::dht::DhtArguments;
use crate::error::CliError;
use crate::files::{Home, identity_file, store_file};
use crate::signals::{Asked, Signals};
use bitchat_core::node::Event;
use bitchat_net::identity::load_or_create;
use bitchat_net::{Client, Events, Options};
use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, Stdout};
use wire::{Line, Lines, Request};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    home: Home,
    /// The UDP port to use; 0 for any
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Allow trackers and members on this machine and in its own network
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    dht: DhtArguments,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), CliError> {
    let home = arguments.home.open()?;
    let identity = load_or_create(&identity_file(&home))?;
    let mut options = Options::new(identity, Some(store_file(&home)));
    options.config.port = arguments.port;
    options.config.local_trackers = arguments.local;
    arguments.dht.apply(arguments.local, &mut options);
    let (client, events, driver) = bitchat_net::start(options).await?;
    let signals = Signals::listen()?;
    let task = tokio::spawn(driver.run());
    let mut server = Server { client, local: arguments.local, out: tokio::io::stdout() };
    let result = server.serve(events, signals).await;
    server.client.shutdown().await;
    let _ = task.await;
    result
}

struct Server {
    client: Client,
    local: bool,
    out: Stdout,
}

impl Server {
    /// Until the input ends, a signal comes or `shutdown` is called.
    async fn serve(&mut self, mut events: Events, mut signals: Signals) -> Result<(), CliError> {
        let mut lines = Lines::new(tokio::io::stdin());
        loop {
            let line = tokio::select! {
                event = events.next() => {
                    let event = event.ok_or(CliError::Ended)?;
                    self.tell(&event).await?;
                    continue;
                }
                line = lines.next() => line?,
                asked = signals.next() => match asked {
                    Asked::Stop => return Ok(()),
                    Asked::Resume => continue,
                },
            };
            let request = match line {
                Line::End => return Ok(()),
                Line::TooLong => Err(wire::too_long()),
                Line::Text(text) => wire::parse(&text),
            };
            if !self.answer(request).await? {
                return Ok(());
            }
        }
    }

    async fn tell(&mut self, event: &Event) -> Result<(), CliError> {
        self.write(&json!({"jsonrpc": "2.0", "method": "event", "params": events::event(event)}))
            .await
    }

    /// Carries a request out; false if it was the last one.
    async fn answer(&mut self, request: Result<Request, Value>) -> Result<bool, CliError> {
        let Request { id, method, params } = match request {
            Ok(request) => request,
            Err(complaint) => {
                self.write(&complaint).await?;
                return Ok(true);
            }
        };
        let last = method == "shutdown";
        let result = calls::call(&self.client, self.local, &method, params).await;
        // A request without an id wants no answer.
        if let Some(id) = id {
            self.write(&wire::answer(&id, result)).await?;
        }
        Ok(!last)
    }

    async fn write(&mut self, value: &Value) -> Result<(), CliError> {
        let mut line = value.to_string();
        line.push('\n');
        self.out.write_all(line.as_bytes()).await?;
        self.out.flush().await?;
        Ok(())
    }
}
