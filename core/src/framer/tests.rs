use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use super::*;

/// A framed item that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Line { bytes: Vec<u8>, unterminated: bool },
    Oversized(Oversized),
}

fn line(text: &str) -> Item {
    Item::Line { bytes: text.as_bytes().to_vec(), unterminated: false }
}

fn drain(framer: &mut LineFramer) -> Vec<Item> {
    let mut items = Vec::new();
    while let Some(framed) = framer.next_line() {
        items.push(match framed {
            Framed::Oversized(oversized) => Item::Oversized(*oversized),
            Framed::Line(mut line) => {
                let bytes = line.to_vec();
                assert_eq!(line.to_bytes(), bytes);
                assert_eq!(line.as_slice(), bytes, "owning a line does not change it");
                Item::Line { bytes, unterminated: line.is_unterminated() }
            }
        });
    }
    items
}

fn frame(max_line: usize, chunks: &[&str]) -> Vec<Item> {
    let mut framer = LineFramer::new(max_line, 4);
    push_all(&mut framer, chunks);
    drain(&mut framer)
}

fn push_all(framer: &mut LineFramer, chunks: &[&str]) {
    for chunk in chunks {
        framer.push(Bytes::copy_from_slice(chunk.as_bytes()));
    }
}

fn oversized(item: &Item) -> &Oversized {
    match item {
        Item::Oversized(oversized) => oversized,
        Item::Line { .. } => panic!("not oversized: {item:?}"),
    }
}

/// <https://github.com/openai/codex/issues/31805>
#[test]
fn endless_stdout_without_a_newline_stops_at_the_limit() {
    let mut framer = LineFramer::new(10_000, 64);
    let chunk = Bytes::from(vec![b'x'; 1000]);
    for _ in 0..5000 {
        framer.push(chunk.clone());
        assert!(framer.next_line().is_none());
        assert!(framer.buffered() <= 10_001, "{} bytes retained", framer.buffered());
    }
    framer.push("\n{}\n".into());
    let items = drain(&mut framer);
    assert_eq!(oversized(&items[0]).len, 5_000_000);
    assert_eq!(items[1..], [line("{}")]);
}

/// <https://github.com/openai/codex/issues/31805>
#[test]
fn valid_message_before_the_oversized_line_in_the_same_event_is_delivered() {
    for chunks in
        [&["{}\n123456789\n[]\n"][..], &["{}\n123456789", "\n[]\n"], &["{}\n1234", "56789\n[]\n"]]
    {
        let items = frame(8, chunks);
        assert_eq!(items[0], line("{}"));
        assert_eq!(oversized(&items[1]).len, 9);
        assert_eq!(items[2..], [line("[]")]);
    }
}

/// <https://github.com/steipete/CodexBar/issues/2196>
#[test]
fn chunk_larger_than_the_limit_whose_lines_are_each_within_it_is_accepted() {
    let chunk = "12345678\n".repeat(1000);
    assert_eq!(frame(8, &[&chunk]), vec![line("12345678"); 1000]);
}

/// <https://github.com/openai/codex/issues/31782>
#[test]
fn payload_exactly_at_the_limit_passes_with_lf_and_with_crlf() {
    for chunks in
        [&["1234\n1234\r\n"][..], &["1234", "\n", "1234\r", "\n"], &["12", "34\n1", "234", "\r\n"]]
    {
        assert_eq!(frame(4, chunks), [line("1234"), line("1234")]);
    }
    for chunks in [
        &["12345\n1234\rx\n"][..],
        &["12345", "\n", "1234\r", "x\n"],
        &["1", "2345\n", "1234\rx", "\n"],
    ] {
        let items = frame(4, chunks);
        assert_eq!(items.iter().map(|item| oversized(item).len).collect::<Vec<_>>(), [5, 6]);
    }
}

