//! Tests that need what this computer doesn't have.

use std::ffi::OsStr;

/// Set, to anything but nothing, where every test must be able to run: in CI.
const NO_SKIP: &str = "SOTTO_NO_SKIP";

/// Says why the test that calls this does nothing, or not all, here. It must return after that.
///
/// # Panics
/// With `SOTTO_NO_SKIP` set: whoever relies on the test must not take it for one that passed.
pub fn skip(why: &str) {
    tell(why, std::env::var_os(NO_SKIP).as_deref());
}

#[allow(clippy::print_stdout, reason = "for whoever runs the test")]
fn tell(why: &str, no_skip: Option<&OsStr>) {
    assert!(no_skip.is_none_or(OsStr::is_empty), "{NO_SKIP} is set and this test can't run: {why}");
    println!("this test was skipped: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_told_where_it_is_allowed() {
        tell("no sound here", None);
        tell("no sound here", Some(OsStr::new("")));
    }

    #[test]
    #[should_panic(expected = "SOTTO_NO_SKIP is set and this test can't run: no sound here")]
    fn a_skip_is_a_failure_where_all_must_run() {
        tell("no sound here", Some(OsStr::new("1")));
    }
}
