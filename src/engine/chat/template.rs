//! A model's chat template, compiled once, and the rendering of a chat by it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error as JinjaError, ErrorKind};
use minijinja_contrib::pycompat::unknown_method_callback;
use modeld_spec::error::Error;
use modeld_spec::session::snapshot::Digest;

use super::features::{Features, Shape};
use super::message::ChatMessage;
use super::{date, invalid, json};
use crate::engine::backend::ModelInfo;
use crate::engine::manifest::digest_of;

/// What is to be rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chat {
    /// What was said, in order.
    pub messages: Vec<ChatMessage>,
    /// The tools that the model may call: JSON, a list of definitions.
    pub tools: Option<String>,
    /// Whether the text ends with the beginning of the model's answer.
    pub generation: bool,
    /// Whether the model is to think before it answers; `None` leaves it to the template.
    pub thinking: Option<bool>,
    /// How hard it is to think, in the model's own word, for instance `low`.
    pub reasoning_effort: Option<String>,
    /// More values for the template: JSON, an object.
    pub arguments: Option<String>,
    /// The instant whose date the template says, in UTC; `None`: the one at which it is rendered.
    pub now: Option<SystemTime>,
}

/// The compiled chat template of a model. Shared by all threads.
pub struct ChatTemplate {
    environment: Environment<'static>,
    model: String,
    bos_text: String,
    eos_text: String,
    features: OnceLock<Features>,
}

impl ChatTemplate {
    /// The template of `model`, compiled.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] if the model has no template; [`Error::InvalidArgument`] if it is too long or no template.
    pub fn of(model: &ModelInfo) -> Result<Self, Error> {
        let name = &model.facts.name;
        let Some(template) = &model.chat_template else {
            return Err(unsupported(name, "chat: it brings no chat template".to_string()));
        };
        let mut environment = environment().map_err(|error| invalid(reason(&error)))?;
        for (kind, source) in [(PLAIN, Some(template)), (TOOLS, model.tool_template.as_ref())] {
            let Some(source) = source else { continue };
            if TEMPLATE_BYTES_MAX < source.len() {
                let bytes = source.len();
                return Err(invalid(format!(
                    "has a template of {bytes} bytes, and {TEMPLATE_BYTES_MAX} are allowed"
                )));
            }
            let added = environment.add_template_owned(kind, without_generation_tags(source));
            added.map_err(|error| {
                invalid(format!(
                    "can't be rendered, since the model's chat template is none: {}",
                    reason(&error)
                ))
            })?;
        }
        Ok(ChatTemplate {
            environment,
            model: name.clone(),
            bos_text: model.bos_text.clone(),
            eos_text: model.eos_text.clone(),
            features: OnceLock::new(),
        })
    }

    /// What the template knows, found by rendering; the first call takes some renderings.
    pub fn features(&self) -> Features {
        *self
            .features
            .get_or_init(|| Features::probe(|chat, shape| self.try_render(chat, shape, PROBE_BYTES_MAX).ok()))
    }

    /// The text that the template makes of `chat`.
    ///
    /// # Errors
    /// [`Error::UnsupportedFeature`] if the template has no place for something in the chat; [`Error::InvalidArgument`] if the chat or
    /// the result is longer than `bytes_max`, or the template fails or refuses it: the text says why.
    pub fn render(&self, chat: &Chat, bytes_max: usize) -> Result<String, Error> {
        let extras = [&chat.tools, &chat.arguments, &chat.reasoning_effort];
        let given: usize = chat.messages.iter().map(ChatMessage::bytes).sum::<usize>()
            + extras.iter().filter_map(|text| text.as_ref()).map(|text| text.len()).sum::<usize>();
        if bytes_max < given {
            return Err(invalid(format!("has {given} bytes, and {bytes_max} are allowed")));
        }
        // Not asked for where nothing depends on it: most chats need no probe.
        let shape = if chat.is_plain() {
            Shape::default()
        } else {
            let features = self.features();
            if let Some(feature) = features.lacks(chat) {
                return Err(unsupported(
                    &self.model,
                    format!("{feature}: its chat template has no place for it"),
                ));
            }
            features.shape
        };
        self.try_render(chat, shape, bytes_max).map_err(invalid)
    }

