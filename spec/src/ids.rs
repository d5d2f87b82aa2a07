//! The names of things: epochs, instances, processes, clocks. Each is a type, so that none is taken for another.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// The number of an ownership of a data root.
///
/// Granted at most once (L3), rising with every acquisition, never wrapping. A higher epoch fences all lower
/// ones: whoever has seen epoch `n` accepts nothing of an epoch below `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(NonZeroU64);

impl Epoch {
    /// The first epoch of a data root.
    pub const FIRST: Epoch = Epoch(NonZeroU64::MIN);

    /// The epoch with this number; `None` for 0, which stands for "no epoch".
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Epoch)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The next epoch; `None` when the numbers are used up, which ends the data root rather than reuse one.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Epoch)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The longest [`InstanceId`], [`BootId`] or host name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// A text that does not fit the kind of name it was given as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} must be 1 to {NAME_BYTES_MAX} bytes of letters, digits, '-', '_' or '.', and {given:?} is not"
)]
pub struct InvalidName {
    /// What it should have been.
    pub kind: &'static str,
    /// The text, cut to 40 characters.
    pub given: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// The name, checked.
            ///
            /// # Errors
            /// [`InvalidName`] if it is empty, too long, or has a character outside the allowed set.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                $name::checked(Cow::Owned(text.into()))
            }

            /// The name of a text that lives as long as the program, checked. Its clones cost nothing.
            ///
            /// # Errors
            /// [`InvalidName`] as for [`Self::new`].
            pub fn of_static(text: &'static str) -> Result<Self, InvalidName> {
                $name::checked(Cow::Borrowed(text))
            }

            fn checked(text: Cow<'static, str>) -> Result<Self, InvalidName> {
                let fits = !text.is_empty() && text.len() <= NAME_BYTES_MAX;
                let clean = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
                if fits && clean {
                    Ok($name(text))
                } else {
                    Err(InvalidName { kind: $kind, given: text.chars().take(40).collect() })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                $name::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into_owned()
            }
        }
    };
}

name!(
    /// Identifies one life of one process as claimant of a data root; random, never reused.
    InstanceId,
    "an instance id"
);
name!(
    /// Identifies one boot of one machine; changes at every reboot.
    BootId,
    "a boot id"
);
name!(
    /// The name of a machine, for people: no decision rests on it.
    HostName,
    "a host name"
);

impl InstanceId {
    /// The instance id made of a random number: 32 hexadecimal digits.
    pub fn from_random(number: u128) -> Self {
        InstanceId(Cow::Owned(alloc::format!("{number:032x}")))
    }
}

impl HostName {
    /// The host name made of what the system calls itself; characters that don't fit become `-`.
    pub fn lossy(text: &str) -> Self {
        let clean = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let name: String = text.chars().map(clean).take(NAME_BYTES_MAX).collect();
        HostName(if name.is_empty() { Cow::Borrowed("localhost") } else { Cow::Owned(name) })
    }
}

/// The number of a namespace (of processes or of time), as the kernel shows it: an inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace(pub u64);

/// A process that can be told from every other one of its boot, even when its pid is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// The pid within `pid_namespace`.
    pub pid: u32,
    /// When it was started, in clock ticks since boot: what tells it from a later process with its pid.
    pub start_time: u64,
    /// Where `pid` means something.
    pub pid_namespace: Namespace,
    /// Where `start_time` means something: the kernel shows it shifted as the boot clock of whoever looks is.
    pub time_namespace: Namespace,
}

impl ProcessId {
    /// Whether `observer` can tell this process from every other one. If not, what the observer finds under its
    /// pid says nothing: neither that it lives nor that it is gone.
    pub fn comparable_from(self, observer: ProcessId) -> bool {
        self.pid_namespace == observer.pid_namespace && self.time_namespace == observer.time_namespace
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}", self.pid)
    }
}

/// Where a [`BootTime`](crate::time::BootTime) means something: one boot, one time namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClockDomain {
    /// The boot.
    pub boot_id: BootId,
    /// The time namespace: the boot clock can be shifted between them.
    pub time_namespace: Namespace,
}

/// Which file a lock was taken on. A path whose file was replaced has another identity, and a lock on the old
/// file says nothing about the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode on it.
    pub inode: u64,
}
