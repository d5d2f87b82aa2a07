//! `modeld run`: one answer, streamed, from whoever owns; as owner itself if nobody does.

use std::io::{IsTerminal, stderr, stdout};
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::choice::Choice;
use super::exit::Exit;
use super::failure::Failure;
use super::host::Host;
use super::input;
use super::model::ModelArgs;
use super::output::{self, ms};
use super::progress::LoadBar;
use super::signals::asked_to_stop;
use super::terms::{DataRootArgs, OwnerArgs};
use crate::conn::{Client, Content, Event, Generation, Options, Request, Totals};
use crate::engine::Prompt;
use crate::engine::chat::{Chat, ChatMessage};

/// Stream an answer of a model
///
/// Asks the owner of the data root; if nobody owns it, this process does for as long as the answer takes. Goes
/// on at the next owner if this one dies. The prompt comes from the command line or through a pipe.
#[derive(Args, Debug)]
pub(super) struct Run {
    #[command(flatten)]
    model: ModelArgs,
    /// What to continue, or to answer with --chat [default: read from a pipe]
    prompt: Option<String>,
    /// Print events as JSON, one a line, and the whole answer with its figures as the last line
    #[arg(long)]
    pub(super) json: bool,
    /// Take the prompt as a message, in the model's own chat template
    #[arg(long)]
    chat: bool,
    /// The system message of the chat
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
    /// Let texts of control tokens in the prompt be those tokens
    #[arg(long, conflicts_with = "chat")]
    control: bool,
    /// Let the model think before it answers, in a chat
    #[arg(long, requires = "chat", conflicts_with = "no_think")]
    think: bool,
    /// Let the model answer without thinking, in a chat
    #[arg(long, requires = "chat")]
    no_think: bool,
    /// How hard the model is to think, in its own word, as in `low`
    #[arg(long, value_name = "WORD", requires = "chat")]
    effort: Option<String>,
    /// A JSON file with the tools that the model may call: a list of definitions
    #[arg(long, value_name = "FILE", requires = "chat")]
    tools: Option<PathBuf>,
    /// How long to wait for another owner if this one is lost
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    patience: Duration,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    root: DataRootArgs,
    #[command(flatten)]
    owner: OwnerArgs,
}

impl Run {
    pub(super) async fn run(&self) -> Result<Exit, Failure> {
        let root = self.root.resolve()?;
        let request = self.request()?;
        let terms = self.owner.options(root.clone())?;
        let interrupted = pin!(asked_to_stop()?);
        let client = Client::new(root, Options { patience: self.patience, ..Options::default() })?;
        let answer_max = client.options().answer_max;
        let host = Host::begin(client.detector().clone(), terms, answer_max, self.patience).await?;
        let answered = tokio::select! {
            answered = self.answer(client.generate(request)) => answered.map(|()| Exit::Done),
            () = interrupted => Err(Failure::text(Exit::Interrupted, "interrupted", None)),
        };
        host.end().await?;
        answered
    }

    fn request(&self) -> Result<Request, Failure> {
        let prompt = input::prompt(self.prompt.as_deref(), "run")?;
        let open = self.model.open(self.owner.backend())?;
        let prefix = if self.chat {
            let system = self.system.iter().map(|text| ChatMessage::new("system", text));
            let tools = self.tools.as_deref().map(|path| input::file(path, TOOLS_BYTES_MAX)).transpose()?;
            Content::Chat(Chat {
                messages: system.chain([ChatMessage::user(prompt)]).collect(),
                tools,
                generation: true,
                thinking: (self.think || self.no_think).then_some(self.think),
                reasoning_effort: self.effort.clone(),
                ..Chat::default()
            })
        } else {
            Content::Prompt(Prompt::Text { text: prompt, control: self.control })
        };
        Ok(Request { open, prefix, suffix: None, params: self.choice.params()? })
    }

