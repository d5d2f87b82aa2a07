//! The messages of a chat, and their form as JSON, which is the usual one of chat requests.

use minijinja::value::Value;
use modeld_spec::error::Error;
use serde::{Deserialize, Serialize};

use super::features::Shape;
use super::{invalid, json};

/// One message of a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct ChatMessage {
    /// Who says it: `system`, `user`, `assistant`, `tool`, or what else the template knows.
    pub role: String,
    /// What is said.
    pub content: String,
    /// What an assistant thought before.
    pub reasoning: Option<String>,
    /// The tools that an assistant calls.
    pub tool_calls: Vec<ToolCall>,
    /// The call whose result this is.
    pub tool_call_id: Option<String>,
    /// The name of who says it, or of the tool whose result it is.
    pub name: Option<String>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// What its result refers to.
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// The arguments, as JSON.
    pub arguments: String,
}

impl ChatMessage {
    /// What somebody says.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        ChatMessage { role: role.into(), content: content.into(), ..ChatMessage::default() }
    }

    /// What a user says.
    pub fn user(content: impl Into<String>) -> Self {
        ChatMessage::new("user", content)
    }

    /// Bytes of all of its texts.
    pub(super) fn bytes(&self) -> usize {
        let texts = [Some(&self.role), Some(&self.content), self.reasoning.as_ref()];
        let names = [self.tool_call_id.as_ref(), self.name.as_ref()];
        let own: usize = texts.iter().chain(&names).flatten().map(|text| text.len()).sum();
        let calls = self
            .tool_calls
            .iter()
            .map(|call| call.name.len() + call.arguments.len() + call.id.as_ref().map_or(0, |id| id.len()));
        own + calls.sum::<usize>()
    }

    /// The message as a template sees it, in the shape that it wants.
    pub(super) fn value(&self, shape: Shape) -> Result<Value, String> {
        let is_none = shape.content_as_none && self.content.is_empty() && !self.tool_calls.is_empty();
        let content = if is_none { Value::from(()) } else { Value::from(&self.content) };
        let mut pairs = vec![("role", Value::from(&self.role)), ("content", content)];
        let optional = [
            ("reasoning_content", &self.reasoning),
            ("tool_call_id", &self.tool_call_id),
            ("name", &self.name),
        ];
        for (key, text) in optional {
            pairs.extend(text.as_ref().map(|text| (key, Value::from(text))));
        }
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.iter().map(|call| call.value(shape));
            pairs.push(("tool_calls", Value::from(calls.collect::<Result<Vec<Value>, String>>()?)));
        }
        Ok(Value::from_pairs(pairs))
    }
}

impl ToolCall {
    fn value(&self, shape: Shape) -> Result<Value, String> {
        let arguments = json::parse(&self.arguments)
            .map_err(|problem| format!("calls {:?} with arguments whose text {problem}", self.name))?;
        let arguments = if shape.arguments_as_text { Value::from(&self.arguments) } else { arguments };
        let function = Value::from_pairs([("name", Value::from(&self.name)), ("arguments", arguments)]);
        let mut pairs = vec![("type", Value::from("function")), ("function", function)];
        pairs.extend(self.id.as_ref().map(|id| ("id", Value::from(id))));
        Ok(Value::from_pairs(pairs))
    }
}

/// The messages of this JSON text: a list in the usual form of chat requests, in which the content is a text, null, or a list of
/// parts that are texts.
///
/// # Errors
/// [`Error::InvalidArgument`] if it is longer than `bytes_max`, too deep, or something else; a part that is no text is named.
pub fn messages_from_json(text: &str, bytes_max: usize) -> Result<Vec<ChatMessage>, Error> {
    if bytes_max < text.len() {
        return Err(invalid(format!("has {} bytes, and {bytes_max} are allowed", text.len())));
    }
    json::parse(text).map_err(invalid)?;
    serde_json::from_str(text).map_err(|error| invalid(format!("is refused: {error}")))
}

/// A message as it is in JSON.
#[derive(Serialize, Deserialize)]
struct Raw {
    role: String,
    #[serde(default)]
    content: Option<RawContent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Vec<RawCall>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RawContent {
    Text(String),
    Parts(Vec<RawPart>),
}

#[derive(Serialize, Deserialize)]
struct RawPart {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RawCall {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    function: RawFunction,
}

#[derive(Serialize, Deserialize)]
struct RawFunction {
    name: String,
    /// JSON as a text, or as it is.
    arguments: Value,
}

impl TryFrom<Raw> for ChatMessage {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let content = match raw.content {
            None => String::new(),
            Some(RawContent::Text(text)) => text,
            Some(RawContent::Parts(parts)) => {
                let texts = parts.into_iter().map(|part| match (&*part.kind, part.text) {
                    ("text", Some(text)) => Ok(text),
                    ("text", None) => Err("a part of the content has no text".to_string()),
                    (kind, _) => {
                        Err(format!("a part of the content is of the type {kind:?}, and only text is known"))
                    }
                });
                texts.collect::<Result<Vec<String>, String>>()?.join("\n")
            }
        };
        let calls = raw.tool_calls.unwrap_or_default().into_iter().map(|call| {
            let RawFunction { name, arguments } = call.function;
            let arguments = match arguments.as_str() {
                Some(text) => text.to_string(),
                None => json::to_text(&arguments).map_err(|error| error.to_string())?,
            };
            Ok(ToolCall { id: call.id, name, arguments })
        });
        Ok(ChatMessage {
            role: raw.role,
            content,
            reasoning: raw.reasoning_content,
            tool_calls: calls.collect::<Result<Vec<ToolCall>, String>>()?,
            tool_call_id: raw.tool_call_id,
            name: raw.name,
        })
    }
}

impl From<ChatMessage> for Raw {
    fn from(message: ChatMessage) -> Self {
        let calls = message.tool_calls.into_iter().map(|call| RawCall {
            id: call.id,
            function: RawFunction { name: call.name, arguments: Value::from(call.arguments) },
        });
        Raw {
            role: message.role,
            content: Some(RawContent::Text(message.content)),
            reasoning_content: message.reasoning,
            tool_calls: Some(calls.collect::<Vec<RawCall>>()).filter(|calls| !calls.is_empty()),
            tool_call_id: message.tool_call_id,
            name: message.name,
        }
    }
}
