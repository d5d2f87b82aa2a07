//! What goes on the tape of a session: texts, tokens, chats.

use modeld_spec::error::Error;
use modeld_spec::session::tape::TokenId;

use super::super::proto;
use super::ids;
use crate::engine::Prompt;
use crate::engine::chat::{Chat, ChatMessage, ToolCall};

/// What goes on the tape of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text, or tokens.
    Prompt(Prompt),
    /// A conversation, rendered by the model's own chat template. The owner says the date: [`Chat::now`] does not count.
    Chat(Chat),
}

impl Content {
    /// A conversation that ends with the beginning of the answer.
    pub fn chat(messages: impl IntoIterator<Item = ChatMessage>) -> Self {
        let messages = messages.into_iter().collect();
        Content::Chat(Chat { messages, generation: true, ..Chat::default() })
    }
}

/// What a client sent.
pub(in crate::transport) fn content(content: Option<proto::Content>) -> Result<Content, Error> {
    use proto::content::Content as Given;
    match content.and_then(|content| content.content) {
        Some(Given::Text(proto::Text { text, control })) => {
            Ok(Content::Prompt(Prompt::Text { text, control }))
        }
        Some(Given::Tokens(proto::Tokens { tokens })) => {
            Ok(Content::Prompt(Prompt::Tokens(tokens.into_iter().map(TokenId).collect())))
        }
        Some(Given::Chat(chat)) => Ok(Content::Chat(chat.into())),
        None => Err(Error::InvalidArgument {
            argument: "content".to_string(),
            problem: "is missing, or of a kind that this version does not know".to_string(),
        }),
    }
}

impl From<&Content> for proto::Content {
    fn from(content: &Content) -> Self {
        let content = match content {
            Content::Prompt(prompt) => return prompt.into(),
            Content::Chat(chat) => proto::content::Content::Chat(chat.into()),
        };
        proto::Content { content: Some(content) }
    }
}

impl From<&Prompt> for proto::Content {
    fn from(prompt: &Prompt) -> Self {
        use proto::content::Content as Given;
        let content = match prompt {
            Prompt::Text { text, control } => {
                Given::Text(proto::Text { text: text.clone(), control: *control })
            }
            Prompt::Tokens(tokens) => Given::Tokens(proto::Tokens { tokens: ids(tokens) }),
        };
        proto::Content { content: Some(content) }
    }
}

impl From<proto::Chat> for Chat {
    fn from(chat: proto::Chat) -> Self {
        Chat {
            messages: chat.messages.into_iter().map(Into::into).collect(),
            tools: chat.tools,
            generation: !chat.closed,
            thinking: chat.thinking,
            reasoning_effort: chat.reasoning_effort,
            arguments: chat.arguments,
            now: None,
        }
    }
}

impl From<&Chat> for proto::Chat {
    fn from(chat: &Chat) -> Self {
        proto::Chat {
            messages: chat.messages.iter().map(Into::into).collect(),
            tools: chat.tools.clone(),
            thinking: chat.thinking,
            reasoning_effort: chat.reasoning_effort.clone(),
            arguments: chat.arguments.clone(),
            closed: !chat.generation,
        }
    }
}

impl From<proto::ChatMessage> for ChatMessage {
    fn from(message: proto::ChatMessage) -> Self {
        let call =
            |call: proto::ToolCall| ToolCall { id: call.id, name: call.name, arguments: call.arguments };
        ChatMessage {
            role: message.role,
            content: message.content,
            reasoning: message.reasoning,
            tool_calls: message.tool_calls.into_iter().map(call).collect(),
            tool_call_id: message.tool_call_id,
            name: message.name,
        }
    }
}

impl From<&ChatMessage> for proto::ChatMessage {
    fn from(message: &ChatMessage) -> Self {
        let call = |call: &ToolCall| proto::ToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        };
        proto::ChatMessage {
            role: message.role.clone(),
            content: message.content.clone(),
            reasoning: message.reasoning.clone(),
            tool_calls: message.tool_calls.iter().map(call).collect(),
            tool_call_id: message.tool_call_id.clone(),
            name: message.name.clone(),
        }
    }
}
