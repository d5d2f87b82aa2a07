//! Tables of text: columns as wide as what is in them, numbers at the right.

/// A table.
pub(super) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

/// Where the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Table {
    /// With these columns.
    pub(super) fn of(columns: &[(&str, Side)]) -> Self {
        let (names, sides) = columns.iter().map(|(name, side)| (name.to_string(), *side)).unzip();
        Table { sides, rows: vec![names] }
    }

    /// One row more.
    pub(super) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The table; what a row has beyond [`WIDTH`] columns is cut off, and marked as cut.
    pub(super) fn render(&self) -> String {
        let width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell)).max();
        let widths: Vec<usize> = (0..self.sides.len()).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells =
                row.iter().zip(self.sides.iter().zip(&widths)).map(|(cell, (side, width))| match side {
                    Side::Left => format!("{cell:<width$}"),
                    Side::Right => format!("{cell:>width$}"),
                });
            let line = cells.collect::<Vec<_>>().join(" ");
            text += &cut(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A number with its thousands apart: `2,180,036`.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time: `7.1 s`, `1:23`, `1:02:03`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

fn cut(line: &str) -> String {
    if length(line) <= WIDTH {
        return line.to_string();
    }
    line.chars().take(WIDTH - 1).collect::<String>().trim_end().to_string() + "…"
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// What fits a window beside another, and a page of a log.
const WIDTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them_and_rows_fit() {
        let mut table = Table::of(&[("name", Side::Left), ("n", Side::Right), ("says", Side::Left)]);
        table.push(vec!["a".to_string(), "1,000".to_string(), "it holds".to_string()]);
        table.push(vec!["b".to_string(), "7".to_string(), "long ".repeat(40)]);
        let text = table.render();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["name     n says", "a    1,000 it holds"]);
        assert!(lines.iter().all(|line| length(line) <= WIDTH), "{text}");
        assert!(lines[2].ends_with('…'), "{text}");
    }

    #[test]
    fn numbers_and_times_can_be_read() {
        assert_eq!([0, 999, 1000, 2_180_036].map(thousands), ["0", "999", "1,000", "2,180,036"]);
        assert_eq!([7.12, 83.0, 3723.0].map(duration), ["7.1 s", "1:23", "1:02:03"]);
        assert_eq!(duration(59.96), "1:00");
    }
}
