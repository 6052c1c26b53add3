//! What stays behind of a session: in the memory of the two programs, in their logs and files, in the server's memory.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod common;

use std::{collections::BTreeSet, path::Path, time::Duration};

use common::Stage;
use serde_json::{Value, json};
use sotto_e2e::{Meeting, Memory, Peer, Programs, Server, ServerSetup};
use sotto_netlab::Exposure;

const LABEL: &str = "Kanarienvogel Dienstag";
const SAID: [&str; 2] = ["Nachtigall, ick hör dir trapsen", "Zaunkönig im Birnbaum"];

type Keys = BTreeSet<[u8; 32]>;

/// The memory of a program; `None`, as a skip, where the system does not let a test read it.
fn memory(pid: u32) -> Option<Memory> {
    match Memory::of(pid) {
        Ok(memory) => Some(memory),
        Err(error) => {
            sotto_netlab::skip(&format!("the memory of another process can't be read here ({error}); root can"));
            None
        }
    }
}

fn keys(peer: &Peer) -> Option<Keys> {
    Some(memory(peer.pid())?.aes_256_keys())
}

/// Both have erased what they had: they say so a moment after `ended`.
fn let_go() {
    std::thread::sleep(Duration::from_millis(1_500));
}

/// Before a session and in it: nothing undoes on the way what is set at the start.
#[test]
fn a_running_peer_dumps_no_core_and_lets_no_program_read_it() {
    let stage = Stage::new("exposure");
    let [therapist, client] = ["therapist", "client"].map(|role| Peer::start_ordinary(&stage.setup(role)));
    let unexposed = |peer: &Peer| assert_eq!(Exposure::of(peer.pid()).unwrap(), Exposure::none());
    unexposed(&therapist);
    unexposed(&client);
    let mut meeting = Meeting::by_invite(therapist, client, "link");
    meeting.open();
    for peer in meeting.both() {
        unexposed(peer);
    }
    meeting.end();
    meeting.close();
}

/// What is never written to swap: everything, where the system lets a program ask for that; elsewhere it is said.
#[test]
fn memory_is_locked_where_the_system_allows_it() {
    /// `CAP_IPC_LOCK` in the set of effective capabilities (capabilities(7)).
    const IPC_LOCK: u64 = 1 << 14;
    let status = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let stage = Stage::new("locked");
    let peer = Peer::start(&stage.setup("client").with("--log", "info"));
    let locked_kb: u64 = field(&status(&peer.pid().to_string()), "VmLck:").parse().unwrap();
    let may = u64::from_str_radix(&field(&status("self"), "CapEff:"), 16).unwrap() & IPC_LOCK != 0;
    let is_said = peer.errors().contains("may write memory of this program to its swap space");
    println!("{locked_kb} kB are locked; may lock without limit: {may}");
    assert!(locked_kb > 1_000 || is_said, "neither locked nor said");
    if may {
        assert!(locked_kb > 1_000 && !is_said, "{locked_kb} kB");
    }
    peer.close();
}

#[test]
fn traffic_keys_and_chat_are_gone_from_memory_when_the_session_is_over() {
    let stage = Stage::new("memory");
    let (therapist, client) = (stage.start("therapist"), stage.start("client"));
    let (Some(before), Some(before_client)) = (keys(&therapist), keys(&client)) else { return };
    let mut meeting = Meeting::by_invite(therapist, client, "code");
    meeting.open();
    meeting.see_and_hear();
    meeting.chat(true, SAID[0]);
    meeting.chat(false, SAID[1]);
    let mut used = Vec::new();
    for (peer, before) in meeting.both().into_iter().zip([before, before_client]) {
        let memory = memory(peer.pid()).unwrap();
        let new: Keys = memory.aes_256_keys().difference(&before).copied().collect();
        println!("{}: {} keys in use, {} MB looked through", peer.pid(), new.len(), memory.size() >> 20);
        // Seven tracks both ways, two directions of SRTP: else the search finds nothing and the test proves nothing.
        assert!(new.len() >= 16, "only {} keys were found in a running session", new.len());
        used.push(new);
    }
    // What belongs to the session is known to both.
    let shared: Keys = used[0].intersection(&used[1]).copied().collect();
    assert!(shared.len() >= 16, "only {} keys are the same on both sides", shared.len());
    meeting.end();
    let_go();
    // A program's own input and output may still hold the line it read or wrote last.
    for peer in meeting.both() {
        for _ in 0..20 {
            peer.send(&json!({"cmd": "contacts"}));
            peer.expect("contacts", 10, |_| true);
        }
    }
    let mut left = Vec::new();
    for peer in meeting.both() {
        let memory = memory(peer.pid()).unwrap();
        let role = peer.pid();
        for key in &shared {
            for place in memory.places(key) {
                left.push(format!("{role}: a traffic key in {place}"));
            }
        }
        for words in SAID {
            for place in memory.places(words.as_bytes()) {
                left.push(format!("{role}: “{words}” in {place}"));
            }
        }
    }
    assert!(left.is_empty(), "left in memory:\n{}", left.join("\n"));
    meeting.close();
}

