//! What keeps the people's traces out of dumps and logs (PROTOCOL §9.3).

/// No core dump, and no other process of the same user may read this one's memory. Best effort: on systems without
/// these calls nothing happens.
pub fn forbid_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
}

/// Whether a `RUST_LOG` value asks for more than warnings anywhere. What it doesn't understand counts as more.
#[must_use]
pub fn logs_too_much(rust_log: &str) -> bool {
    rust_log.split(',').map(str::trim).filter(|directive| !directive.is_empty()).any(|directive| {
        let level = directive.rsplit('=').next().unwrap_or(directive).trim();
        !["off", "error", "warn"].iter().any(|quiet| level.eq_ignore_ascii_case(quiet))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quiet_log_settings_pass() {
        for quiet in ["", "warn", "ERROR", "off", "warn,sotto=error", "a::b=off, warn"] {
            assert!(!logs_too_much(quiet), "{quiet}");
        }
        for loud in ["info", "debug", "trace", "warn,turn=debug", "sotto_mailbox", "a=b=info", "[span]", "5", "a="] {
            assert!(logs_too_much(loud), "{loud}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn dumps_are_forbidden_to_this_process() {
        forbid_dumps();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
        assert_eq!(limit.maximum, Some(0));
        assert_eq!(rustix::process::dumpable_behavior().ok(), Some(rustix::process::DumpableBehavior::NotDumpable));
    }
}
