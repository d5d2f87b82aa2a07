//! A model as stateright's explorer shows it: readable steps, the world as it stands, a picture of each path.

use stateright::{Expectation, Model, Path, Property};

use super::{Tale, Told, picture};
use crate::study::{Kind, Study};

/// A study for the explorer: the same states and actions, told.
pub struct Explored<S>(pub S);

impl<S: Study> Model for Explored<S> {
    type State = S::State;
    type Action = S::Action;

    fn init_states(&self) -> Vec<S::State> {
        self.0.init_states()
    }

    fn actions(&self, state: &S::State, actions: &mut Vec<S::Action>) {
        self.0.actions(state, actions);
    }

    fn next_state(&self, state: &S::State, action: S::Action) -> Option<S::State> {
        self.0.next_state(state, action)
    }

    fn format_action(&self, action: &S::Action) -> String {
        self.0.format_action(action)
    }

    fn format_step(&self, before: &S::State, action: S::Action) -> Option<String> {
        let after = self.0.next_state(before, action.clone())?;
        Some(step(&self.0, before, &action, &after))
    }

    fn as_svg(&self, path: Path<S::State, S::Action>) -> Option<String> {
        Some(picture::render(&tale(&self.0, &path.into_vec())))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let property = |(promise, condition): (crate::study::Promise<S>, Condition<S>)| Property {
            expectation: match promise.kind {
                Kind::Always => Expectation::Always,
                Kind::Sometimes => Expectation::Sometimes,
            },
            name: promise.says,
            condition,
        };
        self.0.promises().into_iter().zip(conditions()).map(property).collect()
    }
}

/// What happens in a step, the promises that it breaks, and the world after it, changes marked.
fn step<S: Study>(study: &S, before: &S::State, action: &S::Action, after: &S::State) -> String {
    let (lane, what) = study.tell(before, action);
    let who = lane.and_then(|lane| study.lanes().get(lane).cloned());
    let mut text = who.map_or_else(|| what.clone(), |who| format!("{who}: {what}")) + "\n\n";
    for promise in study.promises() {
        if promise.kind == Kind::Always && !(promise.holds)(study, after) {
            text += &format!("BROKEN: {}\n", promise.says);
        }
    }
    let earlier = study.world(before);
    for entry in study.world(after) {
        let changed = if earlier.contains(&entry) { " " } else { "*" };
        text += &format!("{changed} {:<16} {}\n", entry.0, entry.1);
    }
    text
}

/// A path of stateright's, told.
fn tale<S: Study>(study: &S, path: &[(S::State, Option<S::Action>)]) -> Tale {
    let pairs = path.iter().zip(path.iter().skip(1));
    let steps = pairs.filter_map(|((before, action), (after, _))| {
        let action = action.as_ref()?;
        let (lane, what) = study.tell(before, action);
        Some(Told { lane, what, action: study.format_action(action), world: study.world(after) })
    });
    let fallen = path.last().and_then(|(end, _)| {
        let promises = study.promises().into_iter();
        promises.filter(|promise| promise.kind == Kind::Always).find(|promise| !(promise.holds)(study, end))
    });
    Tale {
        lanes: study.lanes(),
        world: path.first().map(|(beginning, _)| study.world(beginning)).unwrap_or_default(),
        steps: steps.collect(),
        broken: fallen.map(|promise| promise.says.to_string()),
        returns_to: None,
    }
}

/// A property of stateright's is a function pointer: it can't say which promise it is for, so there is a function for
/// each place in the list.
type Condition<S> = fn(&Explored<S>, &<S as Model>::State) -> bool;

fn nth<S: Study, const N: usize>(explored: &Explored<S>, state: &S::State) -> bool {
    explored.0.promises().get(N).is_none_or(|promise| (promise.holds)(&explored.0, state))
}

macro_rules! conditions {
    ($($n:literal)*) => {
        fn conditions<S: Study>() -> Vec<Condition<S>> {
            vec![$(nth::<S, $n>),*]
        }
    };
}

// More than any model has promises; a test holds that against the registry.
conditions!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::lease::Lease;
    use crate::registry;
    use crate::search::testing::Counter;
    use crate::study::Promise;

    fn counter() -> Explored<Counter> {
        Explored(Counter {
            promises: || {
                vec![
                    Promise::always("C1", "C1: below three", "", |_, state| *state < 3),
                    Promise::reached("reached: two", |_, state| *state == 2),
                ]
            },
            boundary: 6,
        })
    }

    #[test]
    fn a_step_says_what_it_does_breaks_and_changes() {
        let text = counter().format_step(&1, 2).unwrap();
        assert_eq!(text, "counter: adds 2\n\nBROKEN: C1: below three\n* sum              3\n");
    }

    #[test]
    fn a_path_is_a_picture() {
        let model = counter();
        let path = Path::from_actions(&model, 0, &[1, 2]).unwrap();
        let svg = model.as_svg(path).unwrap();
        assert!(roxmltree::Document::parse(&svg).is_ok());
        assert!(svg.contains("adds 2") && svg.contains("broken: C1: below three"), "{svg}");
    }

    #[test]
    fn each_property_is_that_of_its_promise() {
        let model = counter();
        let properties = model.properties();
        let holds: Vec<bool> = properties.iter().map(|property| (property.condition)(&model, &2)).collect();
        assert_eq!(holds, [true, true]);
        let holds: Vec<bool> = properties.iter().map(|property| (property.condition)(&model, &4)).collect();
        assert_eq!(holds, [false, false]);
    }

    #[test]
    fn no_promise_is_left_out() {
        let places = conditions::<Lease>().len();
        for model in registry::models() {
            assert!(model.claims().len() <= places, "{}", model.name());
        }
    }
}
