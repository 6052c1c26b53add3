//! Overwrites what a finished session left on stacks.
//!
//! A value that moves leaves its bytes where it was, and a frame that returns leaves all of its own: no destructor runs
//! there. The programs' allocator overwrites what is given back on the heap; this does it for the stacks.

use std::{
    hint::black_box,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use zeroize::Zeroize;

/// More than any of our calls takes; threads have 2 MB.
const DEPTH: usize = 256 * 1024;
/// By words: the engine does it after each step.
const WORDS: usize = DEPTH / size_of::<u64>();
/// Longest that a thread is held for the others.
const LIMIT: Duration = Duration::from_millis(500);

/// Overwrites the stack below the frame that calls.
#[inline(never)]
pub(crate) fn stack() {
    let mut frame = [0_u64; WORDS];
    black_box(&mut frame).zeroize();
    black_box(&frame);
}

/// The stacks of the runtime's own `threads` too.
pub(crate) async fn runtime(threads: usize) {
    stack();
    on_each(threads, stack).await;
}

/// Calls `what` once on each of the runtime's threads: each is held until all of them have had it, so that none does it
/// twice in place of another that the system has not let run meanwhile.
async fn on_each(threads: usize, what: impl Fn() + Clone + Send + 'static) {
    let all = Arc::new(Gathering { begun: Mutex::new(0), more: Condvar::new() });
    let tasks: Vec<_> = (0..threads)
        .map(|_| {
            let (all, what) = (all.clone(), what.clone());
            tokio::spawn(async move {
                what();
                all.wait_for(threads);
            })
        })
        .collect();
    for task in tasks {
        let _ = task.await;
    }
}

/// Counts who has come, and holds them.
struct Gathering {
    begun: Mutex<usize>,
    more: Condvar,
}

impl Gathering {
    fn wait_for(&self, all: usize) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        *begun += 1;
        self.more.notify_all();
        // A thread that hangs in a call of the system may not hold the others for ever.
        drop(self.more.wait_timeout_while(begun, LIMIT, |begun| *begun < all));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread::ThreadId};

    use super::*;

    #[test]
    fn every_thread_has_its_turn_however_busy_the_machine() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        runtime.block_on(async {
            // One thread is kept away for longer than anything that is done by turns would wait.
            tokio::spawn(async { std::thread::sleep(Duration::from_millis(150)) });
            let seen: Arc<Mutex<HashSet<ThreadId>>> = Arc::default();
            let threads = seen.clone();
            on_each(2, move || {
                threads.lock().expect("not poisoned").insert(std::thread::current().id());
            })
            .await;
            assert_eq!(seen.lock().expect("not poisoned").len(), 2);
        });
    }
}
