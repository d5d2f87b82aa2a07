//! A picture, element by element, from back to front.

use std::fmt::Write as _;

use super::super::markup::escaped;
use super::super::{Tale, Told};
use super::layout::{BAR, GAP, HEAD, LANE, LINE, Layout, NUMBERS, PAD, Row, tenths};
use super::style::STYLE;

/// The whole picture.
pub(super) fn svg(tale: &Tale) -> String {
    let layout = Layout::of(tale);
    let endings = usize::from(tale.broken.is_some()) + usize::from(tale.returns_to.is_some());
    let height = layout.bottom() + PAD + endings as u32 * (ENDING + PAD);
    let width = layout.width();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tale\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n",
        escaped(tale.broken.as_deref().unwrap_or("a path"))
    );
    svg += &rectangle("paper", (0, 0), (width, height), 0);
    svg += &heads(tale, &layout);
    for index in 0..tale.steps.len() {
        svg += &beneath(tale, &layout, index);
    }
    for (row, place) in layout.rows.iter().enumerate() {
        for (thing, lines) in &place.changes {
            svg += &span(&layout, row, *thing, lines);
        }
    }
    for (index, (step, row)) in tale.steps.iter().zip(layout.rows.iter().skip(1)).enumerate() {
        // Where a path never ends, no single step of it breaks the promise.
        let ends = tale.returns_to.is_none() && index + 1 == tale.steps.len();
        let is_fatal = tale.broken.is_some() && ends;
        svg += &drawn(&layout, step, row, index + 1, is_fatal);
    }
    svg += &endings_of(tale, &layout);
    svg + "</svg>\n"
}

/// Names, and the line of each participant.
fn heads(tale: &Tale, layout: &Layout) -> String {
    let mut svg = rectangle("head", (0, 0), (layout.width(), HEAD - PAD), 0);
    let baseline = HEAD / 2 + 2;
    for (index, name) in tale.lanes.iter().enumerate() {
        let middle = layout.lane(index) + LANE / 2;
        let bottom = layout.bottom();
        let _ = writeln!(
            svg,
            "<line class=\"life\" x1=\"{middle}\" y1=\"{HEAD}\" x2=\"{middle}\" y2=\"{bottom}\"/>"
        );
        svg += &text("name", (middle, baseline), name);
    }
    for (index, name) in layout.things.iter().enumerate() {
        svg += &text("thing", (layout.thing(index), baseline), name);
    }
    svg
}

/// What lies below a step: the rule over its row, and the line from it to what it changed. What happens to the world
/// crosses every lane.
fn beneath(tale: &Tale, layout: &Layout, index: usize) -> String {
    let (Some(step), Some(row)) = (tale.steps.get(index), layout.rows.get(index + 1)) else {
        return String::new();
    };
    let (top, right) = (row.top, layout.width());
    let mut svg =
        format!("<line class=\"rule\" x1=\"{NUMBERS}\" y1=\"{top}\" x2=\"{right}\" y2=\"{top}\"/>\n");
    let last = row.changes.iter().map(|(thing, _)| layout.thing(*thing)).max();
    let (class, from) = match step.lane {
        Some(lane) => ("effect", layout.lane(lane) + LANE / 2),
        None => ("event", NUMBERS),
    };
    let to = match (step.lane, last) {
        (_, Some(last)) => last,
        (None, None) => layout.lane(0) + layout.lanes_width(),
        (Some(_), None) => return svg,
    };
    let y = anchor(row);
    let _ = writeln!(svg, "<line class=\"{class}\" x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\"/>");
    svg
}

/// A value of a thing, from where it begins to where the next one does.
fn span(layout: &Layout, row: usize, thing: usize, lines: &[String]) -> String {
    let Some(place) = layout.rows.get(row) else { return String::new() };
    let earlier = layout.rows.iter().take(row);
    let parity = earlier.filter(|row| row.changes.iter().any(|(each, _)| *each == thing)).count() % 2;
    let odd = if parity == 1 { " odd" } else { "" };
    let nothing = matches!(lines, [only] if NOTHING.contains(&only.as_str()));
    let none = if nothing { " none" } else { "" };
    let (x, top) = (layout.thing(thing), place.top + GAP / 2);
    let height = layout.until(thing, row) - place.top - GAP / 2;
    let mut svg = format!("<g class=\"span{odd}{none}\">\n");
    svg += &rectangle("bar", (x, top), (BAR, height), 3);
    for (number, line) in lines.iter().enumerate() {
        let (x, y) = (x + BAR + PAD, baseline(place, number));
        // Lines to things further right pass behind what is written here.
        svg += &rectangle("paper", (x - 2, y - LINE + 4), (tenths(line) / 10 + 4, LINE), 0);
        svg += &text("value", (x, y), line);
    }
    if 0 < row {
        let (x, y) = (x + BAR / 2, anchor(place));
        let _ = writeln!(svg, "<circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"3\"/>");
    }
    svg + "</g>\n"
}

