//! Every case of a few events.

use std::{collections::BTreeMap, env};

use farpipe_sim::{
    attempt,
    exhaustive::{Depth, each_case},
};

/// With `FARPIPE_EXHAUSTIVE=deep` in the environment the cases go deeper: minutes in release.
fn depths() -> Vec<Depth> {
    if env::var("FARPIPE_EXHAUSTIVE").as_deref() == Ok("deep") {
        return vec![
            Depth { events: 4, repeated: 4 },
            Depth { events: 5, repeated: 3 },
            Depth { events: 6, repeated: 1 },
            Depth { events: 7, repeated: 0 },
        ];
    }
    vec![
        Depth { events: 3, repeated: 3 },
        Depth { events: 4, repeated: 1 },
        Depth { events: 5, repeated: 0 },
        Depth { events: 6, repeated: 0 },
    ]
}

#[test]
fn every_order_of_a_few_events_agrees_with_the_truth() {
    for depth in depths() {
        let (mut cases, mut ends) = (0_u64, BTreeMap::<_, u64>::new());
        each_case(depth, |schedule| {
            let outcome =
                attempt(schedule).unwrap_or_else(|violation| panic!("{violation}\n{schedule}"));
            cases += 1;
            *ends.entry(outcome.cause).or_default() += 1;
        });
        println!("{depth:?}: {cases} cases, {ends:?}");
        assert!(ends["closed"] > cases / 2, "most runs come to the close: {ends:?}");
        assert!(ends["incomplete"] > 0, "some never hear of it: {ends:?}");
    }
}
