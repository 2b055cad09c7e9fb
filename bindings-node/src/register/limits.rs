//! The limits of a server.

use crate::calls::table::camel_case;
use crate::error::{Result, invalid};
use crate::register::values::milliseconds;
use tenon_mcp::{LimitValue, Limits, ServerBuilder, Unit};

/// Sets limits by their names in JavaScript: counts, bytes and milliseconds. The others stay as they are.
pub(crate) fn set_limits(builder: &mut ServerBuilder, entries: &[(String, f64)]) -> Result<()> {
    let names = || Limits::TABLE.iter().map(|limit| camel_case(limit.name)).collect::<Vec<_>>().join(", ");
    for (name, given) in entries {
        let limit = Limits::TABLE.iter().find(|limit| camel_case(limit.name) == *name).ok_or_else(|| {
            invalid(format!("limits: there is no limit {name:?}; the limits are {}", names()))
        })?;
        let value = if limit.unit == Unit::Time {
            milliseconds(*given).map(LimitValue::Time)
        } else {
            // Beyond 2^64 the cast gives the largest integer.
            (given.fract() == 0.0 && *given >= 0.0).then_some(LimitValue::Count(*given as u64))
        };
        let what = if limit.unit == Unit::Time { "a number of milliseconds" } else { "an integer" };
        let value =
            value.ok_or_else(|| invalid(format!("limits: {name} must be {what} from 0, not {given}")))?;
        builder
            .set_limit(limit, value)
            .map_err(|reason| invalid(format!("limits: {name} {reason}, not {given}")))?;
    }
    Ok(())
}
