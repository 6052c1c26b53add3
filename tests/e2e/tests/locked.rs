//! What is left of a profile in the memory of a program that lives on after it was locked: nothing.
//!
//! The program is this one, started a second time. It does with an engine what the window does, and has the allocator that
//! all programs have; it doesn't know what is looked for. The fields of the window are not in it: `sotto-hands`
//! looks there for the passphrase.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command as Program, Stdio},
    sync::mpsc,
    time::Duration,
};

use sotto_e2e::{Folder, Memory, Programs, Server, ServerSetup};
use sotto_identity::{
    Secret, derive, noted,
    records::{ContactRecord, VerificationState},
};
use sotto_session::Config;
use sotto_session_api::{Command, ContactId, Event, InviteForm, ProfileRole, SecretText};
use sotto_vault::{Cost, Vault};

#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Names the folder and the server of the program that is looked into.
const FOLDER: &str = "SOTTO_LOCKED_FOLDER";
const SERVER: &str = "SOTTO_LOCKED_SERVER";
const TEST: &str = "nothing_of_a_profile_is_left_in_memory_once_it_is_locked";
const PASSPHRASE: &str = "nine quiet stones by the water";
/// A secret is looked for by pieces of this length: a half of it is a leak too.
const PIECE: usize = 16;
/// Wraps the data key, whichever that is.
const KEK: &str = "vault kek";
const STAYS: u64 = 1;
const FORGOTTEN: u64 = 2;

/// As the window does it: the thread that starts engines lives as long as the program.
fn program(folder: &Path) {
    let (launcher, wanted) = mpsc::channel::<(Config, mpsc::Sender<_>)>();
    std::thread::spawn(move || {
        for (config, result) in wanted {
            let _ = result.send(sotto_session::start(config));
        }
    });
    let typed = SecretText::new(std::fs::read_to_string(folder.join("passphrase")).unwrap());
    tell("typed");
    let mut config = Config::new(folder.join("profile"), ProfileRole::Therapist, typed);
    config.rendezvous = Some(std::env::var(SERVER).unwrap());
    let (sender, started) = mpsc::channel();
    launcher.send((config, sender)).unwrap();
    let mut handle = started.recv().unwrap().unwrap();
    let events = handle.events().unwrap();
    let wait = |wanted: fn(&Event) -> bool| {
        while !wanted(&events.recv_timeout(Duration::from_secs(30)).unwrap()) {}
    };
    handle.send(Command::Listen(None));
    handle.send(Command::Invite { label: "x".into(), form: InviteForm::Link, minutes: None });
    wait(|event| matches!(event, Event::Invited { .. }));
    tell("open");
    handle.send(Command::Forget(ContactId(FORGOTTEN)));
    // It comes when all that was asked before is on disk; the second, when the engine is through with it, too.
    for _ in 0..2 {
        handle.send(Command::Log);
        wait(|event| matches!(event, Event::Log(_)));
    }
    tell("forgotten");
    handle.send(Command::Quit);
    wait(|event| matches!(event, Event::Stopped));
    drop((handle, events));
    tell("locked");
}

