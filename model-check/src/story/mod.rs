//! Paths that can be read: what happened, to whom, and how the world stood after each step.

pub mod explored;
pub mod lanes;
mod markup;
pub mod page;
pub mod picture;

use stateright::Model;

pub(crate) use markup::escaped;

use crate::search::shortest::Path;

/// A model whose steps can be told.
pub trait Story: Model {
    /// The name of each lane: one for each participant.
    fn lanes(&self) -> Vec<String>;

    /// Whose step it is (nobody's: it happens to the world), and what happens.
    fn tell(&self, before: &Self::State, action: &Self::Action) -> (Option<usize>, String);

    /// What stands between the participants, by name, always in the same order: the record, the locks, the clock.
    fn world(&self, state: &Self::State) -> Vec<(&'static str, String)>;
}

/// A path of any model, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tale {
    /// The names of the lanes.
    pub lanes: Vec<String>,
    /// The world before the first step.
    pub world: Vec<(&'static str, String)>,
    /// The steps.
    pub steps: Vec<Told>,
    /// The promise that the last step broke, if one.
    pub broken: Option<String>,
    /// Where a path that never ends goes on after its last step: the number of steps before it.
    pub returns_to: Option<usize>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose it is, by lane; nobody's if it happens to the world.
    pub lane: Option<usize>,
    /// What happens.
    pub what: String,
    /// The action's name, as schedules have it.
    pub action: String,
    /// The world after it.
    pub world: Vec<(&'static str, String)>,
}

impl Tale {
    /// What step `index` changed in the world: what differs from the world before it.
    pub fn changes(&self, index: usize) -> Vec<(&'static str, &str)> {
        let Some(step) = self.steps.get(index) else { return Vec::new() };
        let before = index.checked_sub(1).and_then(|previous| self.steps.get(previous));
        let before = before.map_or(&self.world, |step| &step.world);
        let changed = step.world.iter().filter(|entry| !before.contains(entry));
        changed.map(|(name, value)| (*name, value.as_str())).collect()
    }
}

/// Tells a path of `model`.
pub fn tell<M>(model: &M, path: &Path<M>, broken: Option<&str>) -> Tale
where
    M: Story,
    M::Action: std::fmt::Debug,
{
    let after = path.steps.iter().skip(1).map(|(state, _)| state).chain([&path.end]);
    let steps = path.steps.iter().zip(after).map(|((before, action), after)| {
        let (lane, what) = model.tell(before, action);
        Told { lane, what, action: model.format_action(action), world: model.world(after) }
    });
    let beginning = path.steps.first().map_or(&path.end, |(state, _)| state);
    Tale {
        lanes: model.lanes(),
        world: model.world(beginning),
        steps: steps.collect(),
        broken: broken.map(str::to_string),
        returns_to: None,
    }
}
