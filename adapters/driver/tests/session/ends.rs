//! Every way in which a session or its driver can end.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake},
};

use farpipe_core::recording::{Player, Recording, Step};
use farpipe_core::{Action, Call, Cause, Delivery, End, Event, Exit, Id, Input, Limits, Rejected};
use farpipe_driver::{Handle, Options};

use crate::support::{Lines, Task, World, now_or_never};

fn end_of(handle: &Handle<Lines>) -> End {
    loop {
        match now_or_never(handle.next_event()) {
            Some(Some(Event::End(end))) => return end,
            Some(Some(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// <https://github.com/bug-ops/zeph/issues/2693>
#[test]
fn dropping_the_last_handle_outside_any_runtime_terminates() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    assert!(pump.run().is_pending());
    let clone = handle.clone();
    drop(handle);
    assert_eq!(world.state().terminated, 0);

    std::thread::spawn(move || drop(clone)).join().unwrap();
    assert_eq!(world.state().terminated, 1, "at once, not when the pump comes round to it");
    assert!(pump.is_woken());
    assert!(pump.run().is_pending(), "it sees the process to its end");
    world.exit(1);
    assert!(pump.run().is_ready());
    assert!(world.state().executor_dropped);
}

/// Who watches learns how the process ended, and what nobody read is not lost to the log.
#[test]
fn what_comes_after_the_last_handle_goes_to_the_leftover() {
    let world = World::default();
    let left = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&left);
    let options =
        Options::new().leftover(move |event| seen.lock().unwrap().push(format!("{event:?}")));
    let (handle, mut pump) = world.connect(options);
    let monitor = handle.monitor();
    world.output(1, "unread\n");
    assert!(pump.run().is_pending());
    drop(handle);
    world.output(2, "last words\n");
    world.exit(3);
    assert!(pump.run().is_ready());
    let end = now_or_never(monitor.ended()).unwrap();
    assert_eq!((end.cause, end.exit), (Cause::Requested, Some(Exit::Code(0))));
    let left = left.lock().unwrap().join(" ");
    assert!(
        left.contains("unread") && left.contains("last words") && left.contains("End"),
        "{left}"
    );
}

/// The process may be over before its client knows.
#[test]
fn what_nobody_read_goes_to_the_leftover_though_the_pump_is_done() {
    let world = World::default();
    let left = Arc::<Mutex<usize>>::default();
    let seen = Arc::clone(&left);
    let (handle, mut pump) =
        world.connect(Options::new().leftover(move |_| *seen.lock().unwrap() += 1));
    world.output(1, "unread\n");
    world.exit(2);
    assert!(pump.run().is_ready());
    drop(handle);
    assert_eq!(*left.lock().unwrap(), 3, "a message, the exit, the end");
}

#[test]
fn a_process_that_survives_the_last_handle_is_given_up_in_time() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let monitor = handle.monitor();
    assert!(pump.run().is_pending());
    drop(handle);
    assert!(pump.run().is_pending());
    world.pass(Limits::default().close_terminate_wait);
    assert!(pump.run().is_ready());
    let end = now_or_never(monitor.ended()).unwrap();
    assert!(matches!(end.cause, Cause::CloseTimedOut { .. }), "{end}");
}

#[test]
fn a_session_is_recorded_to_its_end() {
    #[derive(Clone, Default)]
    struct File(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for File {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (world, file) = (World::default(), File::default());
    let (handle, mut pump) = world.connect(Options::new().record(file.clone()));
    world.output(1, "one\n");
    assert!(pump.run().is_pending());
    assert!(now_or_never(handle.next_event()).is_some());
    world.exit(2);
    assert!(pump.run().is_ready());
    let end = end_of(&handle);
    drop((handle, pump));
    let text = file.0.lock().unwrap().clone();
    let recording = Recording::parse(&text).unwrap();
    let events: Vec<_> = Player::new(Lines, recording).unwrap().filter_map(Step::event).collect();
    assert_eq!(events.first(), Some(&Event::Message("one".into())));
    assert_eq!(events.last(), Some(&Event::End(end)));
}

/// <https://github.com/bigduu/Bamboo-agent/issues/354>
#[test]
fn dropping_the_last_handle_terminates_though_the_pump_never_ran() {
    let world = World::default();
    let (handle, pump) = world.connect(Limits::default());
    let sent = handle.send("initialize".into()).unwrap();
    drop(handle);
    assert_eq!(world.state().terminated, 1);
    let rejected = Delivery::Rejected(Rejected::SessionEnded);
    assert_eq!(now_or_never(sent), Some(rejected), "who waits for a send is told");
    drop(pump);
    assert!(world.state().executor_dropped);
}

#[test]
fn a_monitor_keeps_nothing_alive() {
    let world = World::default();
    let (handle, _pump) = world.connect(Limits::default());
    let monitor = handle.monitor();
    let mut ended = Task::new(monitor.ended());
    assert!(ended.poll().is_pending());
    drop(handle);
    assert_eq!(world.state().terminated, 1);
    assert!(ended.is_woken());
    let Poll::Ready(end) = ended.poll() else { panic!() };
    assert!(end.to_string().contains("handle"), "{end}");
    assert_eq!(monitor.end(), Some(end));
}

#[test]
fn terminate_skips_the_steps_before_and_reaches_the_end() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let mut reader = Task::new(handle.next_event());
    assert!(reader.poll().is_pending() && pump.run().is_pending());
    handle.terminate();
    assert!(pump.is_woken() && pump.run().is_pending());
    assert_eq!(world.take_actions().first(), Some(&Action::Terminate));
    world.exit(1);
    assert!(pump.run().is_ready());
    assert_eq!(end_of(&handle).exit, Some(Exit::Code(0)));
}

#[test]
fn a_call_that_the_process_leaves_open_counts_as_failed() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let call = Call { id: Id::Int(7), method: "tools/call".into() };
    drop(handle.send_call("opaque".into(), Some(call)).unwrap());
    drop(handle.send_call("opaque".into(), None).unwrap());
    drop(handle.send(r#"{"jsonrpc":"2.0","id":8,"method":"ping"}"#.into()).unwrap());
    assert!(pump.run().is_pending());
    world.exit(1);
    assert!(pump.run().is_ready());
    assert_eq!(handle.monitor().end().unwrap().pending_failed, 2);
}

#[test]
fn a_pump_that_is_dropped_ends_the_session_with_a_cause() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let in_flight = handle.send("one".into()).unwrap();
    assert!(pump.run().is_pending());
    let waiting = handle.send("two".into()).unwrap();
    let mut reader = Task::new(handle.next_event());
    assert!(reader.poll().is_pending());

    drop(pump);
    assert!(world.state().executor_dropped);
    assert!(reader.is_woken());
    let Poll::Ready(Some(Event::End(end))) = reader.poll() else { panic!() };
    assert!(matches!(&end.cause, Cause::SessionLost { reason } if reason.contains("shut down")));
    assert_eq!(now_or_never(in_flight), Some(Delivery::Unknown));
    assert_eq!(now_or_never(waiting), Some(Delivery::Rejected(Rejected::SessionEnded)));
    assert_eq!(now_or_never(handle.close()), Some(end.clone()));
    assert_eq!(handle.monitor().end(), Some(end));
    assert!(handle.send("three".into()).is_err());
}

#[test]
fn what_had_arrived_is_delivered_though_the_pump_is_gone() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    world.output(1, "one\n");
    assert!(pump.run().is_pending());
    drop(pump);
    let first = now_or_never(handle.next_event());
    assert_eq!(first, Some(Some(Event::Message("one".into()))));
    end_of(&handle);
}

#[test]
fn a_write_in_flight_is_settled_when_the_process_ends() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let sent = handle.send("hello".into()).unwrap();
    assert!(pump.run().is_pending());
    world.exit(1);
    assert!(pump.run().is_ready());
    assert!(now_or_never(sent).is_some(), "nobody is left to answer it");
}

#[test]
fn a_write_in_flight_is_settled_though_the_executor_never_says_that_it_is_done() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let sent = handle.send("hello".into()).unwrap();
    assert!(pump.run().is_pending());
    world.input(Input::Exited { seq: 1, exit: Exit::Code(0) });
    world.input(Input::Closed { seq: 2 });
    assert!(pump.run().is_pending());
    drop(pump);
    assert_eq!(now_or_never(sent), Some(Delivery::Unknown), "and nobody has read the end");
}

