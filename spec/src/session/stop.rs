//! Stop strings: the text ends before the first one that is complete, however the text is cut into pieces.
//!
//! Text that may be the beginning of a stop string is held back until it is one or can't become one. What is released and
//! what the end releases are, put together, exactly the text before that stop string.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The stop strings of one decode: not empty each, bounded in number and length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct StopStrings(Vec<String>);

impl StopStrings {
    /// The list, checked.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are more than [`STOP_STRINGS_MAX`], or one is empty or longer than
    /// [`STOP_BYTES_MAX`].
    pub fn new(strings: Vec<String>) -> Result<Self, Error> {
        let problem = match () {
            () if STOP_STRINGS_MAX < strings.len() => {
                format!("has {} stop strings, and {STOP_STRINGS_MAX} are allowed", strings.len())
            }
            () if strings.iter().any(String::is_empty) => "has an empty stop string".to_string(),
            () if strings.iter().any(|stop| STOP_BYTES_MAX < stop.len()) => {
                format!("has a stop string of more than {STOP_BYTES_MAX} bytes")
            }
            () => return Ok(StopStrings(strings)),
        };
        Err(Error::InvalidArgument { argument: "stop".to_string(), problem })
    }

    /// The strings.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for StopStrings {
    type Error = Error;
    fn try_from(strings: Vec<String>) -> Result<Self, Error> {
        StopStrings::new(strings)
    }
}

impl From<StopStrings> for Vec<String> {
    fn from(strings: StopStrings) -> Vec<String> {
        strings.0
    }
}

/// Finds the first stop string in a text that arrives in pieces.
#[derive(Clone, Debug)]
pub struct StopMatcher {
    stops: StopStrings,
    held: String,
    stopped: bool,
}

impl StopMatcher {
    /// Nothing seen.
    pub fn new(stops: StopStrings) -> Self {
        StopMatcher { stops, held: String::new(), stopped: false }
    }

    /// Takes the next piece and appends to `text` what is surely before any stop string. `true` once a stop string
    /// was found; what comes after it is ignored.
    pub fn push(&mut self, piece: &str, text: &mut String) -> bool {
        if self.stopped {
            return true;
        }
        self.held.push_str(piece);
        let release = match self.first_match() {
            Some(at) => {
                self.stopped = true;
                at
            }
            None => self.held.len() - self.longest_beginning(),
        };
        text.push_str(&self.held[..release]);
        self.held.drain(..release);
        if self.stopped {
            self.held.clear();
        }
        self.stopped
    }

    /// Ends the text without a stop string: releases what was held back.
    pub fn finish(&mut self, text: &mut String) {
        text.push_str(&self.held);
        self.held.clear();
    }

    /// Where the stop string begins that is complete first; of several that end together the longest.
    fn first_match(&self) -> Option<usize> {
        let end_and_start = |stop: &String| self.held.find(stop.as_str()).map(|at| (at + stop.len(), at));
        self.stops.0.iter().filter_map(end_and_start).min().map(|(_, at)| at)
    }

    /// The length of the longest end of the held text that is the beginning of a stop string.
    fn longest_beginning(&self) -> usize {
        let beginning_of = |stop: &String| {
            let longest = self.held.len().min(stop.len() - 1);
            (1..=longest).rev().find(|&n| self.held.as_bytes().ends_with(&stop.as_bytes()[..n])).unwrap_or(0)
        };
        // Both are valid UTF-8, so an end of one that is the beginning of the other starts at a character; where it
        // would not end at one, it is not yet whole in the held text and can't match there.
        self.stops.0.iter().map(beginning_of).max().unwrap_or(0)
    }
}

/// The most stop strings of one decode. More is a filter, not an end.
pub const STOP_STRINGS_MAX: usize = 16;

/// The longest stop string, in bytes: text of this length may be held back.
pub const STOP_BYTES_MAX: usize = 256;
