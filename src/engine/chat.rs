//! A chat as text, by the model's own template (`tokenizer.chat_template`, Jinja).
//!
//! The template is data from outside: it runs with bounded fuel, on bounded input, to bounded output, and sees nothing but the messages.
//! The whole rendered chat, generation prompt included, goes into one EnsurePrefix: the reuse of what was resident is found
//! token by token, so no split into a stable part is needed, and none has to be guessed from the template.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error as JinjaError, ErrorKind, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use modeld_spec::error::Error;
use serde::{Deserialize, Serialize};

use super::backend::ModelInfo;

/// One message of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who says it: `system`, `user`, `assistant`, or what else the template knows.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl ChatMessage {
    /// What a user says.
    pub fn user(content: impl Into<String>) -> Self {
        ChatMessage { role: "user".to_string(), content: content.into() }
    }
}

/// The text that the template of `model` makes of `messages`; `generation`: with the beginning of the answer.
///
/// # Errors
/// [`Error::UnsupportedFeature`] if the model has no template; [`Error::InvalidArgument`] if the messages or the result are
/// longer than `bytes_max`, or the template fails or refuses them: the text says why.
pub fn render(
    model: &ModelInfo,
    messages: &[ChatMessage],
    generation: bool,
    bytes_max: usize,
) -> Result<String, Error> {
    let Some(template) = &model.chat_template else {
        let feature = "chat: it brings no chat template".to_string();
        return Err(Error::UnsupportedFeature {
            backend: format!("the model {}", model.facts.name),
            feature,
        });
    };
    if TEMPLATE_BYTES_MAX < template.len() {
        return Err(invalid(format!(
            "has a template of {} bytes, and {TEMPLATE_BYTES_MAX} are allowed",
            template.len()
        )));
    }
    let given: usize = messages.iter().map(|message| message.role.len() + message.content.len()).sum();
    if bytes_max < given {
        return Err(invalid(format!("has {given} bytes, and {bytes_max} are allowed")));
    }
    let rendered = render_text(template, model, messages, generation)
        .map_err(|error| invalid(format!("is refused by the model's chat template: {}", reason(&error))))?;
    if bytes_max < rendered.len() {
        return Err(invalid(format!(
            "is {} bytes when rendered, and {bytes_max} are allowed",
            rendered.len()
        )));
    }
    Ok(rendered)
}

fn render_text(
    template: &str,
    model: &ModelInfo,
    messages: &[ChatMessage],
    generation: bool,
) -> Result<String, JinjaError> {
    let mut environment = Environment::new();
    // What the reference implementation of chat templates sets.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    environment.add_function("raise_exception", |message: String| -> Result<Value, JinjaError> {
        Err(JinjaError::new(ErrorKind::InvalidOperation, message))
    });
    let message =
        |message: &ChatMessage| Value::from_pairs([("role", &*message.role), ("content", &*message.content)]);
    environment.template_from_str(template)?.render(context! {
        messages => messages.iter().map(message).collect::<Vec<Value>>(),
        add_generation_prompt => generation,
        bos_token => &model.bos_text,
        eos_token => &model.eos_text,
    })
}

fn reason(error: &JinjaError) -> String {
    match error.detail() {
        Some(detail) => detail.to_string(),
        None => error.to_string(),
    }
}

fn invalid(problem: String) -> Error {
    Error::InvalidArgument { argument: "the chat".to_string(), problem }
}

/// The longest template: the longest ones known are some 30 kB.
const TEMPLATE_BYTES_MAX: usize = 1 << 20;

/// Instructions of one rendering: some hundred a message in known templates.
const FUEL: u64 = 10_000_000;
