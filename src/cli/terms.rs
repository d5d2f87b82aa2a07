//! The arguments that several commands share: which data root, on what terms, with what backend.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use modeld_spec::time::Ttl;

use super::failure::Failure;
use crate::daemon::{BackendKind, Options};
use crate::data_root::DataRoot;
use crate::engine::Limits;
use crate::owner::{Config, Eviction};

/// Which data root.
#[derive(Args, Clone, Debug)]
pub(super) struct DataRootArgs {
    /// The directory that is owned [env: CONTENOX_DATA_ROOT] [default: ~/.contenox]
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
}

impl DataRootArgs {
    pub(super) fn resolve(&self) -> Result<DataRoot, Failure> {
        Ok(DataRoot::resolve(self.data_root.clone())?)
    }
}

/// On what terms to own.
#[derive(Args, Clone, Debug)]
pub(super) struct OwnerArgs {
    /// How long a renewal is honoured: when a paused or wedged owner can be replaced
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    ttl: Duration,
    /// How often the owner renews [default: a third of the TTL]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    renew_interval: Option<Duration>,
    /// End a wedged previous owner that keeps its memory, rather than wait for it
    #[arg(long)]
    evict: bool,
    /// The inference backend [default: the first that this build has]
    #[arg(long, value_name = "NAME")]
    backend: Option<BackendKind>,
    /// Threads that evaluate [default: the cores that this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
    /// Sessions of one model at once; the memory for each is set aside when the model is loaded
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    sessions: Option<u16>,
}

impl OwnerArgs {
    pub(super) fn options(&self, root: DataRoot) -> Result<Options, Failure> {
        let mut limits = Limits { threads: self.threads.map(usize::from), ..Limits::default() };
        if let Some(sessions) = self.sessions {
            limits.sessions_max = usize::from(sessions);
        }
        Ok(Options {
            join: Config {
                ttl: Ttl::new(self.ttl)?,
                renew_interval: self.renew_interval,
                eviction: if self.evict { Eviction::Kill } else { Eviction::Wait },
                ..Config::new(root)
            },
            backend: self.backend.unwrap_or_default(),
            limits,
        })
    }

    /// The backend that was asked for by name.
    pub(super) fn backend(&self) -> Option<BackendKind> {
        self.backend
    }
}
