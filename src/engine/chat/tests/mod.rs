//! Rendering by templates of many shapes, and what is refused.

mod shapes;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use modeld_spec::error::Error;
use proptest::prelude::*;

use super::features::Shape;
use super::{Chat, ChatMessage, ChatTemplate, Features, Templates, ToolCall, messages_from_json};
use crate::engine::backend::{Capabilities, ModelFacts, ModelInfo};

const MAX: usize = 1 << 20;

const TOOLS: &str = r#"[{"type": "function", "function": {"name": "weather", "description": "The weather <here>",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}}}]"#;

fn model(template: &str) -> ModelInfo {
    ModelInfo {
        path: PathBuf::from("model"),
        facts: ModelFacts {
            name: "m".to_string(),
            architecture: "a".to_string(),
            size_bytes: 0,
            context_train: None,
            has_chat_template: true,
        },
        vocabulary: 1,
        context_tokens: 1,
        sessions_max: 1,
        batch_tokens: 1,
        threads: 1,
        chat_template: Some(template.to_string()),
        bos_text: "<s>".to_string(),
        eos_text: "</s>".to_string(),
        tool_template: None,
        capabilities: Capabilities::default(),
    }
}

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::of(&model(source)).unwrap()
}

fn render(source: &str, chat: &Chat) -> Result<String, Error> {
    template(source).render(chat, MAX)
}

fn chat(messages: &[ChatMessage]) -> Chat {
    let now = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_251_199));
    Chat { messages: messages.to_vec(), generation: true, now, ..Chat::default() }
}

fn says(role: &str, content: &str) -> ChatMessage {
    ChatMessage::new(role, content)
}

/// A question, a call, its result.
fn called() -> Vec<ChatMessage> {
    let call = ToolCall {
        id: Some("abcdefgh1".to_string()),
        name: "weather".to_string(),
        arguments: r#"{"town":"Köln","days":[1,2]}"#.to_string(),
    };
    vec![
        says("user", "Rain?"),
        ChatMessage { tool_calls: vec![call], ..says("assistant", "") },
        ChatMessage {
            tool_call_id: Some("abcdefgh1".to_string()),
            name: Some("weather".to_string()),
            ..says("tool", "\"wet\" & cold")
        },
    ]
}

fn with_tools() -> Chat {
    Chat { tools: Some(TOOLS.to_string()), ..chat(&called()) }
}

