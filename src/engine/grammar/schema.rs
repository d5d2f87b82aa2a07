//! A JSON Schema as a grammar.
//!
//! Every text that the grammar lets through is valid under the schema; it does not let every valid one through: properties come in
//! the order of the schema, `additionalProperties` is used only where no properties are named, numbers have no more than 16 digits
//! before the point, and white space is a space or a line break with its indentation. Asked for something that it can't express, it names
//! the keyword and where it stands; only what constrains nothing (`title`, `description`, `default`, ...) is passed over.
//!
//! Known: `type` (one or a list), `properties`, `required`, `additionalProperties`, `items`, `prefixItems`, `minItems`, `maxItems`,
//! `minLength`, `maxLength`, `enum`, `const`, `anyOf`, `allOf` of one, `$ref` into the schema, `$defs`, `definitions`, and the formats
//! `date`, `time`, `date-time` and `uuid`. `{}` and `true` are any JSON value.

use std::collections::HashMap;
use std::fmt::Write;

use super::Invalid;
use super::json::Json;

/// The grammar of the texts that are valid under the schema.
pub(super) fn to_gbnf(schema: &str) -> Result<String, Invalid> {
    let schema = Json::parse(schema)?;
    let mut writer = Writer {
        schema: &schema,
        rules: String::new(),
        count: 0,
        references: HashMap::new(),
        pending: Vec::new(),
    };
    let root = writer.value(&schema, "#")?;
    while let Some((rule, schema, place)) = writer.pending.pop() {
        let value = writer.value(schema, &place)?;
        writer.define(&rule, &value);
    }
    let Writer { rules, .. } = writer;
    Ok(format!("root ::= {root}\n{rules}{COMMON}"))
}

struct Writer<'a> {
    schema: &'a Json,
    rules: String,
    /// Rules so far.
    count: usize,
    /// By pointer: the rule for what it points to.
    references: HashMap<String, String>,
    /// Rules that have a name and are to be written, with the schema and its place: what is pointed to may point back.
    pending: Vec<(String, &'a Json, String)>,
}

impl<'a> Writer<'a> {
    /// The name of a rule, or an expression in parentheses, for a schema.
    fn value(&mut self, schema: &'a Json, place: &str) -> Result<String, Invalid> {
        let members = match schema {
            Json::Bool(true) => return Ok("value".to_string()),
            Json::Object(members) => members,
            _ => return Err(wrong(place, "is no schema that any value could be valid under")),
        };
        if let Some(target) = schema.get("$ref") {
            known(members, place, &["$ref", "$defs", "definitions"])?;
            return self.reference(target, place);
        }
        if let Some(value) = schema.get("const") {
            known(members, place, &["const", "type"])?;
            return literals(std::slice::from_ref(value), schema.get("type"), place);
        }
        if let Some(values) = schema.get("enum") {
            known(members, place, &["enum", "type"])?;
            return literals(list(values, place, "enum")?, schema.get("type"), place);
        }
        for (keyword, most) in [("anyOf", usize::MAX), ("allOf", 1)] {
            if let Some(choices) = schema.get(keyword) {
                known(members, place, &[keyword, "$defs", "definitions"])?;
                let choices = list(choices, place, keyword)?;
                if most < choices.len() {
                    return Err(wrong(place, "allOf of more than one schema can't be expressed"));
                }
                let mut written = Vec::new();
                for (index, choice) in choices.iter().enumerate() {
                    written.push(self.value(choice, &format!("{place}/{keyword}/{index}"))?);
                }
                return Ok(format!("({})", written.join(" | ")));
            }
        }
        self.typed(schema, members, place)
    }

    fn typed(
        &mut self,
        schema: &'a Json,
        members: &'a [(String, Json)],
        place: &str,
    ) -> Result<String, Invalid> {
        let names: Vec<&str> = match schema.get("type") {
            Some(Json::Text(name)) => vec![name],
            Some(Json::List(names)) if !names.is_empty() => {
                let text = |name: &'a Json| match name {
                    Json::Text(name) => Ok(name.as_str()),
                    _ => Err(wrong(place, "type is no list of names")),
                };
                names.iter().map(text).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(wrong(place, "type is no name")),
            None if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() => {
                vec!["object"]
            }
            None if schema.get("items").is_some() || schema.get("prefixItems").is_some() => vec!["array"],
            None => {
                known(members, place, &["$defs", "definitions"])?;
                return Ok("value".to_string());
            }
        };
        let mut allowed = vec!["type", "$defs", "definitions"];
        let mut written = Vec::new();
        for name in &names {
            allowed.extend(match *name {
                "object" => &["properties", "required", "additionalProperties"][..],
                "array" => &["items", "prefixItems", "minItems", "maxItems"],
                "string" => &["minLength", "maxLength", "format"],
                _ => &[],
            });
        }
        known(members, place, &allowed)?;
        for name in names {
            written.push(match name {
                "object" => self.object(schema, place)?,
                "array" => self.array(schema, place)?,
                "string" => string(schema, place)?,
                "number" | "integer" | "boolean" | "null" => name.to_string(),
                other => return Err(wrong(place, &format!("there is no type {other}"))),
            });
        }
        Ok(if written.len() == 1 { written.swap_remove(0) } else { format!("({})", written.join(" | ")) })
    }

