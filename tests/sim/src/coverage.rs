//! How often what happened.

use std::collections::BTreeMap;

use farpipe_core::{Action, Delivery, Settled, Stats};
use serde::{Deserialize, Serialize};

use crate::Fate;

macro_rules! coverage {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How often what happened, in one run or in many.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct Coverage {
            $($(#[$doc])* pub $name: u64,)*
            /// How many runs ended with which cause.
            pub causes: BTreeMap<String, u64>,
        }

        impl Coverage {
            /// Adds what happened elsewhere.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                for (cause, runs) in &other.causes {
                    *self.causes.entry(cause.clone()).or_default() += runs;
                }
            }
        }
    };
}

coverage! {
    /// Events that were taken in order.
    events,
    /// Messages that were delivered.
    messages,
    /// Arrivals that were repeated.
    doubled,
    /// Events and answers that were lost on the way.
    dropped,
    /// Events that came too early.
    reordered,
    /// Events that a lagging feed dropped.
    lagged,
    /// Events that the session dropped over a budget.
    shed,
    /// Events that were lost for good, and told so.
    lost,
    /// Replays that were asked for.
    replays,
    /// Replay pages that were taken.
    pages,
    /// Replay pages that were cut short.
    short_pages,
    /// Answers that belonged to an older request.
    stale_answers,
    /// Replays that failed.
    replay_failures,
    /// Actions whose request was lost.
    lost_requests,
    /// Actions that were carried out late.
    slow_requests,
    /// Writes to a process that was not up yet.
    starting_writes,
    /// Writes that were refused.
    refused_writes,
    /// Writes that were handed out again.
    repeated_writes,
    /// Link losses.
    link_losses,
    /// Restores from a checkpoint.
    restores,
    /// Executors that started anew.
    crashes,
    /// Lines above the limit.
    oversized,
    /// Damaged messages.
    malformed,
    /// Lines that were no messages.
    noise,
    /// Messages found behind noise.
    salvaged,
    /// Lines of stderr that were cut.
    stderr_truncated,
    /// Calls that were answered in the process's place.
    failed_calls,
    /// True answers that came after that.
    late_answers,
    /// Sends that were refused at once.
    refused_sends,
    /// Sends that were accepted.
    accepted,
    /// Sends that were rejected.
    rejected,
    /// Sends whose fate is unknown.
    unknown,
}

impl Coverage {
    pub(crate) fn fate(&mut self, action: &Action, fate: Fate) {
        let write = matches!(action, Action::Write { .. });
        match fate {
            Fate::Served => {}
            Fate::Slow => self.slow_requests += 1,
            Fate::Lost => self.lost_requests += 1,
            Fate::NotYet => self.starting_writes += u64::from(write),
            Fate::Refused => self.refused_writes += u64::from(write),
            Fate::Short => self.short_pages += u64::from(!write),
        }
    }

    /// Adds what a session has counted itself.
    pub(crate) fn count(&mut self, stats: &Stats, settled: &[Settled], cause: &str) {
        self.events += stats.events;
        self.messages += stats.messages;
        self.reordered += stats.reordered;
        self.lagged += stats.lagged;
        self.shed += stats.shed;
        self.lost += stats.lost;
        self.replays += stats.replays;
        self.pages += stats.pages;
        self.stale_answers += stats.stale_answers;
        self.replay_failures += stats.replay_failures;
        self.repeated_writes += stats.repeated_writes;
        self.link_losses += stats.link_losses;
        self.oversized += stats.oversized;
        self.malformed += stats.malformed;
        self.noise += stats.noise;
        self.salvaged += stats.salvaged;
        self.stderr_truncated += stats.stderr_truncated;
        self.failed_calls += stats.failed_calls;
        self.late_answers += stats.late_answers;
        for settled in settled {
            match settled.delivery {
                Delivery::Accepted => self.accepted += 1,
                Delivery::Rejected(_) => self.rejected += 1,
                _ => self.unknown += 1,
            }
        }
        *self.causes.entry(cause.to_owned()).or_default() += 1;
    }
}
