//! A path as a lane diagram in text: one column a participant, one row a step, time and the world across.

use std::fmt::Write as _;

use super::Tale;

/// The path as text, the broken promise last.
pub fn render(tale: &Tale) -> String {
    let names = &tale.lanes;
    let mut text = String::from("      ");
    for name in names {
        let _ = write!(text, "{name:<WIDTH$}");
    }
    text = text.trim_end().to_string() + "\n";
    for (number, step) in tale.steps.iter().enumerate() {
        let Some(lane) = step.lane else {
            let (told, width) = (format!(" {} ", step.what), WIDTH * names.len());
            let _ = writeln!(text, "{:>4}  {told:-^width$}", number + 1);
            continue;
        };
        for (line, words) in wrapped(&step.what).into_iter().enumerate() {
            let number = if line == 0 { (number + 1).to_string() } else { String::new() };
            let mut row = format!("{number:>4}  ");
            for column in 0..names.len() {
                let cell = if column == lane { words.as_str() } else { "|" };
                let _ = write!(row, "{cell:<WIDTH$}");
            }
            let _ = writeln!(text, "{}", row.trim_end());
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
    use crate::registry;

    #[test]
    fn a_path_is_told_in_lanes() {
        let specimen = registry::specimen("directory_lock").unwrap();
        let text = render(&specimen.fall().unwrap());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"      process a                           process b"));
        assert_eq!(lines.get(1), Some(&"   1  makes the directory: has the lock   |"));
        assert_eq!(lines.last(), Some(&"      broken: at most one process believes to own"));
        assert!(text.contains(" tick 1 "));
        assert!(lines.iter().all(|line| line.len() <= 80), "{text}");
    }
}
