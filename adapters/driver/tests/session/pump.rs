//! How the pump moves a session.

use std::task::Poll;

use farpipe_core::{Action, Delivery, Event, Limits, Stream};
use farpipe_driver::Flow;

use crate::support::{Lines, Task, World, now_or_never};

#[test]
fn a_send_is_settled_though_nobody_receives() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let mut sent = Task::new(handle.send("hello".into()).unwrap());
    assert_eq!(sent.poll(), Poll::Pending);

    assert!(pump.run().is_pending());
    assert_eq!(world.accept_writes(), ["hello\n"]);
    assert!(pump.is_woken() && pump.run().is_pending());
    assert!(sent.is_woken());
    assert_eq!(sent.poll(), Poll::Ready(Delivery::Accepted));
}

#[test]
fn a_send_wakes_an_idle_pump() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    assert!(pump.run().is_pending());
    drop(handle.send("hello".into()).unwrap());
    assert!(pump.is_woken());
    assert!(pump.run().is_pending());
    assert_eq!(world.accept_writes(), ["hello\n"], "dropping `Sent` cancels nothing");
}

#[test]
fn output_wakes_every_task_that_waits() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let (mut first, mut second) = (Task::new(handle.next_event()), Task::new(handle.next_event()));
    assert!(first.poll().is_pending() && second.poll().is_pending());

    world.output(1, "one\ntwo\n");
    assert!(pump.run().is_pending());
    assert!(first.is_woken() && second.is_woken());
    assert_eq!(second.poll(), Poll::Ready(Some(Event::Message("one".into()))));
    assert_eq!(first.poll(), Poll::Ready(Some(Event::Message("two".into()))));
}

#[test]
fn who_reads_gets_a_turn_before_much_output_piles_up() {
    const PIECE: u64 = 64 << 10;
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    for seq in 1..=16 {
        world.output(seq, vec![b'x'; 64 << 10]);
    }
    for turn in 1..=3 {
        assert!(pump.poll().is_pending() && pump.is_woken());
        assert_eq!(handle.monitor().stats().stdout_bytes, turn * 4 * PIECE);
    }
}

#[test]
fn an_accepted_write_is_no_news_for_who_waits_for_messages() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let mut reader = Task::new(handle.next_event());
    assert!(reader.poll().is_pending());
    drop(handle.send("hello".into()).unwrap());
    assert!(pump.run().is_pending());
    world.accept_writes();
    assert!(pump.run().is_pending());
    assert!(!reader.is_woken());
}

#[test]
fn output_is_left_where_it_is_until_the_application_catches_up() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits { inbox_bytes: 100, ..Limits::default() });
    for seq in 1..=10 {
        world.output(seq, format!("{seq:049}\n"));
    }
    assert!(pump.run().is_pending());
    assert_eq!(world.state().flow, Some(Flow::Paused));
    assert!(handle.monitor().stats().stdout_bytes <= 150);

    for seq in 1..=10 {
        while handle.monitor().stats().stdout_bytes < seq * 50 {
            assert!(pump.is_woken(), "room was made for event {seq} and the pump not told");
            assert!(pump.run().is_pending());
        }
        let Some(Some(Event::Message(line))) = now_or_never(handle.next_event()) else { panic!() };
        assert_eq!(line, format!("{seq:049}"));
    }
}

#[test]
fn writes_go_on_while_output_is_held_back() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits { inbox_bytes: 1, ..Limits::default() });
    world.output(1, "held back\n");
    assert!(pump.run().is_pending());
    let sent = handle.send("hello".into()).unwrap();
    assert!(pump.run().is_pending());
    world.accept_writes();
    assert!(pump.run().is_pending());
    assert_eq!(now_or_never(sent), Some(Delivery::Accepted));
}

#[test]
fn one_poll_does_a_bounded_amount_of_work() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    for seq in 1..=1000 {
        world.output(seq, "x\n");
    }
    assert!(pump.poll().is_pending());
    let events = handle.monitor().stats().events;
    assert!((1..=64).contains(&events), "{events}");
    assert!(pump.is_woken());
    assert!(pump.run().is_pending());
    assert_eq!(handle.monitor().stats().events, 1000);
}

#[test]
fn the_clock_decides_what_is_due_before_the_timer_does() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    drop(handle.close());
    assert!(pump.run().is_pending());
    assert_eq!(world.take_actions(), [Action::CloseStdin]);

    // The time is over before any timer has had a chance to say so, and output is waiting.
    world.pass(Limits::default().close_stdin_wait);
    world.output(1, "late\n");
    let _ = pump.poll();
    assert_eq!(world.take_actions(), [Action::Interrupt]);
}

#[test]
fn a_timer_is_armed_once_for_each_moment() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    drop(handle.close());
    for seq in 1..=50 {
        world.output(seq, "x\n");
        assert!(pump.run().is_pending());
    }
    assert_eq!(world.state().timers.len(), 1);
    world.pass(Limits::default().close_stdin_wait);
    assert!(pump.run().is_pending());
    assert_eq!(world.state().timers.len(), 2);
}

#[test]
fn a_timer_that_fires_early_is_armed_again() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    drop(handle.close());
    world.state().hasty = 3;
    assert!(pump.run().is_pending());
    assert_eq!(world.state().timers.len(), 4);
    assert_eq!(world.take_actions(), [Action::CloseStdin]);
}

#[test]
fn an_executor_is_not_polled_after_its_end() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    world.output(1, "last words\n");
    world.exit(2);
    assert!(pump.run().is_ready(), "nothing is left to do for it, even before the events are read");
    assert!(world.state().executor_dropped);

    let Some(Some(Event::Message(line))) = now_or_never(handle.next_event()) else { panic!() };
    assert_eq!(line, "last words");
    assert!(matches!(now_or_never(handle.next_event()), Some(Some(Event::Exited(_)))));
    assert!(matches!(now_or_never(handle.next_event()), Some(Some(Event::End(_)))));
    assert_eq!(now_or_never(handle.next_event()), Some(None));
}

#[test]
fn spawn_hands_the_pump_to_the_runtime() {
    let world = World::default();
    let limits = Limits::default();
    let handle = farpipe_driver::spawn(Lines, limits, world.executor(), &world.clock()).unwrap();
    let mut pump = Task::new(world.state().tasks.pop().unwrap());
    drop(handle);
    assert!(pump.run().is_ready());
}

#[test]
fn refused_limits_give_the_process_up() {
    let world = World::default();
    let limits = Limits { max_line: 0, ..Limits::default() };
    let refused = farpipe_driver::connect(Lines, limits, world.executor(), world.clock()).err();
    assert_eq!(refused.unwrap().field(), "max_line");
    assert!(world.state().executor_dropped);
}

#[test]
fn stderr_counts_as_output() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let chunk = farpipe_core::Chunk { seq: 1, stream: Stream::Stderr, data: "oops\n".into() };
    world.input(farpipe_core::Input::Output(chunk));
    assert!(pump.run().is_pending());
    assert!(matches!(now_or_never(handle.next_event()), Some(Some(Event::Stderr(_)))));
    assert_eq!(handle.monitor().stderr_tail(), "oops\n");
}
