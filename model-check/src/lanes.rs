//! A path as a lane diagram in text: one column a process, one row a step, time and the world across.

use std::fmt::Write as _;

use stateright::Model;

use crate::exhaustive::Counterexample;

/// A model whose steps can be told.
pub(crate) trait Story: Model {
    /// The name of each lane.
    fn lanes(&self) -> Vec<String>;

    /// Whose step it is (nobody's: it happens to the world), and what happens.
    fn tell(&self, before: &Self::State, action: &Self::Action) -> (Option<usize>, String);
}

/// The path as text, the broken promise last.
pub(crate) fn render<M: Story>(model: &M, path: &Counterexample<M>, broken: &str) -> String {
    let names = model.lanes();
    let mut text = String::from("      ");
    for name in &names {
        let _ = write!(text, "{name:<WIDTH$}");
    }
    text = text.trim_end().to_string() + "\n";
    for (number, (before, action)) in path.steps.iter().enumerate() {
        let (lane, told) = model.tell(before, action);
        let Some(lane) = lane else {
            let (told, width) = (format!(" {told} "), WIDTH * names.len());
            let _ = writeln!(text, "{:>4}  {told:-^width$}", number + 1);
            continue;
        };
        for (line, words) in wrapped(&told).into_iter().enumerate() {
            let number = if line == 0 { (number + 1).to_string() } else { String::new() };
            let mut row = format!("{number:>4}  ");
            for column in 0..names.len() {
                let cell = if column == lane { words.as_str() } else { "|" };
                let _ = write!(row, "{cell:<WIDTH$}");
            }
            let _ = writeln!(text, "{}", row.trim_end());
        }
    }
    let _ = writeln!(text, "      broken: {broken}");
    text
}

/// The text in lines that fit a lane.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() < WIDTH - 2 => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.to_string()),
        }
    }
    lines
}

/// The width of a lane: two and the numbers fit a terminal of 80 columns.
const WIDTH: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exhaustive::shortest;
    use crate::specimens::directory_lock::DirectoryLock;

    #[test]
    fn a_path_is_told_in_lanes() {
        let model = DirectoryLock::SMALL;
        let path = shortest(&model, DirectoryLock::NAME).unwrap();
        let text = render(&model, &path, DirectoryLock::NAME);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"      process a                           process b"));
        assert_eq!(lines.get(1), Some(&"   1  makes the directory: has the lock   |"));
        assert_eq!(lines.last(), Some(&"      broken: at most one process believes to own"));
        assert!(text.contains(" tick 1 "));
        assert!(lines.iter().all(|line| line.len() <= 80), "{text}");
    }
}