/// <https://github.com/librefang/librefang/issues/4052>
#[test]
fn close_is_idempotent_and_concurrent() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let mut reader = Task::new(handle.next_event());
    assert!(reader.poll().is_pending());
    let (mut first, mut second) = (Task::new(handle.close()), Task::new(handle.close()));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    assert!(handle.send("too late".into()).is_err(), "closed from the moment of the call");

    assert!(pump.run().is_pending());
    assert_eq!(world.take_actions(), [Action::CloseStdin], "one plan");
    world.exit(1);
    assert!(pump.run().is_ready());
    assert!(first.is_woken() && second.is_woken() && reader.is_woken());
    let Poll::Ready(end) = first.poll() else { panic!() };
    assert_eq!(end.cause, Cause::Requested);
    assert_eq!(second.poll(), Poll::Ready(end.clone()));
    assert_eq!(reader.poll(), Poll::Ready(None), "one of them had the end, and nothing follows it");
    assert_eq!(now_or_never(handle.close()), Some(end));
}

/// <https://github.com/mcpjungle/MCPJungle/issues/207>
#[test]
fn a_process_that_never_exits_does_not_block_its_closer() {
    let world = World::default();
    let limits = Limits::default();
    let (handle, mut pump) = world.connect(limits.clone());
    let mut close = Task::new(handle.close());
    let mut steps = Vec::new();
    for wait in [limits.close_stdin_wait, limits.close_interrupt_wait, limits.close_terminate_wait]
    {
        assert!(close.poll().is_pending() && pump.run().is_pending());
        steps.extend(world.take_actions());
        world.pass(wait);
    }
    assert!(pump.run().is_pending());
    steps.extend(world.take_actions());
    assert_eq!(steps[..3], [Action::CloseStdin, Action::Interrupt, Action::Terminate]);
    let Poll::Ready(end) = close.poll() else { panic!("not over") };
    assert!(matches!(end.cause, Cause::CloseTimedOut { .. }));
    assert!(pump.run().is_ready(), "the end is delivered, so there is nothing left to wait for");
}

