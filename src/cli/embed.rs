//! `modeld embed`: the embedding of one text, from whoever owns; as owner itself if nobody does.

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::failure::Failure;
use super::host::Host;
use super::input;
use super::model::ModelArgs;
use super::output::{self, ms};
use super::signals::asked_to_stop;
use super::terms::{DataRootArgs, OwnerArgs};
use crate::conn::{Client, ConnError, OpenSession, Options};
use crate::engine::{Embedded, Prompt};

/// Print the embedding of a text
///
/// The numbers as the model gives them, on one line. Asks the owner of the data root; if nobody owns it, this process does for as long
/// as it takes. The text comes from the command line or through a pipe.
#[derive(Args, Debug)]
pub(super) struct Embed {
    #[command(flatten)]
    model: ModelArgs,
    /// What to embed [default: read from a pipe]
    text: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// How long to wait for an owner
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    patience: Duration,
    #[command(flatten)]
    root: DataRootArgs,
    #[command(flatten)]
    owner: OwnerArgs,
}

impl Embed {
    pub(super) async fn run(&self) -> Result<Exit, Failure> {
        let root = self.root.resolve()?;
        let prompt = Prompt::literal(input::prompt(self.text.as_deref(), "embed")?);
        let open = self.model.open(self.owner.backend())?;
        let terms = self.owner.options(root.clone())?;
        let interrupted = pin!(asked_to_stop()?);
        let client = Client::new(root, Options { patience: self.patience, ..Options::default() })?;
        let answer_max = client.options().answer_max;
        let host = Host::begin(client.detector().clone(), terms, answer_max, self.patience).await?;
        let embedded = tokio::select! {
            embedded = embed(&client, &open, &prompt) => embedded.map_err(Failure::from),
            () = interrupted => Err(Failure::text(Exit::Interrupted, "interrupted", None)),
        };
        host.end().await?;
        self.print(&embedded?)?;
        Ok(Exit::Done)
    }

    fn print(&self, embedded: &Embedded) -> Result<(), Failure> {
        let embedding = &embedded.embedding;
        if self.json {
            return output::json_line(&json!({
                "embedding": embedding.values,
                "pooling": embedding.pooling,
                "pooling_declared": embedding.declared,
                "tokens": embedded.tokens,
                "epoch": embedded.epoch,
                "elapsed_ms": ms(embedded.elapsed),
            }));
        }
        let numbers: Vec<String> = embedding.values.iter().map(f32::to_string).collect();
        output::text(&(numbers.join(" ") + "\n"))
    }
}

/// An embedding changes nothing, so it is asked for again where its owner was lost.
async fn embed(client: &Client, open: &OpenSession, prompt: &Prompt) -> Result<Embedded, ConnError> {
    let mut tries = TRIES;
    loop {
        match client.embed(open, prompt).await {
            Err(error) if 1 < tries && error.is_owner_change() => tries -= 1,
            ended => return ended,
        }
    }
}

/// An owner may hand over while it is asked, and the next one too; a third one is no chance.
const TRIES: u32 = 3;