    /// For each property two rules: what can come from it on if nothing was written so far, and if something was.
    fn object(&mut self, schema: &'a Json, place: &str) -> Result<String, Invalid> {
        let properties = match schema.get("properties") {
            None => &[][..],
            Some(Json::Object(properties)) => properties,
            Some(_) => return Err(wrong(place, "properties is no object")),
        };
        let mut required = Vec::new();
        for name in
            schema.get("required").map_or(Ok(&[][..]), |names| list_or_empty(names, place, "required"))?
        {
            match name {
                Json::Text(name) if properties.iter().any(|(known, _)| known == name) => required.push(name),
                other => {
                    let problem =
                        format!("required names {}, which is not among the properties", other.to_text());
                    return Err(wrong(place, &problem));
                }
            }
        }
        if properties.is_empty() {
            return self.map(schema.get("additionalProperties"), place);
        }
        let (mut first, mut later) = (String::new(), String::new());
        for (name, property) in properties.iter().rev() {
            let value = self.value(property, &format!("{place}/properties/{}", escaped(name)))?;
            let member =
                self.rule(&format!("{} ws \":\" ws {value}", quoted(&Json::Text(name.clone()).to_text())));
            let optional = !required.contains(&name);
            let or_first = if optional { format!(" | {}", nothing(&first)) } else { String::new() };
            let or_later = if optional { format!(" | {}", nothing(&later)) } else { String::new() };
            let next_first = self.rule(&format!("{member} {later}{or_first}"));
            let next_later = self.rule(&format!("ws \",\" ws {member} {later}{or_later}"));
            (first, later) = (next_first, next_later);
        }
        Ok(self.rule(&format!("\"{{\" ws {first} ws \"}}\"")))
    }

    /// An object with any names.
    fn map(&mut self, values: Option<&'a Json>, place: &str) -> Result<String, Invalid> {
        let value = match values {
            None => "value".to_string(),
            Some(Json::Bool(false)) => return Ok("(\"{\" ws \"}\")".to_string()),
            Some(values) => self.value(values, &format!("{place}/additionalProperties"))?,
        };
        let member = self.rule(&format!("string ws \":\" ws {value}"));
        Ok(self.rule(&format!("\"{{\" ws ({member} (ws \",\" ws {member})* ws)? \"}}\"")))
    }

    fn array(&mut self, schema: &'a Json, place: &str) -> Result<String, Invalid> {
        let (least, most) = bounds(schema, place, ["minItems", "maxItems"])?;
        if let Some(items) = schema.get("prefixItems") {
            if !matches!(schema.get("items"), Some(Json::Bool(false))) {
                return Err(wrong(place, "prefixItems needs items: false to be expressed"));
            }
            let items = list(items, place, "prefixItems")?;
            if least != 0 && least as usize != items.len()
                || most.is_some_and(|most| (most as usize) < items.len())
            {
                return Err(wrong(place, "prefixItems can't be expressed with other numbers of items"));
            }
            let mut written = Vec::new();
            for (index, item) in items.iter().enumerate() {
                written.push(self.value(item, &format!("{place}/prefixItems/{index}"))?);
            }
            return Ok(self.rule(&format!("\"[\" ws {} ws \"]\"", written.join(" ws \",\" ws "))));
        }
        let item = match schema.get("items") {
            None => "value".to_string(),
            Some(Json::Bool(false)) if least == 0 => return Ok("(\"[\" ws \"]\")".to_string()),
            Some(items) => self.value(items, &format!("{place}/items"))?,
        };
        if most == Some(0) {
            return Ok("(\"[\" ws \"]\")".to_string());
        }
        let more = match most {
            Some(most) => format!("{{{},{}}}", least.saturating_sub(1), most - 1),
            None => format!("{{{},}}", least.saturating_sub(1)),
        };
        let optional = if least == 0 { "?" } else { "" };
        Ok(self.rule(&format!("\"[\" ws ({item} (ws \",\" ws {item}){more} ws){optional} \"]\"")))
    }

    fn reference(&mut self, target: &Json, place: &str) -> Result<String, Invalid> {
        let Json::Text(target) = target else { return Err(wrong(place, "$ref is no text")) };
        if let Some(rule) = self.references.get(target) {
            return Ok(rule.clone());
        }
        let Some(path) = target.strip_prefix('#') else {
            return Err(wrong(place, &format!("$ref points out of the schema: {target}")));
        };
        let mut schema = self.schema;
        for name in path.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            let next = match schema {
                Json::List(values) => name.parse::<usize>().ok().and_then(|index| values.get(index)),
                _ => schema.get(&name),
            };
            schema = next.ok_or_else(|| wrong(place, &format!("$ref points to nothing: {target}")))?;
        }
        let rule = self.name();
        self.references.insert(target.clone(), rule.clone());
        self.pending.push((rule.clone(), schema, target.clone()));
        Ok(rule)
    }

    fn rule(&mut self, body: &str) -> String {
        let rule = self.name();
        self.define(&rule, body);
        rule
    }

    fn define(&mut self, rule: &str, body: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.rules, "{rule} ::= {body}");
    }

    fn name(&mut self) -> String {
        self.count += 1;
        format!("r{}", self.count)
    }
}

