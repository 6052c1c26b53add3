//! Figures of a session by name.

use serde_json::Value;

/// The figure of that name, a JSON pointer.
///
/// # Panics
/// If there is none: a name that is spelt wrong is never 0.
#[must_use]
pub fn figure(stats: &Value, name: &str) -> f64 {
    stats.pointer(name).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {name} in {stats}"))
}