fn refusal(result: Result<String, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_plain_chat_is_rendered_by_every_shape() {
    let messages = [says("user", " Hi "), says("assistant", "Yes?"), says("user", "2+2")];
    for (source, expected) in [
        (
            shapes::CHATML,
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\n2+2<|im_end|>\n\
             <|im_start|>assistant\n",
        ),
        (
            shapes::HEADERS,
            "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 29 Feb 2024\n\n<|eot_id|>\
             <|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>\
             <|start_header_id|>assistant<|end_header_id|>\n\nYes?<|eot_id|>\
             <|start_header_id|>user<|end_header_id|>\n\n2+2<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        (
            shapes::TURNS,
            "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nYes?<end_of_turn>\n\
             <start_of_turn>user\n2+2<end_of_turn>\n<start_of_turn>model\n",
        ),
        (shapes::BRACKETS, "<s>[INST]  Hi [/INST] Yes?</s>[INST] 2+2[/INST]"),
        (
            shapes::THINKING,
            "<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\n2+2<|im_end|>\n\
             <|im_start|>assistant\n",
        ),
        (shapes::TEXTS, "<s><|User|> Hi <|Assistant|>Yes?</s><|User|>2+2<|Assistant|><think>\n"),
    ] {
        assert_eq!(render(source, &chat(&messages)).as_deref(), Ok(expected));
    }
}

#[test]
fn what_a_template_knows_is_found_by_rendering() {
    let all =
        Features { system: true, tools: true, tool_calls: true, tool_results: true, ..Features::default() };
    for (name, source, expected) in [
        // It prints any role, and nothing but the content: a result comes out, a call does not.
        ("chatml", shapes::CHATML, Features { tools: false, tool_calls: false, ..all }),
        ("headers", shapes::HEADERS, all),
        ("turns", shapes::TURNS, Features::default()),
        ("brackets", shapes::BRACKETS, Features { system: false, ..all }),
        ("thinking", shapes::THINKING, Features { thinking: true, ..all }),
        (
            "texts",
            shapes::TEXTS,
            Features {
                tools: false,
                reasoning_effort: true,
                shape: Shape { arguments_as_text: true, content_as_none: false },
                ..all
            },
        ),
    ] {
        assert_eq!(template(source).features(), expected, "{name}");
    }
}

#[test]
fn tools_calls_and_results_are_said_as_each_template_says_them() {
    let headers = render(shapes::HEADERS, &with_tools()).unwrap();
    assert!(
        headers
            .contains("\n        \"name\": \"weather\",\n        \"description\": \"The weather <here>\","),
        "{headers}"
    );
    assert!(
        headers.contains(r#"{"name": "weather", "parameters": {"town": "Köln", "days": [1, 2]}}<|eot_id|>"#)
    );
    assert!(headers.contains("ipython<|end_header_id|>\n\n\"wet\" & cold<|eot_id|>"));

    let brackets = render(shapes::BRACKETS, &with_tools()).unwrap();
    let expected = concat!(
        r#"<s>[AVAILABLE_TOOLS] [{"type": "function", "function": {"name": "weather", "description": "The weather <here>", "#,
        r#""parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}}}]"#,
        r#"[/AVAILABLE_TOOLS][INST] Rain?[/INST][TOOL_CALLS] [{"name": "weather", "#,
        r#""arguments": {"town": "Köln", "days": [1, 2]}, "id": "abcdefgh1"}]</s>"#,
        r#"[TOOL_RESULTS] {"content": "\"wet\" & cold", "call_id": "abcdefgh1"}[/TOOL_RESULTS]"#,
    );
    assert_eq!(brackets, expected);

    let thinking = render(shapes::THINKING, &with_tools()).unwrap();
    assert!(thinking.contains("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"town\": \"Köln\", \"days\": [1, 2]}}\n</tool_call>"));
    assert!(
        thinking.contains("<|im_start|>user\n<tool_response>\n\"wet\" & cold\n</tool_response><|im_end|>\n")
    );

    // This one wants the text as it is.
    let texts = render(shapes::TEXTS, &chat(&called())).unwrap();
    assert!(
        texts.contains(
            "<|call|>function<|sep|>weather\n```json\n{\"town\":\"Köln\",\"days\":[1,2]}\n```<|end|>"
        ),
        "{texts}"
    );
    assert!(texts.ends_with("<|output|>\"wet\" & cold<|end|>"));
}

#[test]
fn an_answer_that_is_only_a_call_has_no_content_where_the_template_looks_for_that() {
    let source = "{%- for message in messages -%}\
        {%- if message.role == 'assistant' and message.content is none -%}\
        call {{ message.tool_calls[0].function.name + ' ' + message.tool_calls[0].function.arguments }};\
        {%- else -%}{{ message.role + ' ' + message.content }};{%- endif -%}{%- endfor -%}";
    assert_eq!(template(source).features().shape, Shape { arguments_as_text: true, content_as_none: true });
    let text = render(source, &chat(&called())).unwrap();
    assert_eq!(text, "user Rain?;call weather {\"town\":\"Köln\",\"days\":[1,2]};tool \"wet\" & cold;");
}

#[test]
fn nothing_in_none_is_counted() {
    let source = "{% if tools is iterable and tools | length > 0 %}tools{% else %}none{% endif %}";
    assert_eq!(render(source, &chat(&[says("user", "?")])).as_deref(), Ok("none"));
}

#[test]
fn thinking_is_switched_and_shown_where_the_template_says() {
    let ask = |thinking| Chat { thinking, ..chat(&[says("user", "?")]) };
    let off = render(shapes::THINKING, &ask(Some(false))).unwrap();
    assert!(off.ends_with("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
    assert_eq!(render(shapes::THINKING, &ask(Some(true))), render(shapes::THINKING, &ask(None)));
    let mut messages = called();
    messages[1].reasoning = Some("Let me look.".to_string());
    let shown = render(shapes::THINKING, &chat(&messages)).unwrap();
    assert!(shown.contains("<think>\nLet me look.\n</think>"), "{shown}");
    messages.push(says("user", "And snow?"));
    let hidden = render(shapes::THINKING, &chat(&messages)).unwrap();
    assert!(!hidden.contains("Let me look."), "{hidden}");
    let effort = |word: &str| Chat { reasoning_effort: Some(word.to_string()), ..chat(&[says("user", "?")]) };
    assert!(render(shapes::TEXTS, &effort("low")).unwrap().contains("<|effort:low|>"));
    for bad in ["", "Low", "low|>", &"x".repeat(33)] {
        assert!(refusal(render(shapes::TEXTS, &effort(bad))).contains("no word of small letters"));
    }
}

#[test]
fn what_a_template_would_leave_out_is_refused_by_name() {
    let question = chat(&[says("user", "?")]);
    for (source, chat, feature) in [
        (shapes::CHATML, with_tools(), "tools"),
        (shapes::CHATML, chat(&called()), "calls of tools"),
        (shapes::TURNS, chat(&[says("user", "?"), says("tool", "!")]), "results of tools"),
        (shapes::CHATML, Chat { thinking: Some(true), ..question.clone() }, "thinking"),
        (
            shapes::THINKING,
            Chat { reasoning_effort: Some("low".to_string()), ..question.clone() },
            "a reasoning effort",
        ),
    ] {
        match render(source, &chat) {
            Err(Error::UnsupportedFeature { feature: found, .. }) => {
                assert!(found.starts_with(&format!("{feature}: ")), "{found}");
            }
            other => panic!("{feature}: {other:?}"),
        }
    }
    assert!(render(shapes::CHATML, &Chat { thinking: Some(false), ..question }).is_ok());
    let mut none = model("");
    none.chat_template = None;
    assert!(matches!(ChatTemplate::of(&none), Err(Error::UnsupportedFeature { .. })));
}

#[test]
fn a_template_can_refuse_and_its_words_are_passed_on() {
    let system = render(shapes::TURNS, &chat(&[says("system", "s"), says("user", "u")]));
    assert!(refusal(system).ends_with("System role not supported"));
    let twice = render(shapes::TURNS, &chat(&[says("user", "u"), says("user", "u")]));
    assert!(refusal(twice).contains("must alternate"));
    let mut short = with_tools();
    short.messages[1].tool_calls[0].id = Some("1".to_string());
    assert!(refusal(render(shapes::BRACKETS, &short)).contains("length 9"));
}

#[test]
fn the_template_for_tools_is_taken_where_there_are_tools() {
    let mut info = model(shapes::CHATML);
    info.tool_template = Some(shapes::THINKING.to_string());
    let template = ChatTemplate::of(&info).unwrap();
    assert!(template.features().tools);
    assert!(template.render(&with_tools(), MAX).unwrap().contains("<tools>"));
    let plain = template.render(&chat(&[says("user", "?")]), MAX).unwrap();
    assert_eq!(Ok(plain), render(shapes::CHATML, &chat(&[says("user", "?")])));
}

#[test]
fn template_arguments_are_given_and_take_no_name_that_is_taken() {
    let with =
        |arguments: &str| Chat { arguments: Some(arguments.to_string()), ..chat(&[says("user", "?")]) };
    let headers = render(shapes::HEADERS, &with(r#"{"date_string": "some day"}"#)).unwrap();
    assert!(headers.contains("Today Date: some day\n"));
    let source = "{% for key in extra %}{{ key }}={{ extra[key] }};{% endfor %}{{ flag }}";
    let order = render(source, &with(r#"{"extra": {"z": 1, "a": 2}, "flag": true}"#));
    assert_eq!(order.as_deref(), Ok("z=1;a=2;True"));
    for (bad, why) in [
        (r#"{"messages": []}"#, "said elsewhere"),
        (r#"{"add_generation_prompt": false}"#, "said elsewhere"),
        ("[1]", "no JSON object"),
        ("{", "is no JSON"),
        (&format!("{{\"a\": {}{}}}", "[".repeat(40), "]".repeat(40)), "levels deep"),
    ] {
        assert!(refusal(render(source, &with(bad))).contains(why), "{bad}");
    }
}

#[test]
fn tools_that_are_none_are_refused() {
    for bad in ["", "{}", "[]", "[1]", "[[]]", "[{}", "null"] {
        let chat = Chat { tools: Some(bad.to_string()), ..chat(&[says("user", "?")]) };
        assert!(matches!(render(shapes::THINKING, &chat), Err(Error::InvalidArgument { .. })), "{bad}");
    }
    let mut messages = called();
    messages[1].tool_calls[0].arguments = "{town}".to_string();
    assert!(refusal(render(shapes::THINKING, &chat(&messages))).contains("calls \"weather\" with arguments"));
}

#[test]
fn bounds_hold_for_what_goes_in_and_for_what_comes_out() {
    let long = chat(&[says("user", &"x".repeat(1000))]);
    assert!(refusal(template(shapes::CHATML).render(&long, 500)).contains("and 500 are allowed"));
    let doubled = template("{{ messages[0].content }}{{ messages[0].content }}");
    assert!(refusal(doubled.render(&long, 1500)).contains("longer than 1500 bytes"));
    let endless = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
    assert!(render(endless, &long).is_err());
    let deep = "{% macro a(n) %}{{ a(n + 1) }}{% endmacro %}{{ a(0) }}";
    assert!(render(deep, &long).is_err());
    let huge = ChatTemplate::of(&model(&"x".repeat((1 << 20) + 1)));
    assert!(matches!(huge, Err(Error::InvalidArgument { .. })));
    assert!(matches!(ChatTemplate::of(&model("{% if %}")), Err(Error::InvalidArgument { .. })));
}

#[test]
fn marks_for_training_are_seen_through() {
    let source = "{% for message in messages %}{%- generation -%} {{ message.content }} {%- endgeneration %}{% endfor %}\
                  {% set generation = 1 %}{{ generation }}";
    assert_eq!(render(source, &chat(&[says("user", "a"), says("user", "b")])).as_deref(), Ok("ab1"));
}

#[test]
fn a_template_is_compiled_and_probed_once() {
    let templates = Templates::default();
    let one = templates.of(&model(shapes::CHATML)).unwrap();
    assert!(std::sync::Arc::ptr_eq(&one, &templates.of(&model(shapes::CHATML)).unwrap()));
    assert!(!std::sync::Arc::ptr_eq(&one, &templates.of(&model(shapes::TURNS)).unwrap()));
    for number in 0..200 {
        assert!(templates.of(&model(&number.to_string())).is_ok());
    }
    assert!(templates.of(&model("{% if %}")).is_err());
}

#[test]
fn messages_are_read_from_the_usual_json() {
    let json = r#"[
        {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": null, "reasoning_content": "r", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
            {"function": {"name": "g", "arguments": {"z": 1, "a": [true]}}}]},
        {"role": "tool", "content": "ok", "tool_call_id": "1", "name": "f"}]"#;
    let messages = messages_from_json(json, MAX).unwrap();
    assert_eq!(messages[0], says("system", "a\nb"));
    let call = |id: Option<&str>, name: &str, arguments: &str| ToolCall {
        id: id.map(str::to_string),
        name: name.to_string(),
        arguments: arguments.to_string(),
    };
    assert_eq!(
        messages[1].tool_calls,
        [call(Some("1"), "f", r#"{"x": 1}"#), call(None, "g", r#"{"z": 1, "a": [true]}"#)]
    );
    assert_eq!((&*messages[1].content, messages[1].reasoning.as_deref()), ("", Some("r")));
    assert_eq!((messages[2].tool_call_id.as_deref(), messages[2].name.as_deref()), (Some("1"), Some("f")));
    let again = serde_json::to_string(&messages).unwrap();
    assert_eq!(messages_from_json(&again, MAX), Ok(messages));
}

#[test]
fn a_part_that_is_no_text_is_refused_by_name() {
    let image = r#"[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]"#;
    let error = messages_from_json(image, MAX).unwrap_err().to_string();
    assert!(error.contains("\"image_url\""), "{error}");
    let deep = format!("[{{\"role\": \"user\", \"content\": {}1{}}}]", "[".repeat(50), "]".repeat(50));
    for bad in
        ["{}", "[{\"content\": \"x\"}]", "[1]", "", &deep, r#"[{"role":"u","content":[{"type":"text"}]}]"#]
    {
        assert!(matches!(messages_from_json(bad, MAX), Err(Error::InvalidArgument { .. })), "{bad}");
    }
    assert!(messages_from_json(image, 10).unwrap_err().to_string().contains("10 are allowed"));
}

proptest! {
    #[test]
    fn no_message_makes_a_template_fail_or_gets_lost(content in "\\PC{0,80}", system in "\\PC{1,30}") {
        let messages = [says("system", &system), says("user", &content), says("assistant", &content)];
        for source in [shapes::CHATML, shapes::HEADERS, shapes::THINKING] {
            let text = render(source, &chat(&messages)).unwrap();
            prop_assert!(text.contains(content.trim()));
            prop_assert!(text.contains(system.trim()));
        }
    }

    #[test]
    fn no_json_makes_the_reader_panic(text in "[\\[\\]{}\",:a-z0-9\\\\ ]{0,60}") {
        let _ = messages_from_json(&text, MAX);
        let chat = Chat { tools: Some(text.clone()), arguments: Some(text), ..chat(&[says("user", "?")]) };
        let _ = render(shapes::THINKING, &chat);
    }
}
