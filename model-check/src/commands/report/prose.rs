//! The prose of a chapter as HTML: the little of Markdown that the chapters use.

use crate::story::escaped;

/// Paragraphs, tables, code and emphasis. A line that begins with a label, such as `MUST:`, begins a paragraph.
pub(super) fn html(text: &str) -> String {
    let mut html = String::new();
    let mut block = Block::None;
    for line in text.lines().map(str::trim) {
        let cells = line.strip_prefix('|').map(|row| row.trim_end_matches('|'));
        let next = match (line.is_empty(), cells.is_some()) {
            (true, _) => Block::None,
            (_, true) => Block::Table,
            (_, false) => Block::Paragraph,
        };
        let label = label(line);
        if next != block || label.is_some() {
            html += block.end();
            html += next.begin();
            block = next;
        }
        match (cells, label) {
            // The line below a table's head.
            (Some(row), _) if row.chars().all(|letter| "-:| ".contains(letter)) => {}
            (Some(row), _) => {
                let cells = row.split('|').map(|cell| format!("<td>{}</td>", spans(cell.trim())));
                html += &format!("<tr>{}</tr>\n", cells.collect::<String>());
            }
            (None, Some((label, rest))) => html += &format!("<strong>{label}</strong> {}\n", spans(rest)),
            (None, None) if !line.is_empty() => html += &(spans(line) + "\n"),
            (None, None) => {}
        }
    }
    html + block.end()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    Paragraph,
    Table,
}

impl Block {
    fn begin(self) -> &'static str {
        match self {
            Block::None => "",
            Block::Paragraph => "<p>",
            Block::Table => "<div class=\"scroll\"><table>\n",
        }
    }

    fn end(self) -> &'static str {
        match self {
            Block::None => "",
            Block::Paragraph => "</p>\n",
            Block::Table => "</table></div>\n",
        }
    }
}

/// The label at the beginning of a line, and the rest.
fn label(line: &str) -> Option<(&str, &str)> {
    let (label, rest) = line.split_at_checked(line.find(": ")? + 1)?;
    LABELS.contains(&label).then_some((label, rest.trim()))
}

/// Code and emphasis within a line.
fn spans(line: &str) -> String {
    let mut html = String::new();
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 1 {
            html += &format!("<code>{}</code>", escaped(part));
            continue;
        }
        for (index, part) in part.split('*').enumerate() {
            let part = escaped(part);
            html += &if index % 2 == 1 { format!("<em>{part}</em>") } else { part };
        }
    }
    html
}

/// What the parts of a rule begin with.
const LABELS: [&str; 6] = ["MUST:", "Without it:", "What remains:", "Enforced:", "Checked:", "Exceptions:"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_paragraphs_and_tables() {
        let text = "MUST: a < b,\nalways.\n\n| x | y |\n|---|---|\n| `1` | *2* |\n\nWithout it: c.\nEnforced: `d`.\n";
        assert_eq!(
            html(text),
            "<p><strong>MUST:</strong> a &lt; b,\nalways.\n</p>\n\
             <div class=\"scroll\"><table>\n<tr><td>x</td><td>y</td></tr>\n\
             <tr><td><code>1</code></td><td><em>2</em></td></tr>\n</table></div>\n\
             <p><strong>Without it:</strong> c.\n</p>\n<p><strong>Enforced:</strong> <code>d</code>.\n</p>\n"
        );
    }
}
