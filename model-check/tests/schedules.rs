//! A path survives being a file: what is played from it is what was walked.

use model_check::models::lease::Lease;
use model_check::registry;
use model_check::schedule::{Schedule, Setting};
use model_check::search::shortest::Path;
use model_check::story::{self, Tale};
use model_check::study::Study;
use proptest::prelude::*;
use stateright::Model;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_walk_is_played_back_from_its_file_state_by_state(
        which in any::<prop::sample::Index>(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let mut configurations = Lease::configurations();
        let configuration = configurations.swap_remove(which.index(configurations.len()));
        let model = &configuration.model;
        let walked = walk(model, &choices);
        let told = story::tell(model, &walked, None);
        let setting = Setting::Configuration(configuration.id());
        let schedule = Schedule::of(Lease::NAME, setting, &told);

        let folder = tempfile::tempdir()?;
        let file = folder.path().join("walk.json");
        std::fs::write(&file, schedule.text()?)?;
        let read = Schedule::parse(&std::fs::read_to_string(&file)?)?;
        prop_assert_eq!(&read, &schedule);

        let played = read.play(model)?;
        prop_assert_eq!(&played.steps, &walked.steps);
        prop_assert_eq!(&played.end, &walked.end);
        let subject = registry::model(&read.model).ok_or(TestCaseError::fail("no such model"))?;
        let replayed = Tale { broken: None, ..subject.replay(&read)? };
        prop_assert_eq!(replayed, told);
    }
}

/// The path that takes, in each state, the action that the next choice falls on.
fn walk(model: &Lease, choices: &[prop::sample::Index]) -> Path<Lease> {
    let mut end = model.beginning();
    let mut steps = Vec::new();
    let mut actions = Vec::new();
    for choice in choices {
        actions.clear();
        model.actions(&end, &mut actions);
        if actions.is_empty() {
            break;
        }
        let action = choice.get(&actions);
        let Some(after) = model.next_state(&end, *action) else { break };
        steps.push((end, *action));
        end = after;
    }
    Path { steps, end }
}