/// SRTP, SRTCP and the signalling, both ways: they live as long as the session, under the layer that is renewed.
const KEYS_OF_THE_SESSION: usize = 6;

#[test]
fn keys_of_an_epoch_are_gone_from_memory_while_the_session_goes_on() {
    let stage = Stage::new("epochs");
    let [therapist, client] =
        ["therapist", "client"].map(|role| Peer::start(&stage.setup(role).with("--rekey-seconds", "4")));
    let (Some(before), Some(before_client)) = (keys(&therapist), keys(&client)) else { return };
    let mut meeting = Meeting::by_invite(therapist, client, "code");
    meeting.open();
    meeting.see_and_hear();
    let epoch = |meeting: &mut Meeting| meeting.both().map(|peer| peer.stats()["epoch"].as_u64().unwrap());
    let in_use = |meeting: &mut Meeting| {
        // Of one epoch on both sides, else they have nothing in common but the keys of the session.
        let both = (0..10).find_map(|_| {
            let begun = epoch(meeting);
            let both = meeting.both().map(|peer| memory(peer.pid()).unwrap());
            (begun[0] == begun[1] && epoch(meeting) == begun).then_some(both)
        });
        let both = both.unwrap().map(|memory| memory.aes_256_keys());
        let new = |which: usize, before: &Keys| -> Keys { both[which].difference(before).copied().collect() };
        new(0, &before).intersection(&new(1, &before_client)).copied().collect::<Keys>()
    };
    let first = in_use(&mut meeting);
    assert!(first.len() >= 16, "only {} keys are the same on both sides", first.len());
    let begun = epoch(&mut meeting);
    meeting.talk(24.0);
    for (begun, now) in begun.into_iter().zip(epoch(&mut meeting)) {
        assert!(now >= begun + 3, "from epoch {begun} to {now}");
    }
    let second = in_use(&mut meeting);
    let stayed: Keys = first.intersection(&second).copied().collect();
    println!("{} keys, then {}; {} stayed", first.len(), second.len(), stayed.len());
    assert!(
        second.len() >= 16 && stayed.len() <= KEYS_OF_THE_SESSION,
        "{} of {} keys stayed",
        stayed.len(),
        first.len()
    );
    let mut left = Vec::new();
    for peer in meeting.both() {
        let memory = memory(peer.pid()).unwrap();
        for key in first.difference(&stayed) {
            left.extend(memory.places(key).into_iter().map(|place| format!("{}: {place}", peer.pid())));
        }
    }
    assert!(left.is_empty(), "keys of a former epoch are left in memory:\n{}", left.join("\n"));
    meeting.end();
    meeting.close();
}

/// What must be nowhere: what it is, and its bytes.
struct Canaries(Vec<(String, Vec<u8>)>);

impl Canaries {
    fn add(&mut self, what: &str, text: &str) {
        self.0.push((what.to_owned(), text.as_bytes().to_vec()));
    }

    fn add_card(&mut self, card: &Value) {
        for field in ["words", "digits", "fingerprint"] {
            let text = match &card[field] {
                // Single words of the list are everywhere: the row of them is what nobody may have.
                Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
                value => value.as_str().unwrap_or_default().to_owned(),
            };
            assert!(text.len() >= 4, "no {field} in {card}");
            self.add(&format!("the comparison's {field}"), &text);
        }
    }

    fn in_bytes(&self, bytes: &[u8], place: &str, found: &mut Vec<String>) {
        for (what, needle) in &self.0 {
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(format!("{what} in {place}"));
            }
        }
    }

    fn in_folder(&self, folder: &Path, found: &mut Vec<String>) -> usize {
        let mut files = 0;
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                files += self.in_folder(&path, found);
            } else {
                files += 1;
                let name = path.display().to_string();
                self.in_bytes(name.as_bytes(), &format!("the name {name}"), found);
                self.in_bytes(&std::fs::read(&path).unwrap_or_default(), &name, found);
            }
        }
        files
    }
}

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One session with everything that could be left behind; what was said and shown is added to the canaries.
fn hold(meeting: &mut Meeting, canaries: &mut Canaries) {
    let cards = meeting.admit();
    for card in &cards {
        canaries.add_card(card);
    }
    meeting.compare(&cards);
    meeting.chat(true, SAID[0]);
    meeting.chat(false, SAID[1]);
    for peer in meeting.both() {
        for key in keys(peer).into_iter().flatten() {
            canaries.add("a key", &hex(&key[..16]));
            canaries.0.push(("a key".into(), key.to_vec()));
        }
    }
    meeting.end();
}

