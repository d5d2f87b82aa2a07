//! Where everything of a picture goes: columns, and rows that are as high as what is written in them.

use super::super::Tale;

/// The places of a picture, in pixels.
pub(super) struct Layout {
    /// The things of the world, in their order: the columns after the lanes.
    pub(super) things: Vec<&'static str>,
    /// The rows: the beginning, then one for each step.
    pub(super) rows: Vec<Row>,
    lanes: usize,
}

/// One row.
pub(super) struct Row {
    /// Its upper edge.
    pub(super) top: u32,
    /// Its height.
    pub(super) height: u32,
    /// What happens, in lines.
    pub(super) words: Vec<String>,
    /// What is different after it: the thing's column, and its value in lines.
    pub(super) changes: Vec<(usize, Vec<String>)>,
}

impl Layout {
    pub(super) fn of(tale: &Tale) -> Self {
        let mut layout = Layout {
            things: tale.world.iter().map(|(name, _)| *name).collect(),
            rows: Vec::new(),
            lanes: tale.lanes.len().max(1),
        };
        let beginning = tale.world.iter().map(|(name, value)| (*name, value.as_str())).collect();
        layout.push(Vec::new(), beginning);
        for (index, step) in tale.steps.iter().enumerate() {
            let width = if step.lane.is_some() { LANE } else { layout.lanes_width() } - 4 * PAD;
            layout.push(wrapped(&step.what, width), tale.changes(index));
        }
        layout
    }

    fn push(&mut self, words: Vec<String>, changes: Vec<(&'static str, &str)>) {
        let column = |name| self.things.iter().position(|thing| *thing == name);
        let changes: Vec<(usize, Vec<String>)> = changes
            .into_iter()
            .filter_map(|(name, value)| Some((column(name)?, wrapped(value, THING - BAR - 3 * PAD))))
            .collect();
        let lines = changes.iter().map(|(_, lines)| lines.len()).chain([words.len(), 1]).max();
        let height = lines.unwrap_or(1) as u32 * LINE + 2 * PAD + GAP;
        self.rows.push(Row { top: self.bottom(), height, words, changes });
    }

    /// The lower edge of the last row.
    pub(super) fn bottom(&self) -> u32 {
        self.rows.last().map_or(HEAD, |row| row.top + row.height)
    }

    /// The left edge of a participant's lane.
    pub(super) fn lane(&self, index: usize) -> u32 {
        NUMBERS + index as u32 * LANE
    }

    /// The width of all lanes.
    pub(super) fn lanes_width(&self) -> u32 {
        self.lanes as u32 * LANE
    }

    /// The left edge of a thing's column.
    pub(super) fn thing(&self, index: usize) -> u32 {
        self.lane(self.lanes) + PAD + index as u32 * THING
    }

    /// The width of the picture.
    pub(super) fn width(&self) -> u32 {
        self.thing(self.things.len()) + PAD
    }

    /// Where a thing's value that begins in `row` ends: where the next one begins, or with the last row.
    pub(super) fn until(&self, thing: usize, row: usize) -> u32 {
        let changes = |row: &&Row| row.changes.iter().any(|(column, _)| *column == thing);
        self.rows.iter().skip(row + 1).find(changes).map_or_else(|| self.bottom(), |row| row.top)
    }
}

/// The text in lines of at most this many pixels, where its words allow it.
fn wrapped(text: &str, width: u32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if tenths(line) + tenths(" ") + tenths(word) <= width * 10 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// How wide a text is, in tenths of a pixel: a generous guess for any sans serif of 13 pixels.
pub(super) fn tenths(text: &str) -> u32 {
    let width = |letter: char| match letter {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' => 45,
        'm' | 'w' | 'M' | 'W' | '@' => 118,
        letter if letter.is_uppercase() => 92,
        _ => 76,
    };
    text.chars().map(width).sum()
}

/// The column of step numbers, with room for the way back of a path that never ends.
pub(super) const NUMBERS: u32 = 44;
/// A participant's lane: some 25 letters.
pub(super) const LANE: u32 = 230;
/// A thing of the world: some 14 letters.
pub(super) const THING: u32 = 136;
/// The bar of a thing's value.
pub(super) const BAR: u32 = 8;
/// Names of lanes and things.
pub(super) const HEAD: u32 = 40;
/// A line of text.
pub(super) const LINE: u32 = 17;
/// Around what is written.
pub(super) const PAD: u32 = 6;
/// Between two rows.
pub(super) const GAP: u32 = 6;
