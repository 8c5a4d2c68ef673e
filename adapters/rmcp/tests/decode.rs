//! The decoder beside rmcp's own.

#[path = "decode/corpus.rs"]
mod corpus;
#[path = "decode/oracle.rs"]
mod oracle;

use corpus::{ERRORS, IDS, MISTAKEN, NOTIFICATIONS, REQUESTS, RESULTS};
use farpipe_core::{Call, Calls, Id};
use oracle::check;
use proptest::{prelude::*, sample::select};

/// A key and a value, both as they are written.
type Member = (String, String);

fn member(key: &str, value: &str) -> Member {
    (format!("{key:?}"), value.to_owned())
}

fn version() -> Member {
    member("jsonrpc", "\"2.0\"")
}

fn response(id: &str, result: &str) -> Vec<Member> {
    vec![version(), member("id", id), member("result", result)]
}

fn error(id: &str, error: &str) -> Vec<Member> {
    vec![version(), member("id", id), member("error", error)]
}

fn request(id: &str, method: &str, params: &str) -> Vec<Member> {
    let mut members = notification(method, params);
    members.push(member("id", id));
    members
}

fn notification(method: &str, params: &str) -> Vec<Member> {
    vec![version(), member("method", &format!("{method:?}")), member("params", params)]
}

/// The message on one line, and the message with room around each token.
fn lines(members: &[Member]) -> [String; 2] {
    let plain: Vec<_> = members.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    let wide: Vec<_> = members.iter().map(|(key, value)| format!("\t{key} : {value} ")).collect();
    [format!("{{{}}}", plain.join(",")), format!(" {{{}\r}} ", wide.join(","))]
}

fn check_all(members: &[Member], calls: &Calls) {
    for line in lines(members) {
        check(line.as_bytes(), calls);
    }
}

fn check_orders(members: &[Member], calls: &Calls) {
    for order in orders(members) {
        check_all(&order, calls);
    }
}

fn orders(members: &[Member]) -> Vec<Vec<Member>> {
    let Some((first, rest)) = members.split_first() else { return vec![Vec::new()] };
    let insert = |mut order: Vec<Member>, at: usize| {
        order.insert(at, first.clone());
        order
    };
    orders(rest)
        .into_iter()
        .flat_map(|order| (0..=order.len()).map(move |at| insert(order.clone(), at)))
        .collect()
}

/// Every id of the corpus waits for an answer to this method.
fn calls(method: &str) -> Calls {
    let ids = IDS.iter().filter_map(|id| Id::parse(id));
    ids.map(|id| Call { id, method: method.into() }).collect()
}

/// Every message, and the calls that wait when it comes.
fn messages() -> Vec<(Vec<Member>, Calls)> {
    let nobody = |members| (members, Calls::default());
    let answer = |&(method, result)| (response("7", result), calls(method));
    let mut all: Vec<_> = RESULTS.iter().chain(&MISTAKEN).map(answer).collect();
    all.extend(RESULTS.iter().map(|(_, result)| nobody(response("7", result))));
    all.extend(ERRORS.map(|data| (error("7", data), calls("tools/call"))));
    all.extend(REQUESTS.map(|(method, params)| nobody(request("7", method, params))));
    all.extend(NOTIFICATIONS.map(|(method, params)| nobody(notification(method, params))));
    all
}

#[test]
fn every_message_in_every_order() {
    for (members, calls) in messages() {
        check_orders(&members, &calls);
    }
}

#[test]
fn every_message_with_every_id() {
    for id in IDS {
        for (mut members, calls) in messages() {
            for (_, value) in members.iter_mut().filter(|(key, _)| key == "\"id\"") {
                id.clone_into(value);
            }
            check_orders(&members, &calls);
        }
    }
}

/// What nobody knows, what belongs to another kind of message, and what comes twice.
#[test]
fn every_message_with_one_member_more_or_less() {
    let mut more = [
        ("extra", r#"{"id":1,"a":[1,"\n",null]}"#),
        ("_meta", "{}"),
        ("id", "7"),
        ("id", "8"),
        ("result", "{}"),
        ("error", r#"{"code":1,"message":"m"}"#),
        ("error", "null"),
        ("method", "\"ping\""),
        ("params", "{}"),
        ("jsonrpc", "\"2.0\""),
        ("jsonrpc", "\"1.0\""),
        ("jsonrpc", "2.0"),
    ]
    .map(|(key, value)| member(key, value))
    .to_vec();
    more.push((r#""\u0069d""#.to_owned(), "7".to_owned()));
    for (members, calls) in messages() {
        for at in 0..=members.len() {
            for one in &more {
                let mut members = members.clone();
                members.insert(at, one.clone());
                check_all(&members, &calls);
            }
            let mut members = members.clone();
            members.drain(at..members.len().min(at + 1));
            check_all(&members, &calls);
        }
    }
}

#[test]
fn escapes_in_keys_and_names_change_nothing() {
    let escaped = |text: &str| text.replace('e', r"\u0065").replace('/', r"\/");
    for (members, calls) in messages() {
        let members: Vec<_> = members
            .into_iter()
            .map(|(key, value)| {
                let value = if key == "\"method\"" { escaped(&value) } else { value };
                (escaped(&key), value)
            })
            .collect();
        check_all(&members, &calls);
    }
}

#[test]
fn what_nobody_uses_may_be_odd() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for odd in [r#""\ud800""#, "1e999", deep.as_str()] {
        for (members, calls) in messages() {
            let members = [members, vec![member("extra", odd)]].concat();
            check_all(&members, &calls);
        }
        let params = format!(r#"{{"progress":1,"progressToken":1,"extra":{odd}}}"#);
        check_all(&notification("notifications/progress", &params), &Calls::default());
        check_all(&response("7", &format!(r#"{{"content":[],"x":{odd}}}"#)), &calls("tools/call"));
    }
}

#[test]
fn nothing_may_follow_a_message() {
    for (members, calls) in messages() {
        for rest in ["}", "x", "{}", ",", "\0"] {
            check(format!("{}{rest}", lines(&members)[0]).as_bytes(), &calls);
        }
    }
}

#[test]
fn invalid_utf8_is_nowhere_accepted() {
    for line in [
        &b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[],\"x\":\"\xff\"}}"[..],
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"\xc3\":1}",
    ] {
        check(line, &calls("tools/call"));
    }
}

proptest! {
    #[test]
    fn damage_changes_nothing(
        (members, wide, at, byte, cut) in (0..messages().len(), any::<bool>(), any::<usize>(), any::<u8>(), any::<bool>()),
    ) {
        let (members, calls) = messages().swap_remove(members);
        let [plain, roomy] = lines(&members);
        let mut line = if wide { roomy } else { plain }.into_bytes();
        let at = at % line.len();
        if cut {
            line.remove(at);
        } else {
            line[at] = byte;
        }
        check(&line, &calls);
    }

    #[test]
    fn parts_of_different_messages_change_nothing(
        mut members in prop::collection::vec(select(messages().into_iter().flat_map(|(members, _)| members).collect::<Vec<_>>()), 0..4),
        id in select(&IDS[..]),
        at in any::<prop::sample::Index>(),
        method in select(&RESULTS[..]),
    ) {
        members.push(version());
        members.push(member("id", id));
        let last = at.index(members.len());
        members.rotate_left(last);
        check_all(&members, &calls(method.0));
    }
}
