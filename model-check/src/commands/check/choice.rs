//! What is to be searched, and whether it can be.

use super::super::{Failure, unknown};
use crate::configuration::Profile;
use crate::registry;
use crate::search::Memory;
use crate::subject::Setup;

/// The configurations that the names stand for; those of the profile where there are none.
pub(super) fn chosen(names: &[String], profile: Profile) -> Result<Vec<Setup>, Failure> {
    let all: Vec<Setup> = registry::models().iter().flat_map(|model| model.setups()).collect();
    if names.is_empty() {
        return Ok(all.into_iter().filter(|setup| setup.profile <= profile).collect());
    }
    let mut chosen: Vec<Setup> = Vec::new();
    for name in names {
        let whole = |setup: &&Setup| setup.model == name && setup.profile <= profile;
        let named = |setup: &&Setup| setup.id == *name;
        let found: Vec<Setup> = all.iter().filter(|setup| whole(setup) || named(setup)).cloned().collect();
        if found.is_empty() {
            return Err(unknown("model or configuration", name));
        }
        for setup in found {
            if !chosen.contains(&setup) {
                chosen.push(setup);
            }
        }
    }
    Ok(chosen)
}

/// Refuses what can't fit before an hour is spent on the rest.
pub(super) fn fits(setups: &[Setup], memory: Memory) -> Result<(), Failure> {
    let wants = |setup: &Setup| Memory::of_search(setup.pinned.unique);
    match setups.iter().max_by_key(|setup| wants(setup)) {
        Some(setup) if memory < wants(setup) => Err(Failure::Memory {
            what: setup.id.clone(),
            states: setup.pinned.unique,
            wanted: wants(setup),
            given: memory,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_models_and_configurations_and_nothing_else() {
        let quick = chosen(&[], Profile::Quick).unwrap();
        let deep = chosen(&[], Profile::Deep).unwrap();
        assert!(quick.len() < deep.len());
        assert!(quick.iter().all(|setup| setup.profile == Profile::Quick));
        let one = deep.last().unwrap();
        // A configuration that is named is searched whatever the profile, and once.
        let named = chosen(&[one.id.clone(), one.id.clone()], Profile::Quick).unwrap();
        assert_eq!(named.iter().map(|setup| &setup.id).collect::<Vec<_>>(), [&one.id]);
        assert!(matches!(chosen(&["leese".to_string()], Profile::Deep), Err(Failure::Unknown { .. })));
    }

    #[test]
    fn the_largest_has_to_fit() {
        let setups = chosen(&[], Profile::Deep).unwrap();
        let largest = setups.iter().max_by_key(|setup| setup.pinned.unique).unwrap();
        let wanted = Memory::of_search(largest.pinned.unique);
        assert!(fits(&setups, wanted).is_ok());
        let refused = fits(&setups, Memory(wanted.0 - 1));
        assert!(matches!(refused, Err(Failure::Memory { what, .. }) if what == largest.id));
    }
}