/// First contact by a code, up to the waiting room.
fn pair(mut therapist: Peer, mut client: Peer, canaries: &mut Canaries) -> Meeting {
    therapist.send(&json!({"cmd": "invite", "label": LABEL, "form": "code"}));
    let invite = therapist.expect("invite", 45, |event| event["code"].is_string());
    let code = invite["code"].as_str().unwrap();
    let (_, words) = code.split_once('-').unwrap();
    canaries.add("the words of a code", words);
    client.send(&json!({"cmd": "join", "invite": code}));
    Meeting::in_waiting_room(therapist, client)
}

/// Control of the next test, which looks through what the server says.
#[test]
#[should_panic(expected = "--nats is not there yet")]
fn what_a_server_says_on_standard_error_is_kept() {
    let setup = ServerSetup::arguments(&["--listen", "127.0.0.1:0", "--nats", "nats://localhost"]);
    drop(Server::start(&Programs::shipped().rendezvous, &setup));
}

#[test]
fn nothing_personal_is_left_in_logs_files_or_the_servers_memory() {
    let sessions = std::env::var("SOTTO_LEAK_SESSIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_u32);
    // Many sessions in an hour from one address are no attack here.
    let server = ["--listen", "127.0.0.1:0", "--embedded-relay", "--relay-credentials", "100000"];
    let stage = Stage::with_server("leaks", &ServerSetup::arguments(&server));
    let scratch = stage.folder.join("scratch");
    std::fs::create_dir_all(&scratch).unwrap();
    let start = |role| {
        let setup = stage.setup(role).with("--log", "trace").with_variable("TMPDIR", scratch.clone());
        Peer::start(&setup)
    };
    let mut canaries = Canaries(Vec::new());
    canaries.add("the label", LABEL);
    for words in SAID {
        canaries.add("chat", words);
    }
    let (mut therapist, client) = (start("therapist"), start("client"));
    // A link first, that nobody uses: its secret may be nowhere but in the vault, sealed.
    let (unused, link) = Meeting::invite(&mut therapist, "link");
    canaries.add("an invite link", &link);
    therapist.send(&json!({"cmd": "forget", "contact": unused}));
    let mut meeting = pair(therapist, client, &mut canaries);
    hold(&mut meeting, &mut canaries);
    for session in 1..sessions {
        let Meeting { mut therapist, mut client, client_contact, therapist_contact } = meeting;
        // A mailbox carries 512 cells: some forty sessions in one hour are all that two people get.
        meeting = if session % 25 == 0 {
            therapist.send(&json!({"cmd": "forget", "contact": client_contact}));
            client.send(&json!({"cmd": "forget", "contact": therapist_contact}));
            pair(therapist, client, &mut canaries)
        } else {
            Meeting::by_contact(therapist, client, &client_contact, &therapist_contact)
        };
        hold(&mut meeting, &mut canaries);
        if session % 10 == 0 {
            println!("{session} sessions");
        }
    }
    let_go();

    let mut found = Vec::new();
    for peer in meeting.both() {
        let log = peer.errors();
        let written = log.matches("pictures and keys erased").count();
        assert!(written >= sessions as usize, "a log of nothing proves nothing:\n{log}");
        for line in log.lines() {
            // Without its time: in some hundred lines one is at a microsecond that is somebody's six digits.
            let words = line.split_once("Z ").map_or(line, |(_, words)| words);
            canaries.in_bytes(words.as_bytes(), &format!("a log: {line}"), &mut found);
        }
        // Server and relay are on loopback: their address is the only one that there is to be told.
        for address in ["127.0.0.1", "::1"] {
            if log.contains(address) {
                found.push(format!("the address {address} in a log"));
            }
        }
    }
    let files = canaries.in_folder(stage.folder.path(), &mut found);
    assert!(files >= 2, "two profiles are more than {files} files");
    let scraps = std::fs::read_dir(&scratch).unwrap().count();
    assert_eq!(scraps, 0, "nothing is put into the folder for temporary files");
    let server = stage.server.output();
    assert!(server.contains("\"ready\""), "an output of nothing proves nothing: {server}");
    canaries.in_bytes(server.as_bytes(), "the server's output", &mut found);
    if let Some(memory) = memory(stage.server.pid()) {
        // Control: what it holds as long as it runs is found, so that the right pages are read.
        for own in [&stage.server.url, &stage.server.relay] {
            assert!(!memory.places(own.as_bytes()).is_empty(), "the server's memory does not hold its own {own}");
        }
        println!("{} canaries, {} MB of the server's memory, {files} files", canaries.0.len(), memory.size() >> 20);
        for (what, needle) in &canaries.0 {
            for place in memory.places(needle) {
                found.push(format!("{what} in the server's memory ({place})"));
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "after {sessions} sessions:\n{}", found.join("\n"));
    meeting.close();
}