    fn try_render(&self, chat: &Chat, shape: Shape, bytes_max: usize) -> Result<String, String> {
        let context = self.context(chat, shape)?;
        let name =
            if chat.tools.is_some() && self.environment.get_template(TOOLS).is_ok() { TOOLS } else { PLAIN };
        let mut output = Output { text: Vec::new(), bytes_max };
        let rendered = self
            .environment
            .get_template(name)
            .and_then(|template| template.render_captured_to(context, &mut output).map(drop));
        match rendered {
            Ok(()) => String::from_utf8(output.text).map_err(|_| "is no text when rendered".to_string()),
            Err(error) if error.kind() == ErrorKind::WriteFailure => {
                Err(format!("is longer than {bytes_max} bytes when rendered"))
            }
            Err(error) => Err(format!("is refused by the model's chat template: {}", reason(&error))),
        }
    }

    fn context(&self, chat: &Chat, shape: Shape) -> Result<Value, String> {
        let messages = chat.messages.iter().map(|message| message.value(shape));
        let messages = messages.collect::<Result<Vec<Value>, String>>()?;
        let now = chat.now.unwrap_or_else(SystemTime::now);
        let mut values = vec![
            ("messages".to_string(), Value::from(messages)),
            ("tools".to_string(), tools(chat.tools.as_deref())?),
            ("documents".to_string(), Value::from(())),
            ("add_generation_prompt".to_string(), Value::from(chat.generation)),
            ("bos_token".to_string(), Value::from(&self.bos_text)),
            ("eos_token".to_string(), Value::from(&self.eos_text)),
            (
                "strftime_now".to_string(),
                Value::from_function(move |format: String| date::format(&format, now)),
            ),
        ];
        if let Some(thinking) = chat.thinking {
            // Two families of templates, two names.
            values.extend(
                ["enable_thinking", "thinking"].map(|name| (name.to_string(), Value::from(thinking))),
            );
        }
        if let Some(effort) = &chat.reasoning_effort {
            let is_word = effort.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !is_word || effort.is_empty() || WORD_BYTES_MAX < effort.len() {
                return Err("asks for a reasoning effort that is no word of small letters".to_string());
            }
            values.push(("reasoning_effort".to_string(), Value::from(effort)));
        }
        for (name, value) in arguments(chat.arguments.as_deref())? {
            if values.iter().any(|(taken, _)| *taken == name) {
                return Err(format!("has a template argument {name:?}, which is said elsewhere"));
            }
            values.push((name, value));
        }
        Ok(Value::from_pairs(values))
    }
}

impl Chat {
    /// Whether there is nothing in it but messages without tools.
    fn is_plain(&self) -> bool {
        let is_plain = |message: &ChatMessage| message.tool_calls.is_empty() && message.role != "tool";
        let switches = self.thinking.is_some() || self.reasoning_effort.is_some();
        self.tools.is_none() && !switches && self.messages.iter().all(is_plain)
    }
}

/// The compiled templates of the models that were asked for last.
#[derive(Default)]
pub struct Templates {
    known: Mutex<BTreeMap<Digest, Arc<ChatTemplate>>>,
}