/// What happens: a box on a participant's line, or a band across all of them.
fn drawn(layout: &Layout, step: &Told, row: &Row, number: usize, is_fatal: bool) -> String {
    let height = row.words.len() as u32 * LINE + 2 * PAD;
    let (top, fatal) = (row.top + GAP / 2, if is_fatal { " fatal" } else { "" });
    let mut svg = text("number", (NUMBERS - 2 * PAD, baseline(row, 0)), &number.to_string());
    let left = match step.lane {
        Some(lane) => {
            let loud = if is_loud(&step.what) { " loud" } else { "" };
            let _ = writeln!(svg, "<g class=\"step lane{}{loud}{fatal}\">", lane % HUES);
            let left = layout.lane(lane);
            svg += &rectangle("box", (left + PAD, top), (LANE - 2 * PAD, height), 5);
            left + 2 * PAD + 2
        }
        None => {
            let (left, width) = (layout.lane(0), layout.lanes_width());
            let middle = left + width / 2;
            let box_width = (tenths(&step.what) / 10 + 6 * PAD).min(width - 2 * PAD);
            let _ = writeln!(svg, "<g class=\"step event{fatal}\">");
            svg += &rectangle("box", (middle - box_width / 2, top), (box_width, height), 11);
            middle
        }
    };
    for (line, words) in row.words.iter().enumerate() {
        svg += &text("what", (left, baseline(row, line)), words);
    }
    svg + "</g>\n"
}

/// Where the path goes back to, and the promise that it broke.
fn endings_of(tale: &Tale, layout: &Layout) -> String {
    let mut svg = String::new();
    let mut top = layout.bottom() + PAD;
    if let Some(step) = tale.returns_to {
        svg += &band(layout, "again", &format!("again from step {}", step + 1), top);
        if let Some(row) = layout.rows.get(step + 1) {
            let to = anchor(row);
            let _ = writeln!(svg, "<path class=\"back\" d=\"M 7 {top} V {to} h 7 l -4 -4 m 4 4 l -4 4\"/>");
        }
        top += ENDING + PAD;
    }
    if let Some(broken) = &tale.broken {
        svg += &band(layout, "broken", &format!("broken: {broken}"), top);
    }
    svg
}

fn band(layout: &Layout, class: &str, says: &str, top: u32) -> String {
    let band = rectangle("band", (PAD, top), (layout.width() - 2 * PAD, ENDING), 5);
    let says = text("says", (NUMBERS, top + ENDING / 2 + 5), says);
    format!("<g class=\"{class}\">\n{band}{says}</g>\n")
}

fn rectangle(class: &str, (x, y): (u32, u32), (width, height): (u32, u32), round: u32) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>\n"
    )
}

fn text(class: &str, (x, y): (u32, u32), words: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>\n", escaped(words))
}

/// The baseline of a line of a row.
fn baseline(row: &Row, line: usize) -> u32 {
    row.top + GAP / 2 + PAD + line as u32 * LINE + 13
}

/// The height at which the lines of a row begin and end.
fn anchor(row: &Row) -> u32 {
    row.top + GAP / 2 + PAD + LINE / 2
}

/// Whether a step says of itself that it is one to look at: it has a word in capitals, such as CRASHES.
fn is_loud(what: &str) -> bool {
    let shouted = |word: &str| 1 < word.len() && word.chars().all(|letter| letter.is_ascii_uppercase());
    what.split(|letter: char| !letter.is_alphanumeric()).any(shouted)
}

/// Values that say that there is nothing.
const NOTHING: [&str; 4] = ["none", "free", "no", "-"];
/// How many lanes have a colour of their own.
const HUES: usize = 4;
/// A band below the steps.
const ENDING: u32 = 30;
