//! What `cargo xtask test` runs, as data: the order, the commands, and what each is for.

/// How much a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What every change goes through: minutes.
    Quick,
    /// What a release goes through: the larger models, and ten minutes for each fuzz target.
    Deep,
}

/// One named part of a run.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What `--only` selects it by.
    pub(crate) name: &'static str,
    /// What it shows, in a few words.
    pub(crate) shows: &'static str,
    /// Whether it compiles llama.cpp, so that the system must have what that takes.
    pub(crate) is_native: bool,
    /// What is run.
    pub(crate) action: Action,
}

/// What a step runs.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// The cargo of this toolchain.
    Cargo {
        /// The words of the command line.
        arguments: Vec<&'static str>,
        /// Environment variables to set.
        environment: Vec<(&'static str, &'static str)>,
    },
    /// cargo-deny, with these words.
    Deny(Vec<&'static str>),
    /// Every fuzz target for this long, in seconds.
    Fuzz(u32),
    /// This program's own demo, whose report is checked.
    Demo(Vec<&'static str>),
}

impl Step {
    /// The command line, for people.
    pub(crate) fn command_line(&self) -> String {
        match &self.action {
            Action::Cargo { arguments, environment } => {
                let set = environment.iter().map(|(name, value)| match value.contains(' ') {
                    true => format!("{name}=\"{value}\" "),
                    false => format!("{name}={value} "),
                });
                format!("{}cargo {}", set.collect::<String>(), arguments.join(" "))
            }
            Action::Deny(arguments) => format!("cargo deny {}", arguments.join(" ")),
            Action::Fuzz(seconds) => {
                format!("cargo +nightly fuzz run TARGET -- -max_total_time={seconds}, for each target")
            }
            Action::Demo(arguments) => format!("cargo xtask {}", arguments.join(" ")),
        }
    }
}

/// All steps in the order in which they are run: those that fail fastest first.
pub(crate) fn steps(depth: Depth) -> Vec<Step> {
    let (check, fuzz_seconds, replay) = match depth {
        Depth::Quick => ("run --release -p model-check -- check --profile quick", 15, Vec::new()),
        Depth::Deep => {
            ("run --release -p model-check -- check --profile deep", 600, vec![("MODELD_REPLAY", "complete")])
        }
    };
    // Other flags than the rest: in folders of their own they throw nothing of theirs away.
    let loom = vec![("RUSTFLAGS", "--cfg modeld_loom"), ("CARGO_TARGET_DIR", "target/loom")];
    let shuttle = vec![("RUSTFLAGS", "--cfg modeld_shuttle"), ("CARGO_TARGET_DIR", "target/shuttle")];
    vec![
        cargo("fmt", "formatting", "fmt --all --check"),
        // A workspace of its own, which the line above does not reach.
        cargo("fmt-fuzz", "formatting of the fuzz targets", "fmt --manifest-path fuzz/Cargo.toml --check"),
        Step {
            name: "deny",
            shows: "licences, sources and duplicates of the dependencies",
            is_native: false,
            action: Action::Deny(words("check --hide-inclusion-graph bans licenses sources")),
        },
        cargo(
            "portable",
            "compiles without llama.cpp",
            "check --package modeld --all-targets --no-default-features",
        ),
        native("clippy", "no lint is broken", "clippy --workspace --all-targets -- -D warnings"),
        with(
            native("doc", "no link of the documentation is dead", "doc --no-deps --workspace"),
            vec![("RUSTDOCFLAGS", "-D warnings")],
        ),
        with(
            native(
                "test",
                "unit, integration, process and documentation tests",
                "test --workspace --no-fail-fast",
            ),
            replay,
        ),
        with(
            cargo(
                "loom",
                "all interleavings of what threads share",
                "test --package modeld --no-default-features --lib loom_",
            ),
            loom,
        ),
        with(
            cargo(
                "shuttle",
                "some schedules of more threads than loom can have",
                "test --package modeld --no-default-features --lib shuttle_",
            ),
            shuttle,
        ),
        cargo("model-check", "all histories of the machines, within the profile's bounds", check),
        cargo("mutants", "each change to the protocol is noticed", "run --release -p model-check -- mutants"),
        cargo("specimens", "the protocols of others fall", "run --release -p model-check -- specimens"),
        Step {
            name: "fuzz",
            shows: "no input from outside breaks a parser",
            is_native: false,
            action: Action::Fuzz(fuzz_seconds),
        },
        Step {
            name: "demo",
            shows: "an owner dies, a standby takes over, the client goes on",
            is_native: true,
            action: Action::Demo(words("demo --json --profile dev")),
        },
    ]
}

fn cargo(name: &'static str, shows: &'static str, line: &'static str) -> Step {
    let action = Action::Cargo { arguments: words(line), environment: Vec::new() };
    Step { name, shows, is_native: false, action }
}

fn native(name: &'static str, shows: &'static str, line: &'static str) -> Step {
    Step { is_native: true, ..cargo(name, shows, line) }
}

fn with(mut step: Step, set: Vec<(&'static str, &'static str)>) -> Step {
    if let Action::Cargo { environment, .. } = &mut step.action {
        *environment = set;
    }
    step
}

fn words(line: &'static str) -> Vec<&'static str> {
    line.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_have_the_same_steps() {
        let names = |depth| steps(depth).iter().map(|step| step.name).collect::<Vec<_>>();
        assert_eq!(names(Depth::Quick), names(Depth::Deep));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<&str> = steps(Depth::Quick).iter().map(|step| step.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_command_line_can_be_pasted() {
        let loom = steps(Depth::Quick).into_iter().find(|step| step.name == "loom").expect("the step");
        assert_eq!(
            loom.command_line(),
            "RUSTFLAGS=\"--cfg modeld_loom\" CARGO_TARGET_DIR=target/loom \
             cargo test --package modeld --no-default-features --lib loom_"
        );
    }
}
