//! Who is told of each effect before it is performed: a trace, or a schedule that holds threads back.

/// Told of what the threads of a claimant are about to do, each time on the thread that is going to do it. What it
/// waits for, that thread waits for as well.
///
/// Effects on the store are not told of here: whoever wants to see them wraps the
/// [`Store`](crate::lease::store::Store).
pub trait Witness: Send + Sync {
    /// `actor` is about to perform the effect of this name.
    fn before(&self, actor: Actor, effect: &'static str);
}

/// Which of a claimant's threads it is, by the machine that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The one that stands by: "attempt", "await".
    Standby,
    /// The one that keeps the lease: the effects of [`keeper`](modeld_spec::lease::keeper).
    Keeper,
    /// The one that renews: "report", when a renewal has ended and the keeper is to hear of it.
    Renewal,
    /// The one that releases: those effects of [`release`](modeld_spec::lease::release) that are the owner's own.
    Release,
}

/// Nobody.
impl Witness for () {
    fn before(&self, _: Actor, _: &'static str) {}
}