impl Templates {
    /// The template of `model`, compiled and probed once for all models with the same one.
    ///
    /// # Errors
    /// As [`ChatTemplate::of`].
    pub fn of(&self, model: &ModelInfo) -> Result<Arc<ChatTemplate>, Error> {
        let texts = [
            model.chat_template.as_deref().unwrap_or_default(),
            model.tool_template.as_deref().unwrap_or_default(),
            &model.bos_text,
            &model.eos_text,
            &model.facts.name,
        ];
        let bytes: Vec<u8> = texts
            .iter()
            .flat_map(|text| (text.len() as u64).to_le_bytes().into_iter().chain(text.bytes()))
            .collect();
        let key = digest_of(&bytes);
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let template = Arc::new(ChatTemplate::of(model)?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        while KNOWN_MAX <= known.len() {
            known.pop_first();
        }
        Ok(known.entry(key).or_insert(template).clone())
    }
}

/// What is printed, up to a bound.
struct Output {
    text: Vec<u8>,
    bytes_max: usize,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes_max < self.text.len() + bytes.len() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn environment() -> Result<Environment<'static>, JinjaError> {
    let mut environment = Environment::new();
    // What the reference implementation of chat templates sets.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION_MAX);
    environment.add_filter("tojson", json::tojson);
    // In Python there is nothing in None to be counted.
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
    environment.add_function("raise_exception", |message: String| -> Result<Value, JinjaError> {
        Err(JinjaError::new(ErrorKind::InvalidOperation, message))
    });
    Ok(environment)
}

fn tools(text: Option<&str>) -> Result<Value, String> {
    let Some(text) = text else { return Ok(Value::from(())) };
    let tools = json::parse(text).map_err(|problem| format!("has tools whose text {problem}"))?;
    let is_list = tools.kind() == ValueKind::Seq
        && tools.try_iter().is_ok_and(|mut tools| tools.all(|tool| tool.kind() == ValueKind::Map));
    let count = tools.len().unwrap_or_default();
    match is_list && 0 < count && count <= TOOLS_MAX {
        true => Ok(tools),
        false => Err(format!("has tools that are no list of 1 to {TOOLS_MAX} JSON objects")),
    }
}

fn arguments(text: Option<&str>) -> Result<Vec<(String, Value)>, String> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let problem = |problem: String| format!("has template arguments whose text {problem}");
    let values = json::parse(text).map_err(problem)?;
    if values.kind() != ValueKind::Map || ARGUMENTS_MAX < values.len().unwrap_or_default() {
        return Err(problem(format!("is no JSON object of at most {ARGUMENTS_MAX} values")));
    }
    let named = |key: Value| Ok((key.to_string(), values.get_item(&key)?));
    let iter = values.try_iter().map_err(|error| problem(error.to_string()))?;
    iter.map(named).collect::<Result<_, JinjaError>>().map_err(|error| problem(error.to_string()))
}

/// The template with `{% generation %}` as a block that is always entered: it marks answers for training, and prints nothing itself.
fn without_generation_tags(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{%") {
        text.push_str(before);
        text.push_str("{%");
        rest = after;
        let Some((tag, _)) = after.split_once("%}") else { break };
        let word = tag.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        let plain = match word {
            "generation" => "if true",
            "endgeneration" => "endif",
            _ => continue,
        };
        text.push_str(&tag.replace(word, plain));
        rest = &after[tag.len()..];
    }
    text.push_str(rest);
    text
}

fn reason(error: &JinjaError) -> String {
    match error.detail() {
        Some(detail) => detail.to_string(),
        None => error.to_string(),
    }
}

fn unsupported(model: &str, feature: String) -> Error {
    Error::UnsupportedFeature { backend: format!("the model {model}"), feature }
}

/// The names of the templates of a model.
const PLAIN: &str = "chat";
const TOOLS: &str = "tool_use";

/// The longest template: the longest ones known are some 30 kB.
const TEMPLATE_BYTES_MAX: usize = 1 << 20;

/// Instructions of one rendering: some hundred a message in known templates.
const FUEL: u64 = 10_000_000;

/// Calls of macros within each other; known templates have three.
const RECURSION_MAX: usize = 64;

/// More tools than a model can choose from.
const TOOLS_MAX: usize = 1024;

/// Template arguments of one request.
const ARGUMENTS_MAX: usize = 64;

/// The longest word for a reasoning effort.
const WORD_BYTES_MAX: usize = 32;

/// Templates that are kept compiled.
const KNOWN_MAX: usize = 64;

/// A probe is a few words, in whatever a template puts around them.
const PROBE_BYTES_MAX: usize = 1 << 20;