fn string(schema: &Json, place: &str) -> Result<String, Invalid> {
    let (least, most) = bounds(schema, place, ["minLength", "maxLength"])?;
    match schema.get("format") {
        None => {}
        Some(Json::Text(format)) if least == 0 && most.is_none() => {
            return match format.as_str() {
                "date" | "time" | "date-time" | "uuid" => Ok(format!("(\"\\\"\" {format} \"\\\"\")")),
                other => Err(wrong(place, &format!("format {other} can't be expressed"))),
            };
        }
        Some(_) => return Err(wrong(place, "format with a length can't be expressed")),
    }
    Ok(match most {
        None if least == 0 => "string".to_string(),
        None => format!("(\"\\\"\" char{{{least},}} \"\\\"\")"),
        Some(most) => format!("(\"\\\"\" char{{{least},{most}}} \"\\\"\")"),
    })
}

fn bounds(schema: &Json, place: &str, names: [&str; 2]) -> Result<(u32, Option<u32>), Invalid> {
    let [least, most] = names.map(|name| match schema.get(name) {
        None => Ok(None),
        Some(Json::Number(number)) => match number.as_u64().and_then(|number| u32::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(wrong(place, &format!("{name} is {number}"))),
        },
        Some(_) => Err(wrong(place, &format!("{name} is no number"))),
    });
    let (least, most) = (least?.unwrap_or(0), most?);
    match most {
        Some(most) if most < least => Err(wrong(place, &format!("{} is more than {}", names[0], names[1]))),
        _ => Ok((least, most)),
    }
}

/// Refuses keywords that would constrain the value and are not looked at.
fn known(members: &[(String, Json)], place: &str, allowed: &[&str]) -> Result<(), Invalid> {
    let unknown = members.iter().map(|(name, _)| name.as_str());
    let mut unknown = unknown.filter(|name| !allowed.contains(name) && !ANNOTATIONS.contains(name));
    match unknown.next() {
        Some(name) => Err(wrong(place, &format!("{name} can't be expressed here"))),
        None => Ok(()),
    }
}

fn list<'a>(value: &'a Json, place: &str, name: &str) -> Result<&'a [Json], Invalid> {
    match list_or_empty(value, place, name)? {
        [] => Err(wrong(place, &format!("{name} is empty"))),
        values => Ok(values),
    }
}

fn list_or_empty<'a>(value: &'a Json, place: &str, name: &str) -> Result<&'a [Json], Invalid> {
    match value {
        Json::List(values) => Ok(values),
        _ => Err(wrong(place, &format!("{name} is no list"))),
    }
}

/// The values as they stand, those of another type left out.
fn literals(values: &[Json], of: Option<&Json>, place: &str) -> Result<String, Invalid> {
    let is_of = |value: &&Json| match of {
        Some(Json::Text(name)) => value.is_of(name),
        Some(Json::List(names)) => {
            names.iter().any(|name| matches!(name, Json::Text(name) if value.is_of(name)))
        }
        _ => true,
    };
    let values: Vec<String> = values.iter().filter(is_of).map(|value| quoted(&value.to_text())).collect();
    if values.is_empty() {
        return Err(wrong(place, "no value is of the type"));
    }
    Ok(format!("({})", values.join(" | ")))
}

/// A text of the grammar.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// An alternative that may be nothing.
fn nothing(rule: &str) -> &str {
    if rule.is_empty() { "\"\"" } else { rule }
}

/// A name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn wrong(place: &str, problem: &str) -> Invalid {
    Invalid::Schema { place: place.to_string(), problem: problem.to_string() }
}

/// Keywords that constrain nothing.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$anchor",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// JSON itself.
const COMMON: &str = r#"ws ::= (" " | "\n" [ \t]{0,20})?
value ::= object | array | string | number | boolean | null
object ::= "{" ws (string ws ":" ws value (ws "," ws string ws ":" ws value)* ws)? "}"
array ::= "[" ws (value (ws "," ws value)* ws)? "]"
string ::= "\"" char* "\""
char ::= [^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CeEfF] hex{3} | [dD] [0-7] hex{2}))
hex ::= [0-9a-fA-F]
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= integer ("." [0-9]{1,24})? ([eE] [-+]? [0-9]{1,3})?
boolean ::= "true" | "false"
null ::= "null"
date ::= [0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])
time ::= ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,9})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])
date-time ::= date "T" time
uuid ::= hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}
"#;
