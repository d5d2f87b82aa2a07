//! Grammars and schemas: what they let through, what they refuse, and that nothing outside makes them fail otherwise.

use std::rc::Rc;

use modeld_spec::error::Error;
use modeld_spec::session::params::Constraint;
use modeld_spec::session::tape::TokenId;
use proptest::prelude::*;

use super::machine::{Machine, StateId};
use super::{Checker, Invalid, Pieces, gbnf, machine_of, program};

fn machine(grammar: &str) -> Result<(Machine, StateId), Invalid> {
    machine_of(&Constraint::Grammar(grammar.to_string()))
}

fn schema(text: &str) -> (Machine, StateId) {
    machine_of(&Constraint::JsonSchema(text.to_string())).unwrap()
}

/// Whether the whole text is let through.
fn matches((machine, start): &mut (Machine, StateId), text: &str) -> bool {
    let end = machine.walk(*start, text.as_bytes()).unwrap();
    machine.is_complete(end)
}

#[track_caller]
fn check(machine: &mut (Machine, StateId), yes: &[&str], no: &[&str]) {
    for text in yes {
        assert!(matches(machine, text), "{text:?} is not let through");
    }
    for text in no {
        assert!(!matches(machine, text), "{text:?} is let through");
    }
}

#[test]
fn every_element_of_the_notation_is_read() {
    let grammar = r#"
        root ::= greeting " " name ("!" | "?"){1,2} # a comment
        greeting ::= "hello" | "h" [a-c-]* "i" | .
        name ::= [^\x00-\x40"] [é-ü]? "\u00e4"? ("\n" |
          "x")+ rest?
        rest ::= [\]\-\\] {2}
    "#;
    let grammar: String = grammar.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    let mut machine = machine(&grammar.replace("\n\"x\"", " \"x\"")).unwrap();
    check(
        &mut machine,
        &["hello Ax!", "hi b\nx?!", "hab-i Züäx!", "€ 語x?", "h Qxxx]-!"],
        &["hello !", "hello 1x!", "hello Ax!!!", "hello Ax", "ab Ax!", "h Qx]!"],
    );
}

#[test]
fn counts_are_exact() {
    let mut machine =
        machine("root ::= (\"a\" | \"bc\"){2,4} [0-9]{3} \"x\"{0,2} \"y\"{2,} \"z\"{0}").unwrap();
    check(
        &mut machine,
        &["aa123yy", "abcaa999xxyyy", "bcbcbcbc000xyy"],
        &["a123yy", "aaaaa123yy", "aa12yy", "aa1234yy", "aa123xxxyy", "aa123y", "aa123yyz"],
    );
}

#[test]
fn nesting_is_followed() {
    let mut machine = machine("root ::= \"(\" root \")\" root |").unwrap();
    check(&mut machine, &["", "()", "(())()", "((()())())"], &["(", ")", "(()", "())"]);
    let deep = format!("{}{}", "(".repeat(3000), ")".repeat(3000));
    assert!(matches(&mut machine, &deep));
}

#[test]
fn every_character_is_split_into_its_bytes() {
    let ranges = [
        ('\u{7f}', '\u{80}'),
        ('é', '語'),
        ('\u{d000}', '\u{e100}'),
        ('\u{fff0}', '\u{10fff}'),
        ('\u{10fff0}', char::MAX),
    ];
    for (low, high) in ranges {
        let text = format!("root ::= [\\U{:08x}-\\U{:08x}]", u32::from(low), u32::from(high));
        let mut machine = machine(&text).unwrap();
        let step = ((u32::from(high) - u32::from(low)) / 997).max(1) as usize;
        let inside = (low..=high).step_by(step).chain([high]);
        inside.for_each(|character| assert!(matches(&mut machine, &character.to_string()), "{character:?}"));
        for code in [u32::from(low) - 1, u32::from(high) + 1] {
            let outside = char::from_u32(code).map_or(String::new(), String::from);
            assert!(!matches(&mut machine, &outside), "{outside:?}");
        }
    }
}