/// Says how far it is, and waits until it has been looked into.
fn tell(what: &str) {
    println!("now {what}");
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// The second program.
struct Looked {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Looked {
    fn start(folder: &Path, server: &str) -> Self {
        let mut child = Program::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .envs([(FOLDER, folder.as_os_str().to_owned()), (SERVER, OsString::from(server))])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Its memory at a moment; it goes on after that.
    fn at(&mut self, moment: &str) -> Option<Memory> {
        let said = (&mut self.output).lines().map(Result::unwrap).any(|line| line.ends_with(&format!("now {moment}")));
        assert!(said, "it ended before it was {moment}");
        let memory = Memory::of(self.child.id());
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        memory
            .inspect_err(|error| {
                sotto_netlab::skip(&format!("the memory of another process can't be read here ({error}); root can"));
            })
            .ok()
    }
}

impl Drop for Looked {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn secret(what: &str, of: u64) -> Secret<32> {
    Secret::new(*derive::hash(what, &[&of.to_be_bytes()]).first_chunk().unwrap())
}

fn contact(id: u64) -> ContactRecord {
    ContactRecord {
        id,
        label: "x".into(),
        own_secret: None,
        peer_public: *secret("peer", id).expose(),
        psk: secret("psk", id),
        rendezvous_key: secret("rdv", id),
        continuity: Some(secret("continuity", id)),
        continuity_previous: None,
        started: true,
        pairing: false,
        state: VerificationState::Verified,
        compare_on_change: false,
        peer_versions: 0x11,
        version_floor: 1,
        rendezvous: String::new(),
        created: 1,
        verified_at: Some(2),
    }
}

type Secrets = Vec<(String, Vec<u8>)>;

/// What a vault's file holds, and what opens it: these go by names, so that it is known which are in use.
fn secrets(profile: &Path, when: &str) -> Secrets {
    noted::start();
    let vault = Vault::open(profile, PASSPHRASE).unwrap();
    let mut secrets: Secrets = noted::take()
        .into_iter()
        .map(|(what, mut bytes)| match (&what[..], bytes.len()) {
            (KEK, _) => (KEK.to_owned(), bytes),
            ("Extract(h) of", 32) => (format!("data key {when}"), bytes),
            ("Extract(h) of", 64) => {
                bytes.truncate(32); // the keyring's is zero where there is none
                ("Argon2's key".to_owned(), bytes)
            }
            _ => (format!("{what} {when}"), bytes),
        })
        .collect();
    let mut add = |what: &str, secret: &Secret<32>| secrets.push((what.to_owned(), secret.expose().to_vec()));
    let profile = vault.profile();
    add("identity", profile.identity.as_ref().unwrap());
    add("device secret", &profile.device_secret);
    for contact in &profile.contacts {
        for (what, secret) in ["psk", "rdv", "continuity"].into_iter().zip([
            &contact.psk,
            &contact.rendezvous_key,
            contact.continuity.as_ref().unwrap(),
        ]) {
            add(&format!("{what} {}", contact.id), secret);
        }
    }
    for invite in &profile.invites {
        add("psk of an invite", &invite.psk0);
        add("rdv of an invite", &invite.rendezvous_key);
    }
    secrets
}

/// What of these is found, and where.
fn found(memory: &Memory, secrets: &Secrets) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<&[u8], &str> =
        secrets.iter().flat_map(|(what, bytes)| bytes.chunks_exact(PIECE).map(|piece| (piece, &what[..]))).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (piece, place) in memory.find_all(names.keys().copied()) {
        found.entry(names[piece].to_owned()).or_default().insert(place.to_owned());
    }
    found
}

#[test]
fn nothing_of_a_profile_is_left_in_memory_once_it_is_locked() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return program(Path::new(&folder));
    }
    let folder = Folder::new("locked");
    let profile = folder.join("profile");
    let mut vault = Vault::create(&profile, PASSPHRASE, ProfileRole::Therapist, Cost::Floor).unwrap();
    vault.update(|profile| profile.contacts.extend([STAYS, FORGOTTEN].map(contact))).unwrap();
    drop(vault);
    let mut all = secrets(&profile, "before");
    std::fs::write(folder.join("passphrase"), PASSPHRASE).unwrap();
    let server = Server::start(&Programs::shipped().rendezvous, &ServerSetup::loopback());
    let mut looked = Looked::start(folder.path(), &server.url);
    let moments = ["typed", "open", "forgotten", "locked"].map(|moment| (moment, looked.at(moment)));
    assert!(looked.child.wait().unwrap().success());
    all.extend(secrets(&profile, "after"));
    all.push(("passphrase".into(), PASSPHRASE.into()));

    // What each moment needs is found, or the search proves nothing; and nothing else is.
    let lasting =
        [KEK, "identity", "device secret", "psk 1", "rdv 1", "continuity 1", "psk of an invite", "rdv of an invite"];
    let needed = |moment: &str| -> BTreeSet<&str> {
        match moment {
            "typed" => ["passphrase"].into(),
            "open" => lasting.into_iter().chain(["data key before", "psk 2", "rdv 2", "continuity 2"]).collect(),
            "forgotten" => lasting.into_iter().chain(["data key after"]).collect(),
            _ => BTreeSet::new(),
        }
    };
    let mut wrong = Vec::new();
    for (moment, memory) in &moments {
        let Some(memory) = memory else { return };
        let found = found(memory, &all);
        println!("{moment}: {} of {} secrets in {} MB", found.len(), all.len(), memory.size() >> 20);
        let needed = needed(moment);
        wrong.extend(
            needed.iter().filter(|name| !found.contains_key(**name)).map(|name| format!("{moment}: no {name}")),
        );
        let left = found.iter().filter(|(name, _)| !needed.contains(&name[..]));
        wrong.extend(left.map(|(name, places)| format!("{moment}: {name} in {places:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