    async fn answer(&self, mut generation: Generation) -> Result<(), Failure> {
        let mut printer = Printer::new(self.json);
        while let Some(event) = generation.next().await {
            printer.tell(event?)?;
        }
        Ok(())
    }
}

/// Tells what happens while generating, to a person or to a script.
struct Printer {
    json: bool,
    /// Whether what the model writes goes to a terminal, which would obey it.
    careful: bool,
    bar: LoadBar,
    /// The whole answer; bounded by the tokens that were asked for.
    text: String,
}

impl Printer {
    fn new(json: bool) -> Self {
        let visible = !json && stderr().is_terminal();
        Printer { json, careful: stdout().is_terminal(), bar: LoadBar::new(visible), text: String::new() }
    }

    fn tell(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Loading { fraction } => {
                self.bar.show(fraction);
                self.line(|| json!({"event": "loading", "fraction": fraction}))
            }
            Event::Opened { epoch, instance } => {
                self.bar.end();
                self.line(|| json!({"event": "open", "epoch": epoch, "instance": instance}))
            }
            Event::OwnerChanged { from, to, gap } => {
                self.bar.end();
                if !self.json {
                    output::note(&format!("the owner of epoch {from} is gone, epoch {to} goes on after {gap:.0?}"));
                }
                self.line(|| {
                    json!({"event": "owner_changed", "from_epoch": from, "to_epoch": to, "gap_ms": ms(gap)})
                })
            }
            Event::Prefilled { prefix, .. } => self.line(|| {
                json!({"event": "prefilled", "epoch": prefix.epoch, "reuse": prefix.reuse, "prefix": prefix.prefix})
            }),
            Event::Item { epoch, index, text, tokens, logprobs } => {
                self.text += &text;
                if self.json {
                    let tokens: Vec<i32> = tokens.iter().map(|token| token.0).collect();
                    let mut line =
                        json!({"event": "text", "epoch": epoch, "text": text, "index": index, "tokens": tokens});
                    if !logprobs.is_empty() {
                        line["logprobs"] = json!(logprobs);
                    }
                    output::json_line(&line)
                } else if self.careful {
                    output::text(&output::harmless(&text))
                } else {
                    output::text(&text)
                }
            }
            Event::Finished(totals) => self.finish(&totals),
        }
    }

    fn line(&self, value: impl FnOnce() -> serde_json::Value) -> Result<(), Failure> {
        if self.json { output::json_line(&value()) } else { Ok(()) }
    }

    fn finish(&mut self, totals: &Totals) -> Result<(), Failure> {
        let end = &totals.end;
        let epoch = totals.epochs.last();
        if self.json {
            return output::json_line(&json!({
                "text": self.text,
                "tokens": totals.tokens,
                "reused": totals.reused,
                "prefilled": totals.prefilled,
                "finish_reason": end.finish.token(),
                "epoch": epoch,
                "epochs": totals.epochs,
                "stale_items": totals.stale_items,
                "seed": end.seed,
                "prompt_tokens": end.prompt_tokens,
                "shifted": end.shifted,
                "context": {"resident": end.room.resident, "limit": end.room.limit},
                "first_token_ms": end.first_token.map(ms),
                "elapsed_ms": ms(end.elapsed),
                "tokens_per_second": end.tokens_per_second(),
            }));
        }
        if !self.text.ends_with('\n') {
            output::text("\n")?;
        }
        if stderr().is_terminal() {
            let speed =
                end.tokens_per_second().map(|speed| format!(", {speed:.0} tokens/s")).unwrap_or_default();
            let epoch = epoch.map(|epoch| format!(", epoch {epoch}")).unwrap_or_default();
            eprintln!(
                "[{} tokens{speed}, prompt {}, ended by {}{epoch}]",
                totals.tokens, end.prompt_tokens, end.finish
            );
        }
        Ok(())
    }
}

/// More than the definitions of a thousand tools.
const TOOLS_BYTES_MAX: u64 = 1 << 20;
