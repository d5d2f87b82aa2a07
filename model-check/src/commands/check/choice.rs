//! What is to be searched, and whether it can be.

use super::super::{Failure, unknown};
use super::goals::{self, Lasting};
use crate::configuration::Profile;
use crate::registry;
use crate::search::Memory;
use crate::subject::Setup;

/// What is searched, and whose goals are checked.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) setups: Vec<Setup>,
    pub(super) lasting: Vec<Lasting>,
}

/// What the names stand for; everything of the profile where there are none. What is named itself is chosen whatever
/// the profile.
pub(super) fn chosen(names: &[String], profile: Profile) -> Result<Chosen, Failure> {
    let setups: Vec<Setup> = registry::models().iter().flat_map(|model| model.setups()).collect();
    let (due, lasting) = (goals::all(profile), goals::all(Profile::Deep));
    if names.is_empty() {
        let setups = setups.into_iter().filter(|setup| setup.profile <= profile).collect();
        return Ok(Chosen { setups, lasting: due });
    }
    let mut chosen = Chosen::default();
    for name in names {
        let searched = setups
            .iter()
            .filter(|setup| setup.id == *name || (setup.model == name && setup.profile <= profile));
        let lasts =
            lasting.iter().filter(|each| each.id == *name || (each.model == name && due.contains(each)));
        let found = add(&mut chosen.setups, searched) + add(&mut chosen.lasting, lasts);
        if found == 0 {
            return Err(unknown("model or configuration", name));
        }
    }
    Ok(chosen)
}

/// Adds what is not there yet, and says how many were found.
fn add<'a, T: Clone + PartialEq + 'a>(chosen: &mut Vec<T>, found: impl Iterator<Item = &'a T>) -> usize {
    let mut number = 0;
    for each in found {
        number += 1;
        if !chosen.contains(each) {
            chosen.push(each.clone());
        }
    }
    number
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
        let quick = chosen(&[], Profile::Quick).unwrap().setups;
        let deep = chosen(&[], Profile::Deep).unwrap().setups;
        assert!(quick.len() < deep.len());
        assert!(quick.iter().all(|setup| setup.profile == Profile::Quick));
        let one = deep.last().unwrap();
        // A configuration that is named is searched whatever the profile, and once.
        let named = chosen(&[one.id.clone(), one.id.clone()], Profile::Quick).unwrap();
        assert_eq!(named.setups.iter().map(|setup| &setup.id).collect::<Vec<_>>(), [&one.id]);
        assert!(matches!(chosen(&["leese".to_string()], Profile::Deep), Err(Failure::Unknown { .. })));
    }

    #[test]
    fn the_largest_has_to_fit() {
        let setups = chosen(&[], Profile::Deep).unwrap().setups;
        let largest = setups.iter().max_by_key(|setup| setup.pinned.unique).unwrap();
        let wanted = Memory::of_search(largest.pinned.unique);
        assert!(fits(&setups, wanted).is_ok());
        let refused = fits(&setups, Memory(wanted.0 - 1));
        assert!(matches!(refused, Err(Failure::Memory { what, .. }) if what == largest.id));
    }
}
