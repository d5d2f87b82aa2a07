//! Searches: complete ones, and the shortest path to a violation.

pub mod exhaustive;
mod memory;
mod salted;
pub mod shortest;

pub use memory::Memory;

#[cfg(test)]
pub(crate) mod testing {
    use stateright::{Model, Property};

    use crate::configuration::Configuration;
    use crate::story::Story;
    use crate::study::{self, Mutated, Promise, Study};

    /// Counts up to a boundary, by one or by two.
    #[derive(Clone)]
    pub(crate) struct Counter {
        pub(crate) promises: fn() -> Vec<Promise<Counter>>,
        pub(crate) boundary: u8,
    }

    impl Model for Counter {
        type State = u8;
        type Action = u8;

        fn init_states(&self) -> Vec<u8> {
            vec![0]
        }

        fn actions(&self, state: &u8, actions: &mut Vec<u8>) {
            actions.extend([1, 2].into_iter().filter(|step| state + step <= self.boundary));
        }

        fn next_state(&self, state: &u8, step: u8) -> Option<u8> {
            Some(state + step)
        }

        fn properties(&self) -> Vec<Property<Counter>> {
            study::properties(self)
        }
    }

    impl Story for Counter {
        fn lanes(&self) -> Vec<String> {
            vec!["counter".to_string()]
        }

        fn tell(&self, _: &u8, step: &u8) -> (Option<usize>, String) {
            (Some(0), format!("adds {step}"))
        }

        fn world(&self, state: &u8) -> Vec<(&'static str, String)> {
            vec![("sum", state.to_string())]
        }
    }

    impl Study for Counter {
        const NAME: &'static str = "counter";
        const ABOUT: &'static str = "a counter";

        fn bounds(&self) -> String {
            format!("b{}", self.boundary)
        }

        fn bounds_in_words(&self) -> String {
            format!("up to {}", self.boundary)
        }

        fn faults(&self) -> Vec<&'static str> {
            Vec::new()
        }

        fn configurations() -> Vec<Configuration<Self>> {
            Vec::new()
        }

        fn promises(&self) -> Vec<Promise<Self>> {
            (self.promises)()
        }

        fn mutants() -> Vec<Mutated<Self>> {
            Vec::new()
        }

        fn kind(step: &u8) -> &'static str {
            if *step == 1 { "counter: one" } else { "counter: two" }
        }

        fn marks() -> &'static [&'static str] {
            &["counter: one", "counter: two"]
        }
    }
}