/// <https://github.com/egonSchiele/agency-lang/issues/125>
#[test]
fn rest_of_an_oversized_line_is_not_parsed_as_a_new_line() {
    let items = frame(8, &["0123456789", "{\"id\":1}", "{}\n", "{\"id\":2}\n"]);
    let expected = Oversized {
        len: 20,
        limit: 8,
        head: "0123".into(),
        tail: "1}{}".into(),
        unterminated: false,
    };
    assert_eq!(items, [Item::Oversized(expected), line("{\"id\":2}")]);
}

/// <https://github.com/modelcontextprotocol/typescript-sdk/issues/2245>
#[test]
fn nine_mebibytes_in_small_chunks_are_scanned_once() {
    let mut framer = LineFramer::new(16 << 20, 512);
    let chunk = Bytes::from(vec![b'x'; 8192]);
    for _ in 0..1152 {
        framer.push(chunk.clone());
        assert!(framer.next_line().is_none());
    }
    framer.push("\n".into());
    assert_eq!(drain(&mut framer).len(), 1);
    assert_eq!(framer.scanned(), (9 << 20) + 1);
}

/// <https://github.com/anthropics/claude-agent-sdk-typescript/issues/137>
#[test]
fn unicode_line_separators_do_not_split() {
    let text = "{\"text\":\"a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\rg\"}";
    assert_eq!(frame(100, &[text, "\n"]), [line(text)]);
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/825>
#[test]
fn byte_order_mark_before_the_first_and_before_a_later_message_is_removed() {
    for chunks in
        [&["\u{feff}{}\n[]\n\u{feff}{}\r\n"][..], &["\u{feff}{", "}\n[]\n\u{feff}", "{}\r\n"]]
    {
        assert_eq!(frame(100, chunks), [line("{}"), line("[]"), line("{}")]);
    }
    assert_eq!(frame(100, &["\u{feff}\n\u{feff}\u{feff}x\n"]), [line("\u{feff}x")]);
}

/// <https://github.com/paiml/rust-mcp-sdk/issues/157>
#[test]
fn blank_cr_only_and_whitespace_lines_are_skipped() {
    assert_eq!(frame(100, &["\n\r\n \t \n  \r\n\r\r\n", "  ", "\n", "\r", "\n{}\n"]), [line("{}")]);
    assert_eq!(frame(100, &[" {} \r\n"]), [line(" {} ")], "other lines keep their whitespace");
}

/// <https://github.com/moby/moby/issues/43860>
#[test]
fn final_line_without_a_newline_is_delivered_at_the_end() {
    for (chunks, last) in [(&["[]\n{}"][..], "{}"), (&["[]\n", "{", "}\r"], "{}")] {
        let mut framer = LineFramer::new(100, 4);
        push_all(&mut framer, chunks);
        assert_eq!(drain(&mut framer), [line("[]")]);
        framer.finish();
        let last = Item::Line { bytes: last.into(), unterminated: true };
        assert_eq!(drain(&mut framer), [last]);
        framer.push("{}\n".into());
        assert_eq!(drain(&mut framer), [], "nothing follows the end");
    }
}

/// <https://github.com/sansan0/TrendRadar/issues/1204>
#[test]
fn banner_of_sixty_lines_does_not_hide_the_message() {
    let banner = "== Server ==\n".repeat(60);
    let items = frame(100, &[&banner, "{\"id\":1}\n"]);
    assert_eq!(items.len(), 61);
    assert_eq!(items[60], line("{\"id\":1}"));
}

#[test]
fn hole_drops_the_broken_line_and_the_one_that_follows_it() {
    let mut framer = LineFramer::new(100, 4);
    framer.push("[1]\n[2".into());
    assert_eq!(drain(&mut framer), [line("[1]")]);
    framer.break_line();
    assert_eq!(framer.buffered(), 0);
    for chunk in ["9", "]", "\n[3]\n"] {
        framer.push(chunk.into());
    }
    assert_eq!(drain(&mut framer), [line("[3]")]);
}

#[test]
fn hole_at_the_end_of_the_stream_leaves_nothing_to_deliver() {
    let mut framer = LineFramer::new(100, 4);
    framer.break_line();
    framer.push("9]".into());
    framer.finish();
    assert_eq!(drain(&mut framer), []);
}

#[test]
fn hole_ends_an_oversized_line() {
    let mut framer = LineFramer::new(4, 2);
    framer.push("1234567".into());
    assert_eq!(drain(&mut framer), []);
    framer.break_line();
    framer.break_line();
    framer.push("89\n[]\n".into());
    let items = drain(&mut framer);
    let broken = oversized(&items[0]);
    assert_eq!((broken.len, broken.unterminated), (7, true));
    assert_eq!(items[1..], [line("[]")]);
}

#[test]
fn oversized_line_at_the_end_of_the_stream_is_reported() {
    let mut framer = LineFramer::new(4, 2);
    framer.push("12345".into());
    framer.finish();
    let items = drain(&mut framer);
    assert_eq!((items.len(), oversized(&items[0]).unterminated), (1, true));
}

#[test]
fn line_inside_one_chunk_shares_it() {
    let chunk = Bytes::from_static(b"[1]\n[2]\r\n");
    let mut framer = LineFramer::new(100, 4);
    framer.push(chunk.clone());
    for start in [0, 4] {
        let Some(Framed::Line(mut line)) = framer.next_line() else { panic!("a line") };
        assert_eq!(line.to_bytes().as_ptr(), chunk[start..].as_ptr());
    }
}

#[test]
fn joined_line_is_taken_over_without_a_copy() {
    let mut framer = LineFramer::new(100, 4);
    framer.push("[1,".into());
    framer.push("2]\n".into());
    let Some(Framed::Line(mut line)) = framer.next_line() else { panic!("a line") };
    let address = line.as_ptr();
    assert_eq!(line.to_bytes().as_ptr(), address);
    assert_eq!(line.to_bytes(), "[1,2]");
}

/// The two ends of a line that is thrown away count as well, before and after it breaks off.
#[test]
fn the_ends_of_a_discarded_line_are_buffered() {
    let mut framer = LineFramer::new(1000, 300);
    framer.push(vec![b'x'; 2000].into());
    assert_eq!(drain(&mut framer), []);
    assert!((600..2000).contains(&framer.buffered()), "{}", framer.buffered());
    framer.break_line();
    assert!((600..2000).contains(&framer.buffered()), "{}", framer.buffered());
    framer.push("\n".into());
    assert!(matches!(&drain(&mut framer)[..], [Item::Oversized(_)]));
    assert_eq!(framer.buffered(), 0);
}

#[test]
fn a_line_shows_its_bytes() {
    let line = Line::from(Bytes::from_static(b"a\"\xff"));
    assert_eq!(line.as_ref(), b"a\"\xff");
    assert_eq!(alloc::format!("{line:?}"), r#"Line { bytes: "a\"\xff", unterminated: false }"#);
}

#[test]
fn retained_memory_falls_back_after_a_huge_line() {
    let mut framer = LineFramer::new(16 << 20, 512);
    for _ in 0..64 {
        framer.push(vec![b'x'; 1 << 16].into());
        assert_eq!(drain(&mut framer), []);
    }
    assert!(framer.buffered() >= 4 << 20);
    framer.push("\n{\"open\":".into());
    assert!(matches!(framer.next_line(), Some(Framed::Line(line)) if line.len() == 4 << 20));
    assert_eq!(drain(&mut framer), []);
    assert!(framer.buffered() < 64, "{} bytes retained", framer.buffered());
    framer.push("1}\n".into());
    assert_eq!(drain(&mut framer).len(), 1);
    assert_eq!(framer.buffered(), 0, "an idle framer holds nothing");
}

/// The semantics in their plainest form, over the whole stream at once.
fn reference(stream: &[u8], max_line: usize, window: usize) -> Vec<Item> {
    let mut items = Vec::new();
    for piece in stream.split_inclusive(|&byte| byte == b'\n') {
        let unterminated = !piece.ends_with(b"\n");
        let line = piece.strip_suffix(b"\n").unwrap_or(piece);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > max_line {
            items.push(Item::Oversized(Oversized {
                len: line.len() as u64,
                limit: max_line,
                head: Bytes::copy_from_slice(&line[..window.min(line.len())]),
                tail: Bytes::copy_from_slice(&line[line.len().saturating_sub(window)..]),
                unterminated,
            }));
            continue;
        }
        let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if !text.trim_ascii().is_empty() {
            items.push(Item::Line { bytes: text.to_vec(), unterminated });
        }
    }
    items
}

/// Streams in which everything that is special is frequent.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"\n"[..]),
        Just(&b"\r"[..]),
        Just(&b"\r\n"[..]),
        Just(&b" "[..]),
        Just("\u{feff}".as_bytes()),
        Just(&b"\xEF"[..]),
        Just(&b"{}"[..]),
        Just(&b"abc"[..]),
        Just(&b"abcdefghijkl"[..]),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn push_in_chunks(framer: &mut LineFramer, stream: &[u8], sizes: &[usize]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = stream;
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        framer.push(Bytes::copy_from_slice(chunk));
        rest = after;
        // Chunks of odd sizes are queued, so that some pushes meet a framer that is not drained.
        if size % 2 == 0 || size == 1 {
            items.extend(drain(framer));
        }
    }
    items
}

proptest! {
    #[test]
    fn every_chunking_equals_the_reference(
        stream in stream(),
        sizes in prop::collection::vec(1usize..12, 1..8),
        max_line in 0usize..14,
        window in 0usize..8,
    ) {
        let mut framer = LineFramer::new(max_line, window);
        let mut items = push_in_chunks(&mut framer, &stream, &sizes);
        framer.finish();
        items.extend(drain(&mut framer));
        prop_assert_eq!(items, reference(&stream, max_line, window));
        prop_assert_eq!(framer.scanned(), stream.len() as u64);
        prop_assert_eq!(framer.buffered(), 0);
    }

    #[test]
    fn single_bytes_equal_one_chunk(stream in stream(), max_line in 0usize..14) {
        let [mut whole, mut bytewise] = [LineFramer::new(max_line, 3), LineFramer::new(max_line, 3)];
        let expected = push_in_chunks(&mut whole, &stream, &[usize::MAX - 1]);
        let items = push_in_chunks(&mut bytewise, &stream, &[1]);
        prop_assert_eq!(items, expected);
    }

    /// What precedes a hole ends at its last newline; what follows begins after its first.
    #[test]
    fn hole_costs_the_two_lines_around_it(
        before in stream(),
        after in stream(),
        sizes in prop::collection::vec(1usize..12, 1..8),
        max_line in 0usize..14,
    ) {
        let mut framer = LineFramer::new(max_line, 3);
        let mut items = push_in_chunks(&mut framer, &before, &sizes);
        items.extend(drain(&mut framer));
        framer.break_line();
        items.extend(push_in_chunks(&mut framer, &after, &sizes));
        items.extend(drain(&mut framer));

        let newline = |byte: &u8| *byte == b'\n';
        let (whole, broken) = before.split_at(before.iter().rposition(newline).map_or(0, |at| at + 1));
        let mut expected = reference(whole, max_line, 3);
        let discarding = broken.len() > max_line + usize::from(broken.ends_with(b"\r"));
        expected.extend(discarding.then(|| reference(broken, max_line, 3)).into_iter().flatten());
        let from = after.iter().position(newline).map_or(after.len(), |at| at + 1);
        let upto = after.iter().rposition(newline).map_or(after.len(), |at| at + 1);
        expected.extend(reference(&after[from..upto.max(from)], max_line, 3));
        prop_assert_eq!(items, expected);
    }

    #[test]
    fn memory_stays_within_the_limit(
        stream in stream(),
        sizes in prop::collection::vec(1usize..12, 1..8),
        max_line in 0usize..14,
        window in 0usize..8,
    ) {
        let mut framer = LineFramer::new(max_line, window);
        let discard = size_of::<Discard>() + window + 2 * (window + 1);
        for chunk in stream.chunks(sizes[0]) {
            framer.push(Bytes::copy_from_slice(chunk));
            drain(&mut framer);
            prop_assert!(framer.buffered() <= discard.max(max_line + 1));
        }
    }
}
