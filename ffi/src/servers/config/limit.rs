//! Setting a limit by its number.

use crate::abi::guard::Result;
use crate::abi::status::*;
use std::time::Duration;
use tenon_mcp::{Limit, LimitValue, Limits, Unit, WrongLimit};

/// A limit for tenon_server_set_limit(): one of the TENON_LIMIT_ values.
pub type tenon_limit = i32;

/// Sets a limit by `set`, which gets its row and its value.
pub(crate) fn set_limit(
    number: tenon_limit,
    value: u64,
    set: impl FnOnce(&'static Limit, LimitValue) -> std::result::Result<(), WrongLimit>,
) -> Result<()> {
    let invalid = |reason: String| Failure::new(TENON_ERR_INVALID, format!("limit {number} {reason}"));
    let limit = u32::try_from(number).ok().and_then(Limits::numbered).ok_or_else(|| {
        Failure::new(TENON_ERR_INVALID, format!("there is no limit {number}; use a TENON_LIMIT_ value"))
    })?;
    let value = match limit.unit {
        Unit::Time => LimitValue::Time(Duration::from_millis(value)),
        _ => LimitValue::Count(value),
    };
    set(limit, value).map_err(|wrong| invalid(format!("({}) {wrong}", limit.name)))
}
