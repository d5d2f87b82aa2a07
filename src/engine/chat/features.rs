//! What a template knows, found by rendering small chats and looking for their words in the text.
//!
//! A template does not say what it can do. What it has no place for it leaves out, and the model would never hear of it: so each thing is
//! tried, and what did not come out is refused before it is lost.

use super::message::{ChatMessage, ToolCall};
use super::template::Chat;

/// What a chat template has a place for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// A message of the role `system`.
    pub system: bool,
    /// Definitions of tools.
    pub tools: bool,
    /// Calls of tools in what an assistant said.
    pub tool_calls: bool,
    /// Results of tools.
    pub tool_results: bool,
    /// A switch for thinking.
    pub thinking: bool,
    /// A word for how hard to think.
    pub reasoning_effort: bool,
    /// How it wants to see calls.
    pub(super) shape: Shape,
}

/// What authors of templates did not agree upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Whether the arguments of a call are a text, to be put together with others.
    pub(super) arguments_as_text: bool,
    /// Whether an empty content beside calls is none.
    pub(super) content_as_none: bool,
}

impl Features {
    /// Tries everything with `render`, which is given a chat and a shape, and says the text, if it could be made.
    pub(super) fn probe(render: impl Fn(&Chat, Shape) -> Option<String>) -> Self {
        let user = ChatMessage::user(QUESTION);
        let chat = |messages: &[ChatMessage]| Chat {
            messages: messages.to_vec(),
            generation: true,
            ..Chat::default()
        };
        let says_in = |chat: &Chat, shape: Shape, words: &[&str]| {
            render(chat, shape).is_some_and(|text| words.iter().all(|word| text.contains(word)))
        };
        let says = |chat: &Chat, word: &str| says_in(chat, Shape::default(), &[word]);
        let plain = chat(std::slice::from_ref(&user));
        let with_tools = Chat { tools: Some(TOOLS.to_string()), ..plain.clone() };
        let tools = says(&with_tools, TOOL);

        let call = ToolCall {
            id: Some(CALL.to_string()),
            name: CALLED.to_string(),
            arguments: ARGUMENTS.to_string(),
        };
        let called = ChatMessage { tool_calls: vec![call], ..ChatMessage::new("assistant", "") };
        let result = ChatMessage {
            tool_call_id: Some(CALL.to_string()),
            name: Some(CALLED.to_string()),
            ..ChatMessage::new("tool", RESULT)
        };
        let answered = [user.clone(), called, result];
        let [calls, results] =
            [2, 3].map(|count| Chat { tools: tools.then(|| TOOLS.to_string()), ..chat(&answered[..count]) });
        // As an object first: a template that writes JSON would write a text in quotes.
        let shapes = [(false, false), (true, false), (false, true), (true, true)]
            .map(|(arguments_as_text, content_as_none)| Shape { arguments_as_text, content_as_none });
        let is_called = |shape: Shape| {
            says_in(&results, shape, &[CALLED, KEY, VALUE]) || says_in(&calls, shape, &[CALLED, KEY, VALUE])
        };
        let shape = shapes.into_iter().find(|shape| is_called(*shape));
        let tool_calls = shape.is_some();
        let shape = shape.unwrap_or_default();
        let tool_results = says_in(&results, shape, &[RESULT]);

        let differs = |one: Chat, other: Chat| matches!((render(&one, Shape::default()), render(&other, Shape::default())), (Some(one), Some(other)) if one != other);
        let thinking = |thinking| Chat { thinking: Some(thinking), ..plain.clone() };
        let effort = |word: &str| Chat { reasoning_effort: Some(word.to_string()), ..plain.clone() };
        Features {
            system: says(&chat(&[ChatMessage::new("system", SYSTEM), user.clone()]), SYSTEM),
            tools,
            tool_calls,
            tool_results,
            thinking: differs(thinking(true), thinking(false)),
            reasoning_effort: differs(effort("low"), effort("high")),
            shape,
        }
    }

    /// What is in `chat` and would not be in the text, in words.
    pub(super) fn lacks(&self, chat: &Chat) -> Option<&'static str> {
        let any = |holds: fn(&ChatMessage) -> bool| chat.messages.iter().any(holds);
        let needed = [
            (self.tools, chat.tools.is_some(), "tools"),
            (self.tool_calls, any(|message| !message.tool_calls.is_empty()), "calls of tools"),
            (self.tool_results, any(|message| message.role == "tool"), "results of tools"),
            // Not to think is what every model can that was never told to.
            (self.thinking, chat.thinking == Some(true), "thinking"),
            (self.reasoning_effort, chat.reasoning_effort.is_some(), "a reasoning effort"),
        ];
        needed.iter().find(|(has, needs, _)| *needs && !has).map(|(_, _, feature)| *feature)
    }
}

const QUESTION: &str = "probe question";
const SYSTEM: &str = "probe system";
const TOOL: &str = "probe_tool";
const CALLED: &str = "probe_called";
const RESULT: &str = "probe result";

/// Nine letters and digits: some templates refuse any other length.
const CALL: &str = "probe1234";

const ARGUMENTS: &str = r#"{"probe_key": "probe_value"}"#;

const KEY: &str = "probe_key";
const VALUE: &str = "probe_value";

const TOOLS: &str = r#"[{"type": "function", "function": {"name": "probe_tool", "description": "probe",
    "parameters": {"type": "object", "properties": {"town": {"type": "string", "description": "probe"}},
    "required": ["town"]}}}]"#;
