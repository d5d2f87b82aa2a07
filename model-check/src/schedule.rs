//! A path as a file: which model, and the name of each step.

use serde::{Deserialize, Serialize};
use stateright::Model;

use crate::search::shortest::Path;
use crate::story::Tale;

/// A path, by the names of its actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The model's name.
    pub model: String,
    /// In which setting of it.
    #[serde(flatten)]
    pub setting: Setting,
    /// The promise that the last step breaks, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks: Option<String>,
    /// The steps, as the model names them.
    pub steps: Vec<String>,
}

/// In which setting of a model a path was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// A configuration, by its name with bounds.
    Configuration(String),
    /// A mutant, by its name.
    Mutant(String),
}

/// A schedule that can't be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is no schedule at all.
    #[error("not a schedule: {0}")]
    Syntax(String),
    /// It is larger than any schedule.
    #[error("larger than {} bytes, which no schedule is", Schedule::LIMIT)]
    TooLarge,
    /// There is no such model.
    #[error("there is no model {0:?}")]
    Model(String),
    /// There is no such setting.
    #[error("the model {model} has no {setting}")]
    Setting {
        /// The model.
        model: &'static str,
        /// The setting.
        setting: Setting,
    },
    /// A step is not possible where it stands.
    #[error("step {number}, {action:?}, is not possible there; possible: {possible}")]
    Step {
        /// Its number, from 1.
        number: usize,
        /// Its name.
        action: String,
        /// What would be.
        possible: String,
    },
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Setting::Configuration(id) => write!(f, "configuration {id:?}"),
            Setting::Mutant(id) => write!(f, "mutant {id:?}"),
        }
    }
}

impl Schedule {
    /// The largest schedule that is read, in bytes: a thousand times the longest that was ever written.
    pub const LIMIT: usize = 16 << 20;

    /// The schedule of a path that was found in this setting of a model.
    pub fn of(model: &str, setting: Setting, tale: &Tale) -> Self {
        let steps = tale.steps.iter().map(|step| step.action.clone()).collect();
        Schedule { model: model.to_string(), setting, breaks: tale.broken.clone(), steps }
    }

    /// The text of its file.
    ///
    /// # Errors
    /// None that a schedule can cause: its fields are texts.
    pub fn text(&self) -> std::io::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Malformed`] if it is none.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if Self::LIMIT < text.len() {
            return Err(Malformed::TooLarge);
        }
        serde_json::from_str(text).map_err(|error| Malformed::Syntax(error.to_string()))
    }

    /// Plays it on a model.
    ///
    /// # Errors
    /// [`Malformed::Step`] if a step is not possible where it stands.
    pub fn play<M>(&self, model: &M) -> Result<Path<M>, Malformed>
    where
        M: Model,
        M::State: Clone,
        M::Action: Clone + std::fmt::Debug,
    {
        let impossible = |number: usize, action: &str, possible: Vec<String>| Malformed::Step {
            number: number + 1,
            action: action.to_string(),
            possible: possible.join(", "),
        };
        let mut end = model
            .init_states()
            .into_iter()
            .next()
            .ok_or_else(|| impossible(0, "the beginning", Vec::new()))?;
        let mut steps = Vec::with_capacity(self.steps.len());
        let mut actions = Vec::new();
        for (number, name) in self.steps.iter().enumerate() {
            actions.clear();
            model.actions(&end, &mut actions);
            let names = || actions.iter().map(|action| model.format_action(action)).collect();
            let action = actions.iter().find(|action| model.format_action(action) == *name);
            let action = action.ok_or_else(|| impossible(number, name, names()))?;
            let after = model.next_state(&end, action.clone());
            let after = after.ok_or_else(|| impossible(number, name, names()))?;
            steps.push((end, action.clone()));
            end = after;
        }
        Ok(Path { steps, end })
    }
}
