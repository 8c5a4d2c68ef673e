//! What can happen.

use farpipe_core::Stream;
use serde::{Deserialize, Serialize};

/// One thing that happens. Where it does not apply, nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The process has a line for its stdout in hand.
    Say(Line),
    /// The process has a line of so many bytes for its stderr in hand.
    Warn(u8),
    /// The process writes so many bytes of what it has in hand, as one chunk.
    Write(Stream, u16),
    /// The process ends. What it had in hand may still be written by a descendant.
    Exit,
    /// The process writes all it has in hand, ends if it has not, and its output is closed.
    Close,
    /// The executor gives the process up, outside the numbering.
    GiveUp,
    /// The executor forgets its oldest output, up to so many events from the newest.
    Evict(u8),

    /// Something that is on its way arrives: the oldest (0), the one after it (1), and so on.
    Arrive(u8),
    /// The oldest answer that is on its way arrives, and overtakes events.
    Answer,
    /// Something arrives, and will arrive again.
    Double(u8),
    /// Something that is on its way is lost, where that may happen.
    Lose(u8),
    /// The executor's feed drops every event that is on its way, and says so.
    Lag,
    /// The executor says that nothing more will come.
    EndFeed,

    /// The session's next action is taken by the executor.
    Act(Fate),
    /// A request that was [slow](Fate::Slow) is carried out.
    Serve(u8),

    /// The link breaks. What is on its way, in both directions, is lost or (`true`) only late.
    LinkDown(bool),
    /// The link works again.
    LinkUp,
    /// The executor starts anew and has forgotten the process; the link breaks with it.
    Crash,
    /// The executor says that it has forgotten the process.
    Forget,

    /// So many milliseconds pass.
    Wait(u16),
    /// Time passes up to the session's next timeout.
    Tick,

    /// The application reads so many events.
    Read(u8),
    /// The application learns what became of so many of its sends.
    Settle(u8),
    /// The application sends something.
    Send(Ask),
    /// The application closes stdin.
    CloseStdin,
    /// The application closes the session.
    CloseSession,
    /// The application ends the process the hard way.
    Terminate,
    /// The application's process is replaced by another, which goes on from a checkpoint.
    Restore,
}

/// What becomes of an action. Where it makes no sense for the action, it is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Carried out at once; the answer is on its way.
    Served,
    /// Waits at the executor for [`Step::Serve`].
    Slow,
    /// Lost on the way. Not possible for a write without deduplication: it would never be repeated.
    Lost,
    /// A write: the process is not up yet. A replay: it fails, and asking again can help.
    NotYet,
    /// A write is refused. A replay fails for good.
    Refused,
    /// A replay page is cut to its first chunk.
    Short,
}

/// A line that the process writes by itself. The numbers are lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A notification with so much padding.
    Message(u16),
    /// A notification that ends in CR LF.
    WithCr,
    /// A notification behind a byte order mark.
    WithMark,
    /// Several notifications and a number in one line.
    Batch(u8),
    /// Text.
    Noise(u8),
    /// Text, and a notification behind it on the same line.
    Prompt(u8),
    /// A notification that breaks off.
    Damaged(u8),
    /// Bytes that are not UTF-8.
    NotText(u8),
    /// Blank lines.
    Blank,
    /// A notification without a newline: what follows joins it.
    Unended,
}

/// What the application sends, and how the process will answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A notification: no answer.
    Nothing,
    /// A request, with so much padding in the answer, whose id comes first.
    Call(u16),
    /// The same, but the id comes last.
    CallIdLast(u16),
    /// A request whose answer is damaged.
    CallDamaged,
    /// A request that is never answered.
    CallForgotten,
    /// Two requests in a batch.
    Batch,
    /// A request that is itself so long.
    LongCall(u16),
}
