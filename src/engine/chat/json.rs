//! JSON between callers and templates: read with bounds, written as the templates' authors saw it.
//!
//! Templates are written against Python's `json.dumps`: a space behind each comma and colon, keys in their order, nothing escaped for
//! HTML. What a model was trained on is that text, to the byte.

use std::fmt::Write;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error as JinjaError, ErrorKind};

/// The value that this JSON text stands for, with the keys of its objects in their order; why it is none otherwise.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let depth = depth(text);
    if DEPTH_MAX < depth {
        return Err(format!("is {depth} levels deep, and {DEPTH_MAX} are allowed"));
    }
    serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))
}

/// How deep brackets are nested, outside of strings.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The filter `tojson` of templates, with the options of Python's `json.dumps` that they use.
pub(super) fn tojson(value: &Value, indent: Option<usize>, options: Kwargs) -> Result<String, JinjaError> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => options.get("indent")?,
    };
    let separators: Option<(String, String)> = match options.get::<Option<Value>>("separators")? {
        Some(pair) => Some((pair.get_item_by_index(0)?.to_string(), pair.get_item_by_index(1)?.to_string())),
        None => None,
    };
    let usual = if indent.is_some() { "," } else { ", " };
    let (comma, colon) = separators.unwrap_or_else(|| (usual.to_string(), ": ".to_string()));
    let (ascii, sorted) =
        (options.get::<Option<bool>>("ensure_ascii")?, options.get::<Option<bool>>("sort_keys")?);
    let style =
        Style { indent, comma, colon, ascii: ascii.unwrap_or(false), sorted: sorted.unwrap_or(false) };
    options.assert_all_used()?;
    write(value, style)
}

/// The value as Python writes it where nothing else is said.
pub(super) fn to_text(value: &Value) -> Result<String, JinjaError> {
    let (comma, colon) = (", ".to_string(), ": ".to_string());
    write(value, Style { indent: None, comma, colon, ascii: false, sorted: false })
}

fn write(value: &Value, style: Style) -> Result<String, JinjaError> {
    let mut writer = Writer { text: String::new(), style };
    writer.value(value, 0)?;
    Ok(writer.text)
}

/// How JSON is written.
struct Style {
    indent: Option<usize>,
    comma: String,
    colon: String,
    /// Whether every other character is escaped.
    ascii: bool,
    sorted: bool,
}

struct Writer {
    text: String,
    style: Style,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), JinjaError> {
        if DEPTH_MAX < depth {
            return Err(refused(format!("a value is more than {DEPTH_MAX} levels deep")));
        }
        if TEXT_BYTES_MAX < self.text.len() {
            return Err(refused(format!("a value has more than {TEXT_BYTES_MAX} bytes as JSON")));
        }
        match value.kind() {
            ValueKind::None | ValueKind::Undefined => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&value.to_string()),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.take(ITEMS_MAX).collect();
                self.list('[', ']', &items, depth, |writer, item| writer.value(item, depth + 1))?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.take(ITEMS_MAX).collect();
                if self.style.sorted {
                    keys.sort();
                }
                self.list('{', '}', &keys, depth, |writer, key| {
                    writer.string(&key.to_string());
                    writer.text.push_str(&writer.style.colon);
                    writer.value(&value.get_item(key)?, depth + 1)
                })?;
            }
            kind => return Err(refused(format!("a {kind} is no JSON"))),
        }
        Ok(())
    }

    fn list(
        &mut self,
        open: char,
        close: char,
        items: &[Value],
        depth: usize,
        mut write: impl FnMut(&mut Self, &Value) -> Result<(), JinjaError>,
    ) -> Result<(), JinjaError> {
        self.text.push(open);
        for (place, item) in items.iter().enumerate() {
            if 0 < place {
                self.text.push_str(&self.style.comma);
            }
            if self.style.indent.is_some() {
                self.line(depth + 1);
            }
            write(self, item)?;
        }
        if !items.is_empty() && self.style.indent.is_some() {
            self.line(depth);
        }
        self.text.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        let spaces = self.style.indent.unwrap_or_default().min(INDENT_MAX) * depth;
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', spaces));
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                other if other < ' ' || (self.style.ascii && !other.is_ascii()) => {
                    for unit in other.encode_utf16(&mut [0; 2]) {
                        // Writing to a string does not fail.
                        let _ = write!(self.text, "\\u{unit:04x}");
                    }
                }
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }
}

fn refused(problem: String) -> JinjaError {
    JinjaError::new(ErrorKind::InvalidOperation, problem)
}

/// Deeper than every schema of a tool that a model makes sense of.
const DEPTH_MAX: usize = 32;

/// Items of one list that are written.
const ITEMS_MAX: usize = 100_000;

/// Spaces of one level.
const INDENT_MAX: usize = 8;

/// Where writing a value ends: longer than any request may be.
const TEXT_BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(expression: &str, json: &str) -> String {
        let mut environment = minijinja::Environment::new();
        environment.add_filter("tojson", tojson);
        let context = Value::from_pairs([("it", parse(json).unwrap())]);
        environment.render_str(&format!("{{{{ {expression} }}}}"), context).unwrap()
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        for text in [
            r#"{"z": 1, "a": [1, 2.5, -3], "m": {"x": null, "b": true}}"#,
            r#"["<b>&'é\n\t\"\\\u0001", "", {}, []]"#,
        ] {
            assert_eq!(filtered("it | tojson", text), text);
            assert_eq!(to_text(&parse(text).unwrap()).unwrap(), text);
        }
        let text = r#"{"b":[1,{}],"a":[]}"#;
        let indented = "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": []\n}";
        assert_eq!(filtered("it | tojson(indent=2)", text), indented);
        assert_eq!(filtered("it | tojson(2)", text), indented);
        assert_eq!(filtered("it | tojson(separators=(',', ':'))", text), text);
        assert_eq!(filtered("it | tojson(sort_keys=true)", text), r#"{"a": [], "b": [1, {}]}"#);
        let escaped = r#"["\u00e9\ud83d\ude00"]"#;
        assert_eq!(filtered("it | tojson(ensure_ascii=True)", "[\"é😀\"]"), escaped);
        assert_eq!(filtered("it | tojson(ensure_ascii=False)", "[\"é\"]"), "[\"é\"]");
    }

    #[test]
    fn what_is_too_deep_is_refused_before_it_is_parsed() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&nested(DEPTH_MAX)).is_ok());
        assert!(parse(&nested(DEPTH_MAX + 1)).unwrap_err().contains("33 levels"));
        assert!(parse(&nested(1_000_000)).is_err());
        assert!(parse(r#"["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[["]"#).is_ok());
        assert!(parse("[1").unwrap_err().contains("no JSON"));
    }
}
