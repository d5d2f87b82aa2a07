//! The client: finds the owner of a data root, talks to it, and follows the ownership to the next one.
//!
//! ```text
//!     Client -- lease file --> Link (one connection to one owner in one epoch) --> Session --> Items
//!       |---- generate: a session, its prompt, its items; and the same again at the next owner
//!       '---- LastingSession: a session that is opened again at the next owner, from a snapshot or by prefill
//! ```
//!
//! A link is checked once: whoever answers has to be who the lease file says. It ends with its connection and is never
//! silently made anew, because sessions end with it too. Nothing of an epoch below one that this client has seen is accepted.

mod client;
mod epochs;
mod error;
mod generate;
mod lasting;
pub(crate) mod link;
mod seek;
mod session;

pub use client::{Client, Described, OpenSession, Options, OwnerStatus};
pub use error::ConnError;
pub use generate::{Event, Generation, Request, Totals};
pub use lasting::{LastingSession, Reopened, Writing};
pub use session::{Item, Items, Session};

pub use crate::transport::convert::Content;

#[cfg(test)]
mod tests;
