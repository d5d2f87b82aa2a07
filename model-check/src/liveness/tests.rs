//! Goals that are met, and goals that are not, on graphs that can be drawn.

use stateright::{Checker, Property};

use super::*;

/// Numbered states, steps between them, each of a sort. A beat of the clock is every step of [`TIME`].
#[derive(Clone)]
struct Drawing {
    begin: Vec<u8>,
    steps: Vec<(u8, u8, Fairness)>,
}

const A: Fairness = Fairness::Fair(0);
const B: Fairness = Fairness::Fair(1);
const TIME: Fairness = Fairness::Fair(2);

impl Drawing {
    /// Steps of class A along paths that begin with their first state.
    fn of(paths: &[&[u8]]) -> Self {
        let begin = paths.iter().filter_map(|path| path.first().copied()).collect();
        let steps = paths.iter().flat_map(|path| path.windows(2)).map(|step| (step[0], step[1], A)).collect();
        Drawing { begin, steps }
    }

    fn step(mut self, from: u8, to: u8, sort: Fairness) -> Self {
        self.steps.push((from, to, sort));
        self
    }

    /// Whether an odd state comes at last, from everywhere, with so many classes: the states that the lasso visits if not.
    fn odd(&self, classes: usize) -> Result<Lasts, (Vec<u8>, Option<usize>)> {
        self.leads(|_, _| true, classes)
    }

    fn leads(&self, from: fn(&Self, &u8) -> bool, classes: usize) -> Result<Lasts, (Vec<u8>, Option<usize>)> {
        let claims = Claims {
            due: vec![from],
            met: vec![|_, state| state % 2 == 1],
            without: vec![|_| false],
            fairness: &|_, (_, _, sort)| *sort,
            beat: |(_, _, sort)| *sort == TIME,
        };
        let graph = Graph::explore(self, &claims, 100).unwrap();
        match judge(self, graph.view(0), classes) {
            Verdict::Lasts(lasts) => Ok(lasts),
            Verdict::Falls(Lasso { path, returns_to }) => {
                let states = path.steps.iter().map(|(state, _)| *state).chain([path.end]).collect();
                Err((states, returns_to))
            }
        }
    }

    /// What stateright has to say to it.
    fn eventually_odd(self) -> bool {
        self.checker().spawn_dfs().join().discovery("odd").is_none()
    }
}

impl Model for Drawing {
    type State = u8;
    type Action = (u8, u8, Fairness);

    fn init_states(&self) -> Vec<u8> {
        self.begin.clone()
    }

    fn actions(&self, state: &u8, actions: &mut Vec<Self::Action>) {
        actions.extend(self.steps.iter().filter(|(from, _, _)| from == state));
    }

    fn next_state(&self, _: &u8, (_, to, _): Self::Action) -> Option<u8> {
        Some(to)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::eventually("odd", |_, state| state % 2 == 1)]
    }
}

#[test]
fn a_circle_is_found_which_stateright_misses() {
    let drawing = Drawing::of(&[&[0, 2, 4, 2]]);
    assert_eq!(drawing.odd(1), Err((vec![0, 2, 4, 2], Some(1))));
    assert!(drawing.eventually_odd(), "stateright sees the circle: its `eventually` can be looked at again");
}

#[test]
fn a_join_is_found_which_stateright_misses() {
    let drawing = Drawing::of(&[&[0, 2, 4], &[1, 4, 6]]);
    assert_eq!(drawing.leads(|_, state| *state == 0, 1), Err((vec![0, 2, 4, 6], None)));
    assert!(drawing.eventually_odd(), "stateright sees the join: its `eventually` can be looked at again");
}

#[test]
fn what_comes_on_every_way_holds() {
    let drawing = Drawing::of(&[&[0, 2, 4, 7], &[0, 4, 6, 9, 8]]);
    assert_eq!(drawing.leads(|_, state| *state == 0, 1).map(|lasts| lasts.due), Ok(4));
    // From everywhere is more than from the beginning: 8 is past it.
    assert_eq!(drawing.odd(1), Err((vec![0, 4, 6, 9, 8], None)));
}

#[test]
fn a_circle_that_leaves_out_what_stays_possible_is_not_fair() {
    // B leads out of both states of the circle.
    let out = Drawing::of(&[&[0, 2, 0]]).step(0, 1, B).step(2, 3, B);
    assert!(out.leads(|_, state| *state == 0, 2).is_ok());
    // Nobody is obliged to B.
    let free = Drawing::of(&[&[0, 2, 0]]).step(0, 1, Fairness::Free).step(2, 3, Fairness::Free);
    assert_eq!(free.odd(1).map_err(|(states, _)| states), Err(vec![0, 2, 0]));
}

#[test]
fn a_circle_on_which_it_is_impossible_at_times_is_fair() {
    // B is possible in 0 only: whoever is weakly fair can miss it each time.
    let missed = Drawing::of(&[&[0, 2, 0]]).step(0, 1, B);
    assert_eq!(missed.leads(|_, state| *state == 0, 2), Err((vec![0, 2, 0], Some(0))));
    // B is taken on it.
    let taken = Drawing::of(&[&[0, 2]]).step(2, 0, B).step(0, 1, A);
    assert_eq!(taken.leads(|_, state| *state == 0, 2), Err((vec![0, 2, 0], Some(0))));
}

#[test]
fn a_fault_leads_there_and_not_out_again() {
    // The goal is lost by a fault, and only a fault would bring it back.
    let lost = Drawing::of(&[&[1, 0, 0]]).step(0, 1, Fairness::Fault);
    let lost = Drawing { begin: vec![1], ..lost };
    assert_eq!(lost.odd(1), Err((vec![1, 0, 0], Some(1))));
    let kept = Drawing::of(&[&[1, 1]]).step(1, 0, Fairness::Fault).step(0, 1, A);
    assert!(kept.odd(1).is_ok());
}

#[test]
fn who_is_not_obliged_may_stay_for_ever() {
    let idle = Drawing::of(&[&[0]]).step(0, 1, Fairness::Free);
    assert_eq!(idle.leads(|_, state| *state == 0, 1), Err((vec![0], None)));
}

#[test]
fn a_lasso_goes_round_through_all_that_makes_it_fair() {
    // B is possible everywhere and leads out, except in 4; there is a shorter way back from 2, which leaves 4 out.
    let drawing = Drawing::of(&[&[0, 2, 0]])
        .step(2, 4, A)
        .step(4, 6, B)
        .step(6, 0, Fairness::Free)
        .step(0, 1, B)
        .step(2, 1, B)
        .step(6, 1, B);
    assert_eq!(drawing.leads(|_, state| *state == 0, 2), Err((vec![0, 2, 4, 6, 0], Some(0))));
}

#[test]
fn a_response_is_bounded_by_the_beats_on_the_longest_way() {
    let drawing = Drawing::of(&[&[0, 2]]).step(0, 4, TIME).step(4, 2, TIME).step(2, 6, TIME).step(6, 1, A);
    let lasts = drawing.leads(|_, state| *state == 0, 3).unwrap();
    assert_eq!(lasts, Lasts { due: 4, beats: Some(3) });
    // A circle that is not fair, but on which time passes: it is met at last, and nobody can say when.
    let unbounded = Drawing::of(&[&[0, 1]]).step(0, 0, TIME);
    assert_eq!(unbounded.leads(|_, state| *state == 0, 3).unwrap().beats, None);
}
