//! A path as a lane diagram in text: one column a participant, one row a step, and at the right what the step
//! changed in the world between them.

use std::fmt::Write as _;

use super::Tale;

/// The path as text: the world as it stood at first, the steps, and the broken promise last.
pub fn render(tale: &Tale) -> String {
    let table = Table::of(tale);
    let mut text = table.row("", tale.lanes.iter().map(String::as_str), "the world");
    let nothing = || tale.lanes.iter().map(|_| "");
    for (name, value) in &tale.world {
        for line in wrapped(&format!("{name}: {value}"), WORLD) {
            text += &table.row("", nothing(), &line);
        }
    }
    for (index, step) in tale.steps.iter().enumerate() {
        let words = match step.lane {
            Some(_) => wrapped(&step.what, table.lane),
            None => vec![format!("{:-^width$}", format!(" {} ", step.what), width = table.inner())],
        };
        let changes = tale.changes(index).into_iter();
        let changes: Vec<String> =
            changes.flat_map(|(name, value)| wrapped(&format!("{name}: {value}"), WORLD)).collect();
        for line in 0..words.len().max(changes.len()) {
            let number = if line == 0 { (index + 1).to_string() } else { String::new() };
            let word = words.get(line).map_or("|", String::as_str);
            let change = changes.get(line).map_or("", String::as_str);
            text += &match step.lane {
                Some(lane) => {
                    let cell = |column| if column == lane { word } else { "|" };
                    table.row(&number, (0..tale.lanes.len()).map(cell), change)
                }
                None if line == 0 => table.across(&number, word, change),
                None => table.row("", tale.lanes.iter().map(|_| "|"), change),
            };
        }
    }
    if let Some(step) = tale.returns_to {
        let _ = writeln!(text, "      and again from step {}", step + 1);
    }
    if let Some(broken) = &tale.broken {
        let _ = writeln!(text, "      broken: {broken}");
    }
    text
}

/// The widths of a diagram.
struct Table {
    lane: usize,
    lanes: usize,
}

impl Table {
    /// Two lanes and the world fit 100 columns; with more the lanes get narrower and the diagram wider.
    fn of(tale: &Tale) -> Self {
        let lanes = tale.lanes.len();
        let lane = match lanes {
            0 | 1 => 42,
            2 => 30,
            3 => 27,
            _ => 24,
        };
        Table { lane, lanes }
    }

    /// The width of a line across the lanes.
    fn inner(&self) -> usize {
        (self.lane * self.lanes).saturating_sub(GAP)
    }

    fn row<'a>(&self, number: &str, cells: impl Iterator<Item = &'a str>, change: &str) -> String {
        let cells: String = cells.map(|cell| format!("{cell:<width$}", width = self.lane)).collect();
        format!("{number:>4}  {cells}{change}").trim_end().to_string() + "\n"
    }

    fn across(&self, number: &str, line: &str, change: &str) -> String {
        let width = self.lane * self.lanes;
        format!("{number:>4}  {line:<width$}{change}").trim_end().to_string() + "\n"
    }
}

/// The text in lines that leave a gap at the end of a column of this width; all but the first are indented.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() + GAP <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_string()),
        }
    }
    lines
}

/// The width of the world's column: with two lanes and the numbers, 100.
const WORLD: usize = 35;
/// Between a lane and what stands right of it.
const GAP: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::story::Told;

    #[test]
    fn a_path_is_told_in_lanes_and_fits_a_page() {
        let specimen = registry::specimen("directory_lock").unwrap();
        let text = render(&specimen.fall().unwrap());
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= 100), "{text}");
        assert_eq!(text, include_str!("../../tests/snapshots/directory_lock.txt"), "{text}");
    }

    #[test]
    fn three_lanes_a_change_without_a_step_and_a_return_are_told() {
        let told = |lane, what: &str, clock: &str, record: &str| Told {
            lane,
            what: what.to_string(),
            action: String::new(),
            world: vec![("clock", clock.to_string()), ("record", record.to_string())],
        };
        let tale = Tale {
            lanes: vec!["a".to_string(), "b".to_string(), "c".to_string()],
            world: vec![("clock", "0".to_string()), ("record", "none".to_string())],
            steps: vec![told(Some(1), "takes it", "0", "b"), told(None, "tick", "1", "b, expired")],
            broken: None,
            returns_to: Some(0),
        };
        let text = render(&tale);
        let lines: Vec<&str> = text.lines().collect();
        let at = |line: usize, what: &str| lines.get(line).and_then(|line| line.find(what));
        assert_eq!(at(3, "takes it"), Some(6 + 27), "{text}");
        assert_eq!(at(3, "record: b"), at(0, "the world"), "{text}");
        assert_eq!(at(4, "clock: 1"), at(0, "the world"), "{text}");
        assert_eq!(lines.get(5).map(|line| line.matches('|').count()), Some(3), "{text}");
        assert_eq!(lines.last(), Some(&"      and again from step 1"));
    }
}
