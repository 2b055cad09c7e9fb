//! The numbers of the limits, from the engine's table.

use tenon_mcp::{Limit, Limits, Unit};

/// `TENON_LIMIT_` and the limit's own name; times have their unit.
pub fn name(limit: &Limit) -> String {
    let own = limit.name.strip_prefix("max_").unwrap_or(limit.name).to_uppercase();
    let unit = if limit.unit == Unit::Time { "_MS" } else { "" };
    format!("TENON_LIMIT_{own}{unit}")
}

/// One commented definition per limit, in the order of their numbers.
pub fn definitions() -> String {
    let mut limits: Vec<&Limit> = Limits::TABLE.iter().collect();
    limits.sort_by_key(|limit| limit.number);
    let mut out = String::new();
    for limit in limits {
        let text: Vec<&str> = limit.text.lines().map(str::trim).collect();
        out.push_str("\n\n/**\n");
        for line in &text {
            out.push_str(&format!(" * {line}\n"));
        }
        out.push_str(&format!(" */\n#define {} {}", name(limit), limit.number));
    }
    out
}
