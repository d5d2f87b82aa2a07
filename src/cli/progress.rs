//! The progress of a load, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for the load of a model; silent where nobody looks.
pub(super) struct LoadBar {
    visible: bool,
    bar: Option<ProgressBar>,
}

impl LoadBar {
    pub(super) fn new(visible: bool) -> Self {
        LoadBar { visible, bar: None }
    }

    /// Shows how much is loaded, from 0 to 1.
    pub(super) fn show(&mut self, fraction: f32) {
        if self.visible {
            let bar = self.bar.get_or_insert_with(begin);
            bar.set_position((fraction.clamp(0.0, 1.0) * STEPS as f32) as u64);
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn begin() -> ProgressBar {
    let bar = ProgressBar::new(STEPS);
    // The template is a constant; the plain bar would do as well.
    if let Ok(style) = ProgressStyle::with_template("loading the model [{bar:40}] {percent}% {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// How finely the bar moves.
const STEPS: u64 = 1000;
