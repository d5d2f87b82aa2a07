//! `explore`: a configuration in the browser, state by state.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::{Failure, Outcome, unknown};
use crate::registry;

/// What to explore, and where.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// A model, or a configuration of one, as `list` names them
    #[arg(value_name = "MODEL")]
    name: String,
    /// The port on the loopback address; 0 for one that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Serves until the process is interrupted.
///
/// # Errors
/// [`Failure`] if there is no such model, or the port can't be had.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Outcome, Failure> {
    let found = registry::models().into_iter().find_map(|model| {
        let mut setups = model.setups().into_iter();
        let setup = setups.find(|setup| setup.id == arguments.name || setup.model == arguments.name)?;
        Some((model, setup))
    });
    let Some((model, setup)) = found else {
        return Err(unknown("model or configuration", &arguments.name));
    };
    // The explorer panics where a port is taken: find out first, and choose one where none was named.
    let free = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port)))
        .and_then(|listener| listener.local_addr());
    let address = free.map_err(|cause| Failure::Io {
        what: format!("port {} on the loopback address", arguments.port),
        cause,
    })?;
    writeln!(out, "exploring {} on http://{address}/ until interrupted", setup.id)?;
    out.flush()?;
    model.explore(&setup, address);
    Ok(Outcome::AsExpected)
}
