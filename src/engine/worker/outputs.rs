//! The outputs behind a session's last positions: rows of the last batch while it is the last, else copies.

use modeld_spec::error::Error;

use crate::engine::backend::Model;

/// Outputs of one session.
#[derive(Debug, Default)]
pub(super) enum Outputs {
    /// None are at hand.
    #[default]
    Gone,
    /// Behind the positions from `position` on: `count` rows of the last batch from `row` on.
    InBatch { position: usize, row: usize, count: usize },
    /// Behind the positions from `position` on.
    Kept { position: usize, logits: Vec<Vec<f32>> },
}

impl Outputs {
    /// The outputs behind `position`.
    ///
    /// # Errors
    /// [`Error::Internal`] if they are not at hand: the session asks for none that are not.
    pub(super) fn behind<'a>(&'a self, model: &'a dyn Model, position: usize) -> Result<&'a [f32], Error> {
        let gone =
            || Error::Internal { cause: format!("the outputs behind position {position} are not at hand") };
        match self {
            Outputs::InBatch { position: first, row, count } => {
                let offset = position.checked_sub(*first).filter(|offset| offset < count).ok_or_else(gone)?;
                model.logits(row + offset)
            }
            Outputs::Kept { position: first, logits } => {
                let kept = position.checked_sub(*first).and_then(|offset| logits.get(offset));
                kept.map(Vec::as_slice).ok_or_else(gone)
            }
            Outputs::Gone => Err(gone()),
        }
    }

    /// Copies what lies in the last batch, before the next one takes its place. `wanted` of the last ones are still needed.
    pub(super) fn keep(&mut self, model: &dyn Model, wanted: usize) {
        if wanted == 0 {
            *self = Outputs::Gone;
            return;
        }
        let Outputs::InBatch { position, row, count } = *self else { return };
        let skipped = count.saturating_sub(wanted);
        let rows = (row + skipped..row + count).map(|row| model.logits(row).map(<[f32]>::to_vec));
        *self = match rows.collect::<Result<Vec<_>, _>>() {
            Ok(logits) => Outputs::Kept { position: position + skipped, logits },
            Err(_) => Outputs::Gone,
        };
    }
}
