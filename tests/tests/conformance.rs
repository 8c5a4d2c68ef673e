//! What every runtime has to keep, with real processes.
//!
//! A new runtime implements [`platform::Platform`] and gets one line at the end of this file.
#![cfg(unix)]

#[path = "conformance/cancellation.rs"]
mod cancellation;
#[path = "conformance/endings.rs"]
mod endings;
#[path = "conformance/exchange.rs"]
mod exchange;
#[path = "conformance/far.rs"]
mod far;
#[path = "conformance/platform.rs"]
mod platform;
#[path = "conformance/rmcp.rs"]
mod rmcp;
#[path = "conformance/runtime.rs"]
mod runtime;
#[path = "conformance/shutdown.rs"]
mod shutdown;

/// One `#[test]` for each function, on one platform.
macro_rules! tests {
    ($platform:ident: $($room:ident { $($test:ident)* })*) => {
        $(mod $room {
            $(#[test]
            fn $test() {
                crate::$room::$test::<crate::platform::$platform>();
            })*
        })*
    };
}

macro_rules! conformance {
    ($platform:ident) => {
        tests! { $platform:
            runtime {
                a_timer_made_without_a_runtime_completes
                a_timer_for_the_end_of_time_waits
                a_task_spawned_without_a_runtime_runs
                a_socket_connects_by_name_and_by_address
                a_socket_nobody_listens_to_is_an_error
            }
            exchange {
                echo_round_trip
                ten_mebibytes_each_way_do_not_deadlock
                a_process_that_nobody_reads_is_stopped_by_its_pipe
                a_pipe_that_was_full_is_made_larger
                heavy_stderr_without_a_newline_does_not_stall_stdout
                a_thousand_short_lived_processes_in_one_program
                a_process_that_cannot_start_is_explained
            }
            endings {
                an_exit_code_is_reported
                a_signal_is_reported
                close_closes_stdin_first
                close_ends_the_whole_tree
                a_process_that_ignores_sigterm_is_killed_in_time
                what_a_process_leaves_behind_ends_with_the_session
                dropping_the_last_handle_ends_the_whole_tree
                dropping_the_last_handle_outside_any_runtime_ends_the_whole_tree
                dropping_the_last_handle_ends_a_process_whose_pump_never_ran
                a_process_that_is_not_connected_ends_with_its_executor
            }
            cancellation {
                futures_dropped_at_every_poll_give_the_uncancelled_transcript
            }
            rmcp {
                receives_and_sends_dropped_at_every_poll_lose_nothing
            }
            far {
                messages_go_to_a_far_process_and_back
                messages_go_through_tls
                far_futures_dropped_at_every_poll_give_the_uncancelled_transcript
                a_link_that_is_cut_is_restored
                futures_dropped_at_every_poll_of_a_reconnect_lose_nothing
                connects_and_starts_dropped_at_every_poll_leave_nothing_behind
                close_interrupts_a_far_process_first
                a_far_process_that_ignores_an_interrupt_is_killed_in_time
                dropping_the_last_handle_outside_any_runtime_ends_a_far_process
                a_far_exit_code_is_reported
            }
        }
    };
}

mod on_tokio {
    conformance!(Tokio);
    tests!(Tokio: shutdown { a_runtime_that_is_shut_down_ends_the_process_and_the_session });
}

mod on_smol {
    conformance!(Smol);
    tests!(Smol: shutdown { a_runtime_that_is_shut_down_ends_the_process_and_the_session });

    #[test]
    fn a_session_on_an_executor_that_is_gone_ends_at_once() {
        crate::shutdown::a_session_on_an_executor_that_is_gone_ends_at_once();
    }
}

// Without a test of its shutdown: async-std's executor never ends.
mod on_async_std {
    conformance!(AsyncStd);
}
