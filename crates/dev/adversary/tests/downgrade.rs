//! Every negotiable byte of every cell, in every meeting.

use sotto_adversary::HeaderChange;

#[test]
fn no_header_byte_can_be_another() {
    let mut fallen = Vec::new();
    let mut played = 0;
    for (seed, change) in HeaderChange::all().enumerate() {
        played += 1;
        if let Err(what) = change.play(seed as u64) {
            fallen.push(format!("{change:?}, seed {seed}: {what}"));
        }
    }
    assert!(fallen.is_empty(), "{}", fallen.join("\n"));
    assert_eq!(played, 16 * 3 * 5 - 12, "twelve kinds of cell have no range that could be nothing");
}
