//! Overwrites what a finished session left on stacks.
//!
//! A value that moves leaves its bytes where it was, and a frame that returns leaves all of its own: no destructor runs
//! there. The programs' allocator overwrites what is given back on the heap; this does it for the stacks.

use std::hint::black_box;

use zeroize::Zeroize;

/// More than any of our calls takes; threads have 2 MB.
const DEPTH: usize = 256 * 1024;
/// Tasks for each of the runtime's threads: some of them run on one that had its turn already.
const TURNS: usize = 4;

/// Overwrites the stack below the frame that calls.
#[inline(never)]
pub(crate) fn stack() {
    let mut frame = [0_u8; DEPTH];
    black_box(&mut frame).zeroize();
    black_box(&frame);
}

/// The stacks of the runtime's own `threads` too, each held until all have begun, so that none does two in place of
/// another.
pub(crate) async fn runtime(threads: usize) {
    stack();
    let tasks: Vec<_> = (0..threads * TURNS)
        .map(|_| {
            tokio::spawn(async {
                stack();
                // Held on purpose for a moment: an idle thread takes the next one.
                std::thread::sleep(std::time::Duration::from_millis(2));
            })
        })
        .collect();
    for task in tasks {
        let _ = task.await;
    }
}
