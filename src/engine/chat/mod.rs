//! A chat as text, by the model's own template (`tokenizer.chat_template`, Jinja).
//!
//! The template is data from outside: it runs with bounded fuel and depth, on bounded input, to bounded output, and sees
//! nothing but the chat and the date. What it can't say is refused and not left out: tools for a template that knows none, a result
//! for one that drops it ([`Features`]).
//!
//! The whole rendered chat, generation prompt included, goes into one EnsurePrefix: the reuse of what was resident is found
//! token by token, so no split into a stable part is needed, and none has to be guessed from the template.
//!
//! It does not bound what a template builds and does not print: a text that is doubled again and again takes memory before it takes
//! fuel. A template comes with its model, which is trusted with more than that.

mod date;
mod features;
mod json;
mod message;
mod template;
#[cfg(test)]
mod tests;

use modeld_spec::error::Error;

use super::backend::ModelInfo;

pub use self::features::Features;
pub use self::message::{ChatMessage, ToolCall, messages_from_json};
pub use self::template::{Chat, ChatTemplate, Templates};

/// The text that the template of `model` makes of `messages`; `generation`: with the beginning of the answer.
///
/// # Errors
/// As [`ChatTemplate::of`] and [`ChatTemplate::render`].
pub fn render(
    model: &ModelInfo,
    messages: &[ChatMessage],
    generation: bool,
    bytes_max: usize,
) -> Result<String, Error> {
    let chat = Chat { messages: messages.to_vec(), generation, ..Chat::default() };
    ChatTemplate::of(model)?.render(&chat, bytes_max)
}

fn invalid(problem: String) -> Error {
    Error::InvalidArgument { argument: "the chat".to_string(), problem }
}
