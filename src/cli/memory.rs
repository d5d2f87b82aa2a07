//! How much memory models may have, and for how long.

use std::time::Duration;

use clap::Args;

use crate::engine::Limits;

/// The arguments.
#[derive(Args, Clone, Debug)]
pub(super) struct MemoryArgs {
    /// Memory for all models together, for instance 8GiB or 6000MB [default: most of what the machine has left]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    mem_max: Option<u64>,
    /// Memory that is left to other programs in any case [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    mem_reserve: Option<u64>,
    /// How long a model that nobody uses stays; `off` or 0: until its memory is needed
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = idle)]
    idle_ttl: Idle,
}

/// How long a model that nobody uses stays at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Idle(Option<Duration>);

impl MemoryArgs {
    /// The bounds with what was asked for.
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.memory.max = self.mem_max;
        if let Some(reserve) = self.mem_reserve {
            limits.memory.reserve = reserve;
        }
        limits.idle_unload = self.idle_ttl.0;
    }
}

fn idle(text: &str) -> Result<Idle, String> {
    if text == "off" || text == "0" {
        return Ok(Idle(None));
    }
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    Ok(Idle(Some(duration).filter(|duration| !duration.is_zero())))
}

/// A number of bytes: binary units with an i, decimal ones without.
fn bytes(text: &str) -> Result<u64, String> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        return Err(format!("{unit:?} is no unit: use KiB, MiB, GiB, TiB, or KB, MB, GB, TB"));
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let too_much = || format!("{text} is more than can be counted");
    let whole: u64 = whole.parse().map_err(|_| format!("{text:?} is no number of bytes"))?;
    let mut bytes = whole.checked_mul(*factor).ok_or_else(too_much)?;
    // The digits of a fraction, each worth a tenth of the one before.
    let mut worth = *factor;
    for digit in fraction.chars() {
        worth /= 10;
        let digit = digit.to_digit(10).ok_or_else(|| format!("{text:?} is no number of bytes"))?;
        bytes = bytes.checked_add(worth.saturating_mul(u64::from(digit))).ok_or_else(too_much)?;
    }
    Ok(bytes)
}

const UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("K", 1000),
    ("KB", 1000),
    ("KiB", 1 << 10),
    ("M", 1_000_000),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("G", 1_000_000_000),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("T", 1_000_000_000_000),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let cases = [
            ("0", 0),
            ("17", 17),
            ("8GiB", 8 << 30),
            ("8 gib", 8 << 30),
            ("6000MB", 6_000_000_000),
            ("1.5GiB", (1 << 30) + (1 << 29)),
        ];
        for (text, expected) in cases {
            let found = bytes(text).unwrap();
            assert!(found.abs_diff(expected) < 16, "{text}: {found}");
        }
        for text in ["", "GiB", "-1", "1.2.3GB", "8 gallons", "99999999999TiB", "1e9"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_idle_time_can_be_none() {
        assert_eq!(idle("5m"), Ok(Idle(Some(Duration::from_secs(300)))));
        assert_eq!([idle("off"), idle("0"), idle("0s")], [Ok(Idle(None)), Ok(Idle(None)), Ok(Idle(None))]);
        assert!(idle("soon").is_err());
    }
}
