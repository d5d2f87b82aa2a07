//! `modeld run`: one answer, streamed, from whoever owns; as owner itself if nobody does.

use std::io::{IsTerminal, Read, stderr, stdin, stdout};
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use modeld_spec::error::Error;
use modeld_spec::session::draft::Drafts;
use modeld_spec::session::params::{DecodeParams, Sampling, SamplingParams};
use modeld_spec::session::stop::StopStrings;
use serde_json::json;

use super::exit::Exit;
use super::failure::Failure;
use super::host::Host;
use super::output;
use super::progress::LoadBar;
use super::signals::asked_to_stop;
use super::terms::{DataRootArgs, OwnerArgs};
use crate::conn::{Client, Content, Event, Generation, OpenSession, Options, Request, Totals};
use crate::daemon::is_model_name;
use crate::engine::Prompt;
use crate::engine::chat::ChatMessage;

/// Stream an answer of a model
///
/// Asks the owner of the data root; if nobody owns it, this process does for as long as the answer takes. Goes
/// on at the next owner if this one dies. The prompt comes from the command line or through a pipe.
#[derive(Args, Debug)]
pub(super) struct Run {
    /// A GGUF file, or `demo` for the model that comes with this program; `toy` with --backend toy
    model: String,
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
    /// Tokens of context [default: as much as the model was trained on, at most 4096]
    #[arg(long, value_name = "N")]
    ctx: Option<u64>,
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

/// How tokens are chosen, and when to end.
#[derive(Args, Debug)]
struct Choice {
    /// End after this many tokens
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_tokens: u64,
    /// End before this text (can be repeated)
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// The seed of the random choice [default: a random one, which --json reports]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// 0: always the likeliest token [default: 0.8]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    temperature: Option<f32>,
    /// Only so many of the likeliest tokens; 0: all [default: 40]
    #[arg(long, value_name = "N")]
    top_k: Option<u32>,
    /// Only the likeliest tokens that together reach this probability [default: 0.95]
    #[arg(long, value_name = "P")]
    top_p: Option<f32>,
    /// Only tokens at least this likely relative to the likeliest [default: 0.05]
    #[arg(long, value_name = "P")]
    min_p: Option<f32>,
    /// Divide the logits of recent tokens; 1: off [default: 1]
    #[arg(long, value_name = "X")]
    repeat_penalty: Option<f32>,
    /// Lower a logit for each recent occurrence; 0: off [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    frequency_penalty: Option<f32>,
    /// Lower a logit once if it occurred recently; 0: off [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    presence_penalty: Option<f32>,
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
        let prompt = match &self.prompt {
            Some(prompt) => prompt.clone(),
            None => read_prompt()?,
        };
        if prompt.is_empty() {
            return Err(Failure::text(Exit::Usage, "the prompt is empty", None));
        }
        let open = OpenSession {
            context_tokens: self.ctx,
            backend: self.backend(),
            ..OpenSession::new(self.model()?)
        };
        let prefix = if self.chat {
            let system = self.system.iter().map(|text| ChatMessage::new("system", text));
            Content::Chat(system.chain([ChatMessage::user(prompt)]).collect())
        } else {
            Content::Prompt(Prompt { text: prompt, control: self.control })
        };
        Ok(Request { open, prefix, suffix: None, params: self.choice.params()? })
    }

    /// What the owner is to call the model: its working directory is another one.
    fn model(&self) -> Result<String, Failure> {
        if is_model_name(&self.model) {
            return Ok(self.model.clone());
        }
        let missing = || Failure::from(Error::ModelNotFound { model: self.model.clone() });
        let path = PathBuf::from(&self.model).canonicalize().map_err(|_| missing())?;
        path.into_os_string().into_string().map_err(|_| {
            Failure::text(Exit::Usage, format!("the path of {} is not valid UTF-8", self.model), None)
        })
    }

    fn backend(&self) -> Option<String> {
        self.owner.backend().map(|backend| backend.name().to_owned())
    }

    async fn answer(&self, mut generation: Generation) -> Result<(), Failure> {
        let mut printer = Printer::new(self.json);
        while let Some(event) = generation.next().await {
            printer.tell(event?)?;
        }
        Ok(())
    }
}

impl Choice {
    fn params(&self) -> Result<DecodeParams, Error> {
        let usual = Sampling::default();
        let sampling = Sampling {
            temperature: self.temperature.unwrap_or(usual.temperature),
            top_k: self.top_k.unwrap_or(usual.top_k),
            top_p: self.top_p.unwrap_or(usual.top_p),
            min_p: self.min_p.unwrap_or(usual.min_p),
            repeat_penalty: self.repeat_penalty.unwrap_or(usual.repeat_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(usual.frequency_penalty),
            presence_penalty: self.presence_penalty.unwrap_or(usual.presence_penalty),
            ..usual
        };
        let sampling = SamplingParams::new(sampling)?;
        Ok(DecodeParams {
            // Greedy says that the answer is to be the same each time, also when owners change.
            exact: sampling.is_greedy(),
            sampling,
            max_tokens: Some(self.max_tokens),
            stop: StopStrings::new(self.stop.clone())?,
            seed: self.seed,
            continues: Vec::new(),
            shift: false,
            logprobs: None,
            drafts: Drafts::NONE,
        })
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
            Event::Item { epoch, index, text, tokens } => {
                self.text += &text;
                if self.json {
                    let tokens: Vec<i32> = tokens.iter().map(|token| token.0).collect();
                    output::json_line(
                        &json!({"event": "text", "epoch": epoch, "text": text, "index": index, "tokens": tokens}),
                    )
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

fn read_prompt() -> Result<String, Failure> {
    if stdin().is_terminal() {
        let hint = "pass it as the second argument, or through a pipe: `modeld run MODEL < FILE`";
        return Err(Failure::text(Exit::Usage, "there is no prompt", Some(hint.to_owned())));
    }
    let mut bytes = Vec::new();
    stdin().lock().take(PROMPT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if PROMPT_BYTES_MAX < bytes.len() as u64 {
        return Err(Failure::text(
            Exit::Usage,
            format!("the prompt has more than {PROMPT_BYTES_MAX} bytes"),
            None,
        ));
    }
    String::from_utf8(bytes).map_err(|_| Failure::text(Exit::Usage, "the prompt is not valid UTF-8", None))
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

/// What the wire takes in one message, less its frame.
const PROMPT_BYTES_MAX: u64 = 4 << 20;
