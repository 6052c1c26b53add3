//! Tests that switch a counter-measure off and see that it was needed. Real sockets, real relay, seeded loss.
#![allow(clippy::unwrap_used, reason = "tests")]
