//! The vault's own thread: writes are durable before they are reported.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
};

use sotto_call::{Change, Input, Ticket};
use sotto_identity::event_log::EventLog;
use sotto_session_api::{Event, SecretText};
use sotto_vault::{KeyringError, Vault, VaultError};
use tokio::sync::mpsc as tokio_mpsc;

use crate::{engine::Message, handle::cost, scrub};

/// What the thread does, in order.
enum Task {
    Store(Ticket, Change),
    /// Tells what happened so far.
    Log(Box<dyn FnOnce(&EventLog) + Send>),
    ChangePassphrase {
        old: SecretText,
        new: SecretText,
    },
    UseKeyring {
        passphrase: SecretText,
        on: bool,
    },
    Export(PathBuf),
    Erase,
}

/// What a person asks of the vault itself; each is answered by an event.
pub(crate) enum Ask {
    ChangePassphrase { old: SecretText, new: SecretText },
    UseKeyring { passphrase: SecretText, on: bool },
    Export(PathBuf),
}

/// Hands changes to the vault; dropped, it finishes what was asked and closes the vault.
pub(crate) struct Storage {
    changes: Option<mpsc::Sender<Box<Task>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Storage {
    /// `fast_kdf`: a new passphrase costs as little as is allowed.
    pub(crate) fn start(
        vault: Box<Vault>,
        fast_kdf: bool,
        messages: tokio_mpsc::Sender<Box<Message>>,
    ) -> io::Result<Self> {
        let (changes, receiver) = mpsc::channel::<Box<Task>>();
        let thread = thread::Builder::new().name("vault".into()).spawn(move || {
            work(vault, fast_kdf, &receiver, &messages);
            // The system keeps the stacks of ended threads for those that come.
            scrub::stack();
        })?;
        Ok(Self { changes: Some(changes), thread: Some(thread) })
    }

    pub(crate) fn store(&self, ticket: Ticket, change: Change) {
        self.send(Task::Store(ticket, change));
    }

    /// Hands the event log out, with all that was stored before.
    pub(crate) fn log(&self, tell: impl FnOnce(&EventLog) + Send + 'static) {
        self.send(Task::Log(Box::new(tell)));
    }

    pub(crate) fn ask(&self, ask: Ask) {
        self.send(match ask {
            Ask::ChangePassphrase { old, new } => Task::ChangePassphrase { old, new },
            Ask::UseKeyring { passphrase, on } => Task::UseKeyring { passphrase, on },
            Ask::Export(path) => Task::Export(path),
        });
    }

    /// Destroys the vault after what was asked before; nothing can be asked after it.
    pub(crate) fn erase(&self) {
        self.send(Task::Erase);
    }

    fn send(&self, task: Task) {
        if let Some(changes) = &self.changes {
            let _ = changes.send(Box::new(task));
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.changes = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Does what is asked for, until nobody can ask any more.
#[inline(never)]
fn work(
    mut vault: Box<Vault>,
    fast_kdf: bool,
    tasks: &mpsc::Receiver<Box<Task>>,
    messages: &tokio_mpsc::Sender<Box<Message>>,
) {
    while let Ok(task) = tasks.recv() {
        let answer = match *task {
            Task::Store(ticket, change) => Message::Input(store(&mut vault, ticket, change)),
            Task::Log(tell) => {
                tell(&vault.profile().log);
                continue;
            }
            Task::ChangePassphrase { old, new } => Message::Event(change_passphrase(&mut vault, &old, &new, fast_kdf)),
            Task::UseKeyring { passphrase, on } => Message::Event(use_keyring(&mut vault, &passphrase, on)),
            Task::Export(path) => Message::Event(export(&vault, &path, fast_kdf)),
            Task::Erase => {
                if let Err(error) = vault.destroy() {
                    tracing::error!(%error, "the profile could not be erased");
                }
                return;
            }
        };
        // A key that was replaced is not to wait here for the next task.
        scrub::stack();
        if messages.blocking_send(Box::new(answer)).is_err() {
            // The engine is gone, but what it asked for still becomes durable.
        }
    }
}

fn store(vault: &mut Vault, ticket: Ticket, change: Change) -> Input {
    // What is forgotten is to be in no older file either.
    let for_good = matches!(change, Change::RemoveContact(_));
    let change = |profile: &mut sotto_vault::Profile| apply(profile, change);
    let written = if for_good { vault.update_for_good(change) } else { vault.update(change) };
    if written.is_ok() { Input::Stored(ticket) } else { Input::StoreFailed(ticket) }
}

fn change_passphrase(vault: &mut Vault, old: &SecretText, new: &SecretText, fast_kdf: bool) -> Event {
    let changed =
        vault.check_passphrase(old.expose()).and_then(|()| vault.change_passphrase(new.expose(), cost(fast_kdf)));
    changed.map_or_else(|error| Event::refused(vault_code(&error)), |()| Event::PassphraseChanged)
}

fn use_keyring(vault: &mut Vault, passphrase: &SecretText, on: bool) -> Event {
    let used = vault.use_keyring(passphrase.expose(), on);
    used.map_or_else(|error| Event::refused(vault_code(&error)), |()| Event::Keyring { on })
}

const fn vault_code(error: &VaultError) -> &'static str {
    match error {
        VaultError::Open => "E_PASSPHRASE",
        VaultError::Keyring(KeyringError::Missing) => "E_KEYRING_MISSING",
        VaultError::Keyring(KeyringError::Unavailable) => "E_KEYRING",
        _ => "E_STORE",
    }
}

fn export(vault: &Vault, path: &Path, fast_kdf: bool) -> Event {
    // Another computer opens it: the usual cost, not what suits this one.
    let cost = if fast_kdf { sotto_vault::Cost::Floor } else { sotto_vault::Cost::Default };
    let written = vault.export(cost).and_then(|(file, words)| Ok(write(path, &file).map(|()| words)?));
    match written {
        Ok(words) => Event::Exported { words: SecretText::new(words.words().join(" ")) },
        Err(error) => {
            tracing::warn!(%error, "the file for another computer could not be written");
            Event::refused("E_EXPORT")
        }
    }
}

/// Writes a file whole or not at all, readable by its owner only.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

fn apply(profile: &mut sotto_vault::Profile, change: Change) {
    match change {
        Change::PutContact(contact) => {
            profile.contacts.retain(|own| own.id != contact.id);
            profile.contacts.push(*contact);
        }
        Change::RemoveContact(id) => {
            // Into a list of its own: one that closes its gaps keeps what it moved behind its end.
            let kept = profile.contacts.iter().filter(|own| own.id != id).cloned().collect();
            profile.contacts = kept;
        }
        Change::PutInvite(invite) => {
            profile.invites.retain(|own| own.contact != invite.contact);
            profile.invites.push(*invite);
        }
        Change::RemoveInvite(contact) => profile.invites.retain(|own| own.contact != contact),
        Change::Log(line) => profile.log.append(line),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use sotto_identity::{
        Secret,
        records::{ContactRecord, VerificationState},
    };
    use sotto_session_api::ProfileRole;
    use sotto_vault::Cost;

    use super::*;

    const PASSPHRASE: &str = "correct horse battery staple";

    fn contact(id: u64) -> Box<ContactRecord> {
        Box::new(ContactRecord {
            id,
            label: "x".into(),
            own_secret: None,
            peer_public: [3; 32],
            psk: Secret::new([4; 32]),
            rendezvous_key: Secret::new([5; 32]),
            continuity: None,
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
        })
    }

    #[test]
    fn who_is_forgotten_is_in_neither_file_and_the_data_key_is_another() {
        let folder = std::env::temp_dir().join(format!("sotto-storage-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let file = |name: &str| fs::read(folder.join(name)).unwrap();
        let (messages, mut answers) = tokio_mpsc::channel(16);
        // Dropped, it has done all of it.
        let carry_out = |storage: Storage, changes: Vec<Change>| {
            (0..).map(Ticket).zip(changes).for_each(|(ticket, change)| storage.store(ticket, change));
        };
        let vault = Vault::create(&folder, PASSPHRASE, ProfileRole::Therapist, Cost::Floor).unwrap();
        let storage = Storage::start(Box::new(vault), true, messages.clone()).unwrap();
        carry_out(storage, vec![Change::PutContact(contact(1)), Change::PutContact(contact(2))]);
        let wrapped_key = |file: &[u8]| file[51..111].to_vec();
        let before = wrapped_key(&file("vault.tsp"));

        let storage = Storage::start(Box::new(Vault::open(&folder, PASSPHRASE).unwrap()), true, messages).unwrap();
        carry_out(storage, vec![Change::RemoveContact(2)]);
        let told: Vec<_> = std::iter::from_fn(|| answers.try_recv().ok()).collect();
        let is_stored = |message: &Message| matches!(message, Message::Input(Input::Stored(_)));
        assert!(told.len() == 3 && told.iter().all(|message| is_stored(message)));
        for name in ["vault.tsp", "vault.tsp.bak"] {
            assert_ne!(wrapped_key(&file(name)), before, "{name}");
            fs::write(folder.join("vault.tsp"), file(name)).unwrap();
            let vault = Vault::open(&folder, PASSPHRASE).unwrap();
            assert_eq!(vault.profile().contacts.iter().map(|contact| contact.id).collect::<Vec<_>>(), [1], "{name}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
