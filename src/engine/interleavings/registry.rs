//! Opening, using and closing against the unload of an idle model, and names that come again.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use crate::engine::registry::{Life, Registry};
use crate::sync::explore::Exploration;
use crate::sync::seed::Seed;

/// A registry with one resident, and whether its model was freed.
fn resident() -> (Registry<u8, u32>, Life, Arc<AtomicBool>) {
    let registry = Registry::new();
    let life = registry.enter_new().expect("it was not retired").admit(0, 10).expect("the name is free");
    (registry, life, Arc::new(AtomicBool::new(false)))
}

/// Frees the model if nobody is inside.
fn unload(registry: &Registry<u8, u32>, freed: &AtomicBool) -> bool {
    let stayed = registry.retire_if_idle();
    if stayed.is_some() {
        freed.store(true, Ordering::Relaxed);
    }
    stayed.is_some()
}

#[test]
fn loom_an_idle_model_is_not_freed_under_a_session() {
    Exploration::complete(64)
        .twin(Seed::RetiredAfterLook, "under a session")
        .twin(Seed::EnteredAfterLook, "under a session")
        .of(|| {
            let (registry, life, freed) = resident();
            let unloader = {
                let (registry, freed) = (registry.clone(), freed.clone());
                thread::spawn(move || unload(&registry, &freed))
            };
            let entered = registry.enter(&0, life);
            let was_inside = entered.is_some();
            if let Some(entered) = entered {
                assert_eq!(*entered, 10);
                assert!(!freed.load(Ordering::Relaxed), "it was freed under a session");
            }
            assert!(was_inside || unloader.join().unwrap(), "refused for an unload alone");
        });
}

#[test]
fn loom_a_model_is_freed_or_opened() {
    Exploration::complete(56_551).twin(Seed::RetiredAfterLook, "under a session").of(|| {
        let (registry, life, freed) = resident();
        let unloader = {
            let (registry, freed) = (registry.clone(), freed.clone());
            thread::spawn(move || unload(&registry, &freed))
        };
        let closer = {
            let registry = registry.clone();
            thread::spawn(move || registry.remove(&0, life))
        };
        let opened = registry.enter_new().map(|opening| {
            assert!(!freed.load(Ordering::Relaxed), "it was freed under a session");
            opening.admit(1, 11).expect("the name is free")
        });
        let inside = opened.and_then(|life| registry.enter(&1, life));
        if inside.is_some() {
            assert!(!freed.load(Ordering::Relaxed), "it was freed under a session");
        }
        drop(inside);
        let is_freed = unloader.join().unwrap();
        assert!(opened.is_some() || is_freed);
        closer.join().unwrap();
        assert_eq!(registry.len(), usize::from(!is_freed));
    });
}

#[test]
fn loom_a_handle_of_a_former_life_meets_nothing() {
    Exploration::complete(173).twin(Seed::LifeIgnored, "somebody else").of(|| {
        let (registry, life, _) = resident();
        let reopener = {
            let registry = registry.clone();
            thread::spawn(move || {
                let closed = registry.remove(&0, life);
                let opening = registry.enter_new().expect("nobody retires it");
                (closed, opening.admit(0, 20).expect("the name is free"))
            })
        };
        if let Some(entered) = registry.enter(&0, life) {
            assert_eq!(*entered, 10, "met somebody else");
        }
        let closed = registry.remove(&0, life);
        let (by_reopener, new) = reopener.join().unwrap();
        let closed = (closed, by_reopener);
        assert!(matches!(closed, (Some(10), None) | (None, Some(10))), "it met somebody else: {closed:?}");
        assert_eq!(registry.enter(&0, new).map(|entered| *entered), Some(20));
    });
}