#[test]
fn closing_reaches_the_end_though_back_pressure_is_on_and_nobody_reads() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits { inbox_bytes: 1, ..Limits::default() });
    for seq in 1..=2000 {
        world.output(seq, "x\n");
    }
    world.exit(2001);
    assert!(pump.run().is_pending());
    assert!(handle.monitor().stats().messages < 2000);
    let monitor = handle.monitor();
    let mut close = Task::new(handle.close());
    while close.run().is_pending() {
        assert!(pump.is_woken() || close.is_woken(), "stuck at {:?}", monitor.stats());
        let _ = pump.run();
    }
    assert_eq!(monitor.stats().messages, 2000);
}

#[test]
fn closing_discards_a_bounded_amount_before_others_get_their_turn() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    world.output(1, "x\n".repeat(1000));
    assert!(pump.run().is_pending());
    let mut close = Task::new(handle.close());
    assert!(close.poll().is_pending());
    let discarded = handle.monitor().stats().messages;
    assert!((1..1000).contains(&discarded), "{discarded}");
    assert!(close.is_woken() && close.run().is_pending());
    assert_eq!(handle.monitor().stats().messages, 1000);
}

#[test]
fn a_close_that_is_dropped_goes_on() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    drop(handle.close());
    assert!(pump.run().is_pending());
    assert_eq!(world.take_actions(), [Action::CloseStdin]);
    assert_eq!(world.state().terminated, 0);
}

#[test]
fn a_close_that_is_the_last_handle_terminates_when_dropped() {
    let world = World::default();
    let (handle, _pump) = world.connect(Limits::default());
    let close = handle.close();
    drop(handle);
    assert_eq!(world.state().terminated, 0);
    drop(close);
    assert_eq!(world.state().terminated, 1);
}

#[test]
fn everybody_who_waits_for_the_end_is_told() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let monitor = handle.monitor();
    let mut ended = Task::new(monitor.ended());
    let mut other = Task::new(handle.next_event());
    assert!(ended.poll().is_pending());
    world.exit(1);
    assert!(pump.run().is_ready());
    assert!(other.poll().is_ready(), "the exit");
    let mut late = Task::new(handle.next_event());
    let end = end_of(&handle);
    assert!(ended.is_woken());
    assert_eq!(ended.poll(), Poll::Ready(end));
    assert_eq!(late.poll(), Poll::Ready(None));
}

#[test]
fn a_decoder_that_panics_harms_only_its_caller() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    world.output(1, "panic\nfine\n");
    assert!(pump.run().is_pending());
    let poll = || now_or_never(handle.next_event());
    assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
    assert_eq!(poll(), Some(Some(Event::Message("fine".into()))));
}

/// A waker that uses the session at once, as an executor that polls inline does.
struct Inline(Handle<Lines>, Mutex<u64>);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        *self.1.lock().unwrap() = self.0.monitor().stats().events;
    }
}

#[test]
fn wakers_are_called_outside_the_lock() {
    let world = World::default();
    let (handle, mut pump) = world.connect(Limits::default());
    let inline = Arc::new(Inline(handle.clone(), Mutex::new(0)));
    let waker = Arc::clone(&inline).into();
    assert!(handle.poll_event(&mut Context::from_waker(&waker)).is_pending());
    world.output(1, "x\n");
    assert!(pump.run().is_pending());
    assert_eq!(*inline.1.lock().unwrap(), 1);
}
