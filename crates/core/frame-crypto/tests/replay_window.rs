//! The replay window against a naive set, and its edges.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use sotto_frame_crypto::replay_window::{ReplayWindow, Screen};

type Small = ReplayWindow<2>;

/// The same by the book: every counter ever recorded.
#[derive(Default)]
struct Model(BTreeSet<u64>);

impl Model {
    fn screen(&self, ctr: u64, size: u64) -> Screen {
        match self.0.last() {
            Some(&highest) if ctr <= highest && highest - ctr >= size => Screen::TooOld,
            _ if self.0.contains(&ctr) => Screen::Repeated,
            _ => Screen::Fresh,
        }
    }
}

fn counters() -> impl Strategy<Value = Vec<u64>> {
    // Steps around the last counter, mostly small, sometimes beyond the window, from several starts.
    let step = prop_oneof![8 => -5_i64..=8, 3 => -140_i64..=140, 1 => -1000_i64..=1000];
    (
        prop_oneof![Just(0_u64), Just(120), Just((1 << 40) - 300), 0..u64::MAX - 100_000],
        prop::collection::vec(step, 1..200),
    )
        .prop_map(|(start, steps)| {
            let mut at = start;
            steps
                .into_iter()
                .map(|step| {
                    at = at.saturating_add_signed(step);
                    at
                })
                .collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_naive_set(counters in counters(), probes in prop::collection::vec(-200_i64..200, 8)) {
        let (mut window, mut model) = (Small::default(), Model::default());
        for ctr in counters {
            for probe in &probes {
                let probe = ctr.saturating_add_signed(*probe);
                prop_assert_eq!(window.screen(probe), model.screen(probe, Small::SIZE));
            }
            let verdict = window.screen(ctr);
            prop_assert_eq!(verdict, model.screen(ctr, Small::SIZE));
            if verdict == Screen::Fresh {
                window.record(ctr);
                model.0.insert(ctr);
            }
            prop_assert_eq!(window.highest(), model.0.last().copied());
        }
    }

    #[test]
    fn no_counter_is_fresh_twice(counters in counters()) {
        let mut window = ReplayWindow::<8>::default();
        let mut opened = BTreeSet::new();
        for ctr in counters {
            if window.screen(ctr) == Screen::Fresh {
                prop_assert!(opened.insert(ctr), "{} twice", ctr);
                window.record(ctr);
            }
        }
    }
}

#[test]
fn edges_of_512_and_2048() {
    assert_eq!((ReplayWindow::<8>::SIZE, ReplayWindow::<32>::SIZE), (512, 2048));
    let mut window = ReplayWindow::<8>::default();
    assert_eq!((window.highest(), window.screen(0)), (None, Screen::Fresh));
    window.record(1000);
    assert_eq!(window.screen(1000), Screen::Repeated);
    assert_eq!(window.screen(1001), Screen::Fresh);
    assert_eq!(window.screen(489), Screen::Fresh, "the oldest of 512");
    assert_eq!(window.screen(488), Screen::TooOld);
    window.record(488);
    assert_eq!(
        window,
        {
            let mut same = ReplayWindow::default();
            same.record(1000);
            same
        },
        "too old is ignored"
    );
    window.record(489);
    assert_eq!(window.screen(489), Screen::Repeated);
    window.record(1001);
    assert_eq!(window.screen(489), Screen::TooOld);
    assert_eq!(window.screen(1000), Screen::Repeated);
    window.record(1001 + 512);
    assert_eq!(window.screen(1002), Screen::Fresh, "a jump of a whole window forgets the marks, not the end");
    assert_eq!(window.screen(1001), Screen::TooOld);
}

#[test]
fn screening_changes_nothing() {
    let mut window = Small::default();
    window.record(7);
    let before = window.clone();
    for ctr in [0, 7, 8, 500, u64::MAX] {
        let _ = window.screen(ctr);
    }
    assert_eq!(window, before);
}
