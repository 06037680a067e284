//! Functions for fuzz targets only; they exist only with the feature `fuzzing`.

use ringback::{id::DeliveryId, seal::MasterKeys, time::Timestamp};

use crate::{auth::Access, cursor::Paging, extract::Parameters};

/// A place in the list of dead letters.
pub type Place = (Timestamp, DeliveryId);

/// The cursor that leads to `place`.
#[must_use]
pub fn cursor_to(place: &Place, keys: &MasterKeys) -> String {
    let paging = Paging::read(&mut Parameters::of(""));
    paging.cursor(place, LIST, &Access::everything(), keys)
}

/// The place that the query string of a request leads to; `None` if it is refused, or names none.
#[must_use]
pub fn place_of(query: &str, keys: &MasterKeys) -> Option<Place> {
    let mut parameters = Parameters::of(query);
    let paging = Paging::read(&mut parameters);
    paging.position(LIST, &Access::everything(), keys).ok().flatten()
}

const LIST: &str = "dead-letters";