#[test]
fn what_is_no_grammar_is_refused_with_the_reason() {
    let cases = [
        ("", "no rule root"),
        ("root = \"a\"", "::="),
        ("root ::= other", "the rule other is used and nowhere defined"),
        ("root ::= \"a", "ends within a text"),
        ("root ::= [a", "ends within a text or a class"),
        ("root ::= [b-a]", "is empty"),
        ("root ::= []", "is empty"),
        ("root ::= *", "nothing before"),
        ("root ::= \"a\"{5,2}", "5 times is more often than 2"),
        ("root ::= \"a\"{99999999999999999999}", "more than 10000 repetitions"),
        ("root ::= (\"a\"", "closing parenthesis"),
        ("root ::= \"\\q\"", "no escape"),
        ("root ::= \"\\ud800\"", "no character"),
        ("root ::= <think>", "whole tokens"),
        ("root ::= root \"a\" | \"b\"", "the rule root begins with itself"),
        ("a ::= \"b\"?\nroot ::= a root \"x\" |", "the rule root begins with itself"),
        ("root ::= \"a\"\nroot ::= \"b\"", "defined twice"),
        ("root ::= \"a\" }", "unexpected"),
    ];
    for (grammar, reason) in cases {
        let problem = machine(grammar).err().map(|problem| problem.to_string()).unwrap_or_default();
        assert!(problem.contains(reason), "{grammar:?}: {problem:?}");
    }
    let deep = format!("root ::= {}\"a\"{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(matches!(machine(&deep), Err(Invalid::TooLarge { .. })));
    let large = format!("root ::= {}", "\"a\"{10000} ".repeat(20));
    assert!(matches!(machine(&large), Err(Invalid::TooLarge { .. })));
    let nothing = Checker::new(&Constraint::Grammar("root ::= root".to_string()), Rc::default());
    assert!(matches!(nothing.err(), Some(Error::InvalidArgument { .. })));
}

#[test]
fn harmless_recursion_is_not_taken_for_a_loop() {
    check(&mut machine("root ::= (\"a\"*)* \"b\"").unwrap(), &["b", "aaab"], &["a", "ba"]);
    check(
        &mut machine("root ::= (\"a\"? \"b\"?){0,3} \"c\"").unwrap(),
        &["c", "abbac", "bac"],
        &["ababababc"],
    );
}

#[test]
fn an_ambiguous_grammar_is_an_error_and_no_hang() {
    let mut grammar = String::from("root ::= a0 | \"x\" root\n");
    for level in 0..40 {
        grammar += &format!("a{level} ::= a{next} \"a\" | a{next} \"b\"\n", next = level + 1);
    }
    grammar += "a40 ::= \"z\"\n";
    assert!(matches!(machine(&grammar), Err(Invalid::TooLarge { .. })));
}

#[test]
fn masks_are_what_trying_each_token_gives() {
    let texts = [
        "", "a", "ab", "abc", "abd", "b", "{", "{\"", "\"", "é", "\u{e9}x", "1", "12", "}", "tru", "true",
        " ", ":",
    ];
    let tokens = texts.iter().map(|text| (text.as_bytes().to_vec(), false));
    let halves = [(vec![0xC3], false), (vec![0xA9], false), (b"end".to_vec(), true)];
    let pieces = Rc::new(Pieces::new(tokens.chain(halves)));
    let count = texts.len() + 3;
    let constraint =
        Constraint::JsonSchema("{\"additionalProperties\": {\"type\": [\"integer\", \"boolean\"]}}".into());
    let mut checker = Checker::new(&constraint, pieces.clone()).unwrap();
    for next in ["{\"", "ab", "é", "\"", " ", ":", "", "1", "}"] {
        let mask = checker.mask().unwrap();
        let mut allowed = 0;
        for token in 0..count {
            let mut other = Checker::new(&constraint, pieces.clone()).unwrap();
            other.state = checker.state;
            std::mem::swap(&mut other.machine, &mut checker.machine);
            let possible = other.accept(TokenId(token as i32)).is_ok();
            std::mem::swap(&mut other.machine, &mut checker.machine);
            assert_eq!(mask.allows(token), possible, "{token} before {next:?}");
            allowed += usize::from(possible);
        }
        assert!(0 < allowed && allowed < count, "{allowed} of {count} before {next:?}");
        let chosen = texts.iter().position(|text| *text == next).filter(|_| !next.is_empty());
        if let Some(chosen) = chosen {
            let _ = checker.accept(TokenId(chosen as i32));
        }
    }
}

#[test]
fn a_schema_lets_valid_texts_through_and_no_others() {
    let mut person = schema(
        r##"{"title": "p", "type": "object", "required": ["name", "tags"], "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 3},
            "age": {"type": ["integer", "null"]},
            "tags": {"type": "array", "items": {"enum": ["a", "b\"", 3]}, "minItems": 1, "maxItems": 2},
            "next": {"$ref": "#"}}}"##,
    );
    check(
        &mut person,
        &[
            r#"{"name":"x","tags":["a"]}"#,
            r#"{ "name": "xé\n", "age": -10, "tags": ["b\"", 3] }"#,
            r#"{"name":"x","age":null,"tags":["a"],"next":{"name":"y","tags":[3]}}"#,
        ],
        &[
            r#"{"name":"","tags":["a"]}"#,
            r#"{"name":"abcd","tags":["a"]}"#,
            r#"{"name":"x"}"#,
            r#"{"name":"x","tags":[]}"#,
            r#"{"name":"x","tags":["a","a","a"]}"#,
            r#"{"name":"x","age":1.5,"tags":["a"]}"#,
            r#"{"name":"x","tags":["c"]}"#,
            r#"{"name":"x","tags":["a"],"other":1}"#,
            r#"{"name":"x","tags":["a"]"#,
        ],
    );
    let mut optional = schema(r#"{"properties": {"a": {"const": 1}, "b": true, "c": {"type": "boolean"}}}"#);
    check(
        &mut optional,
        &["{}", r#"{"a":1}"#, r#"{"b":[{"x":1e5}]}"#, r#"{"a":1,"c":true}"#, r#"{"a":1,"b":null,"c":false}"#],
        &[r#"{,"a":1}"#, r#"{"a":1,}"#, r#"{"b":1,"a":1}"#, r#"{"c":1}"#],
    );
    check(
        &mut schema("{}"),
        &["[1, -0.5e+3, \"\\u00e9\", {}]", "null"],
        &["01", "\"\\ud800\"", "[1,]", "tru"],
    );
    check(
        &mut schema(r#"{"type": "string", "format": "date-time"}"#),
        &["\"2024-02-28T23:59:59Z\""],
        &["\"2024-13-01T00:00:00Z\"", "\"2024-01-01\""],
    );
}

#[test]
fn what_a_schema_can_not_express_is_named() {
    let cases = [
        ("{", "is no JSON"),
        ("3", "#: is no schema"),
        (r#"{"type": "strin"}"#, "#: there is no type strin"),
        (
            r#"{"properties": {"a/b": {"type": "string", "pattern": "x"}}}"#,
            "#/properties/a~1b: pattern can't be expressed",
        ),
        (r#"{"type": "integer", "minimum": 3}"#, "minimum can't be expressed"),
        (r#"{"oneOf": [{}]}"#, "oneOf can't be expressed"),
        (r#"{"required": ["a"], "type": "object"}"#, "required names \"a\""),
        (r##"{"$ref": "#/$defs/a"}"##, "points to nothing"),
        (r#"{"$ref": "http://example.org/a"}"#, "points out of the schema"),
        (r#"{"type": "array", "minItems": 3, "maxItems": 2}"#, "minItems is more than maxItems"),
        (r#"{"type": "string", "format": "email"}"#, "format email can't be expressed"),
        (r#"{"enum": []}"#, "enum is empty"),
    ];
    for (text, reason) in cases {
        let problem =
            machine_of(&Constraint::JsonSchema(text.to_string())).err().map(|problem| problem.to_string());
        assert!(problem.as_ref().is_some_and(|problem| problem.contains(reason)), "{text}: {problem:?}");
    }
    let nested = format!("{}{}", "{\"items\":".repeat(5000), "}".repeat(5000));
    assert!(machine_of(&Constraint::JsonSchema(nested)).is_err());
}

proptest! {
    #[test]
    fn any_text_is_a_grammar_or_refused(text in "[a-z:=\"\\[\\](){}|*+?.^\\\\ \n0-9#,<!-]{0,60}") {
        let text = text.replace("::", "::=");
        if let Ok(rules) = gbnf::parse(&format!("root ::= {text}")) {
            let _ = program::compile(&rules).and_then(Machine::new);
        }
    }

    #[test]
    fn a_checker_forgets_states_and_not_where_it_is(text in "[a-c(]{0,40}") {
        let (mut machine, start) = machine("root ::= [a-c]* (\"(\" root)?").unwrap();
        let end = machine.walk(start, text.as_bytes()).unwrap();
        let kept = machine.forget_but(end);
        let after = machine.walk(kept, b"(a").unwrap();
        prop_assert!(machine.is_complete(after));
    }

    #[test]
    fn every_value_that_json_can_be_is_let_through(value in any_json()) {
        prop_assert!(matches(&mut schema("true"), &value.to_string()), "{value}");
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
