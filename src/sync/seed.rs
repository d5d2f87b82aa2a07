//! The defects that must be found, each in a twin of the product that differs in one step.

use std::cell::Cell;

/// A step that its twin takes otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seed {
    /// A fence is a plain store, which an extension may overwrite.
    FenceByStore,
    /// An extension closes the gate and opens it anew, whatever came between.
    ExtendAnew,
    /// An extension does not ask whether it comes too late.
    ExtendLate,
    /// Residency is noted without showing what was freed before.
    ResidencyRelaxed,
    /// Who rings wakes a thread that sleeps, and leaves no mark for one that is about to.
    BellWithoutMemory,
    /// A command is put into the mailbox and the thread is not told.
    SendWithoutRing,
    /// A sender that gives up keeps the room that it was woken for.
    RoomOfTheGone,
    /// A sender looks whether the mailbox is closed, and puts its command into it afterwards.
    PutAfterLook,
    /// The end of the receiver wakes nobody who waits for room.
    CloseUnheard,
    /// Who finds room takes it, also past those who wait for it.
    RoomOvertaken,
    /// Who waits for an answer looks first and leaves its waker afterwards.
    LookedThenWaited,
    /// The thread looks whether the caller is there, and answers afterwards.
    AnsweredAfterLook,
    /// A reply that is dropped unsent tells nobody.
    UnsentUnheard,
    /// A caller that goes away does not tell the thread.
    GoneUnheard,
    /// The end of a stream is seen before the items that came before it.
    EndOvertakes,
    /// The gate is passed when an item is put and not when it is taken.
    GateAtTheWriter,
    /// A reader takes an item and does not tell the thread that there is room.
    ReadUnheard,
    /// A reader goes away and does not tell the thread.
    ReaderGoneUnheard,
    /// A reader asks for the end and does not tell the thread.
    CancelUnheard,
    /// The end of a stream wakes nobody.
    EndUnheard,
    /// A change wakes half of those who wait for it.
    ChangeHeardByHalf,
    /// The table of slots hears an event on a copy, which takes its place afterwards.
    HeardOnACopy,
    /// Whether the gate is open is looked at before the lock of the table, and believed behind it.
    GateBeforeLock,
    /// Who is let in to a model is counted no longer.
    GoneWhenAnswered,
    /// A model is told to go after its thread was woken for it.
    FreedAfterRing,
    /// A thread that ends is no longer counted before the table hears of its end.
    UncountedBeforeEnd,
    /// The highest epoch is looked at, and noted afterwards.
    EpochNotedAfterLook,
}

thread_local! {
    /// The threads of loom and shuttle are coroutines of the one thread that explores.
    static SOWN: Cell<Option<Seed>> = const { Cell::new(None) };
}

/// From here on this thread explores the twin.
pub(super) fn sow(seed: Seed) {
    SOWN.set(Some(seed));
}

/// From here on this thread explores the product.
#[cfg(modeld_shuttle)]
pub(super) fn weed() {
    SOWN.set(None);
}

/// Whether the twin with this seed runs.
pub(crate) fn is_sown(seed: Seed) -> bool {
    SOWN.get() == Some(seed)
}
