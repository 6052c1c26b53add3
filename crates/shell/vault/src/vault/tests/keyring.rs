//! The second factor: with a keyring in memory, that is lost, locked, forgetful, and shared by two computers' files.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use zeroize::Zeroizing;

use super::*;

#[derive(Default)]
struct State {
    entries: BTreeMap<String, Vec<u8>>,
    /// Nothing can be read or written.
    locked: bool,
    /// Takes what it does not keep.
    forgetful: bool,
    asked: u32,
}

#[derive(Clone, Default)]
struct Ring(Arc<Mutex<State>>);

impl Ring {
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.lock().unwrap())
    }

    fn system(&self) -> System {
        System { keyring: Box::new(self.clone()), ..System::default() }
    }

    fn on(&self, files: DiesAt) -> System {
        System { files: Box::new(files), keyring: Box::new(self.clone()) }
    }

    fn create(&self, folder: &Path) -> Vault {
        Vault::create_with(folder, PASS, ProfileRole::Client, CHEAP, self.system()).unwrap()
    }

    fn open(&self, folder: &Path, passphrase: &str) -> Result<Vault, VaultError> {
        Vault::open_with(folder, passphrase, CHEAP, self.system())
    }

    /// A vault with the factor.
    fn bound(&self, folder: &Path) -> Vault {
        let mut vault = self.create(folder);
        vault.use_keyring(PASS, true).unwrap();
        vault
    }

    fn names(&self) -> Vec<String> {
        self.with(|state| state.entries.keys().cloned().collect())
    }

    fn usable<R>(&self, work: impl FnOnce(&mut State) -> R) -> Result<R, KeyringError> {
        self.with(|state| {
            state.asked += 1;
            if state.locked { Err(KeyringError::Unavailable) } else { Ok(work(state)) }
        })
    }
}

impl Keyring for Ring {
    fn read(&self, entry: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        self.usable(|state| state.entries.get(entry).cloned().map(Zeroizing::new))
    }

    fn write(&self, entry: &str, content: &[u8]) -> Result<(), KeyringError> {
        self.usable(|state| {
            if !state.forgetful {
                state.entries.insert(entry.to_owned(), content.to_owned());
            }
        })
    }

    fn note(&self, entry: String, content: [u8; 8]) {
        let _ = self.write(&entry, &content);
    }

    fn remove(&self, entry: &str) -> Result<(), KeyringError> {
        self.usable(|state| {
            state.entries.remove(entry);
        })
    }
}

fn missing<T>(result: &Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::Keyring(KeyringError::Missing)))
}

fn unavailable<T>(result: &Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::Keyring(KeyringError::Unavailable)))
}

#[test]
fn both_factors_are_needed_and_neither_is_enough() {
    let (ring, folder) = (Ring::default(), Folder::new());
    let mut vault = ring.bound(&folder);
    assert!(vault.has_keyring());
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    drop(vault);
    assert_eq!(fs::read(folder.join(files::VAULT)).unwrap()[18], 1, "bit 0 of the flags");
    assert_eq!(labels(&ring.open(&folder, PASS).unwrap()), ["x"]);
    assert!(matches!(ring.open(&folder, "wrong"), Err(VaultError::Open)));
    // A thief of the file has another keyring; one who guessed its entry's name has another key.
    let thief = Ring::default();
    assert!(missing(&thief.open(&folder, PASS)));
    let key = ring.names().into_iter().find(|name| name.starts_with("key ")).unwrap();
    for content in [vec![7; 32], vec![0; 32]] {
        thief.with(|state| state.entries.insert(key.clone(), content));
        assert!(matches!(thief.open(&folder, PASS), Err(VaultError::Open)));
    }
    for content in [vec![], vec![7; 31], vec![7; 33]] {
        thief.with(|state| state.entries.insert(key.clone(), content));
        assert!(missing(&thief.open(&folder, PASS)));
    }
    ring.with(|state| state.locked = true);
    assert!(unavailable(&ring.open(&folder, PASS)));
    // And what the keyring holds is in no file.
    let secret = ring.with(|state| state.entries[&key].clone());
    for (path, bytes) in all_bytes(&folder) {
        assert!(!bytes.windows(32).any(|window| window == secret), "{}", path.display());
    }
}

#[test]
fn the_flag_can_not_be_taken_off_or_put_on_from_outside() {
    let (ring, folder) = (Ring::default(), Folder::new());
    for on in [true, false] {
        let folder = if on { &folder } else { &Folder::new() };
        let mut vault = ring.create(folder);
        vault.use_keyring(PASS, on).unwrap();
        drop(vault);
        for flags in [0, 1, 2, 3, 0x80, 0xff] {
            if flags == u8::from(on) {
                continue;
            }
            let mut file = fs::read(folder.join(files::VAULT)).unwrap();
            file[18] = flags;
            fs::write(folder.join(files::VAULT), &file).unwrap();
            let result = ring.open(folder, PASS);
            assert!(matches!(result, Err(VaultError::Open | VaultError::Keyring(_))), "{on} {flags}");
            file[18] = u8::from(on);
            fs::write(folder.join(files::VAULT), &file).unwrap();
        }
        assert!(ring.open(folder, PASS).is_ok());
    }
}

#[test]
fn a_vault_without_the_factor_asks_no_keyring() {
    let (ring, folder) = (Ring::default(), Folder::new());
    ring.with(|state| state.locked = true);
    let mut vault = ring.create(&folder);
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    vault.change_passphrase("another", Cost::Floor).unwrap();
    assert!(!vault.has_keyring());
    drop(vault);
    ring.open(&folder, "another").unwrap().destroy().unwrap();
    assert_eq!(ring.with(|state| state.asked), 0);
}

#[test]
fn it_is_put_on_only_with_the_passphrase_and_by_a_keyring_that_keeps_it() {
    let (ring, folder) = (Ring::default(), Folder::new());
    let mut vault = ring.create(&folder);
    let before = fs::read(folder.join(files::VAULT)).unwrap();
    assert!(matches!(vault.use_keyring("wrong", true), Err(VaultError::Open)));
    ring.with(|state| state.locked = true);
    assert!(unavailable(&vault.use_keyring(PASS, true)));
    ring.with(|state| (state.locked, state.forgetful) = (false, true));
    assert!(unavailable(&vault.use_keyring(PASS, true)));
    assert!(!vault.has_keyring());
    assert_eq!(fs::read(folder.join(files::VAULT)).unwrap(), before, "nothing was written");
    assert!(ring.names().is_empty());
    vault.use_keyring(PASS, false).unwrap();
    assert_eq!(fs::read(folder.join(files::VAULT)).unwrap(), before, "as it was already");
}

#[test]
fn putting_it_on_and_off_or_a_new_passphrase_leaves_no_file_and_no_entry_of_before() {
    let (ring, folder) = (Ring::default(), Folder::new());
    let mut vault = ring.create(&folder);
    let plain = fs::read(folder.join(files::VAULT)).unwrap();
    vault.use_keyring(PASS, true).unwrap();
    let of_first = ring.names();
    assert_eq!(of_first.len(), 2);
    for (path, file) in all_bytes(&folder) {
        assert!(!file.windows(32).any(|window| window == &plain[19..51]), "{}: an old salt", path.display());
    }
    vault.change_passphrase("another", Cost::Floor).unwrap();
    assert!(vault.has_keyring());
    assert!(ring.names().iter().all(|name| !of_first.contains(name)), "the old entries are gone");
    assert_eq!(ring.names().len(), 2);
    vault.check_passphrase("another").unwrap();
    vault.use_keyring("another", false).unwrap();
    assert!(ring.names().is_empty());
    drop(vault);
    assert!(open(&folder, "another").is_ok(), "the passphrase alone");
}

#[test]
fn a_destroyed_vault_leaves_nothing_in_the_keyring_even_if_that_is_locked() {
    let (ring, folder) = (Ring::default(), Folder::new());
    ring.bound(&folder).destroy().unwrap();
    assert!(ring.names().is_empty() && !Vault::exists(&folder));
    let vault = ring.bound(&folder);
    ring.with(|state| state.locked = true);
    vault.destroy().unwrap();
    assert!(!Vault::exists(&folder), "what can be destroyed is");
}

#[test]
fn an_older_file_in_the_place_of_the_last_is_told_until_it_is_written_over() {
    let (ring, folder) = (Ring::default(), Folder::new());
    let mut vault = ring.bound(&folder);
    let copy = fs::read(folder.join(files::VAULT)).unwrap();
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    let last = vault.generation();
    drop(vault);
    assert!(!ring.open(&folder, PASS).unwrap().is_rolled_back());
    fs::write(folder.join(files::VAULT), copy).unwrap();
    for _ in 0..2 {
        assert!(ring.open(&folder, PASS).unwrap().is_rolled_back(), "each time");
    }
    let mut vault = ring.open(&folder, PASS).unwrap();
    vault.update(|_| ()).unwrap();
    assert!(!vault.is_rolled_back());
    assert!(vault.generation() > last, "no number stands for two contents");
    drop(vault);
    assert!(!ring.open(&folder, PASS).unwrap().is_rolled_back());
}

#[test]
fn the_keyring_is_told_after_the_file_and_one_that_is_locked_then_only_knows_less() {
    let (ring, folder) = (Ring::default(), Folder::new());
    drop(ring.bound(&folder));
    let mut vault = ring.open(&folder, PASS).unwrap();
    ring.with(|state| state.locked = true);
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    drop(vault);
    ring.with(|state| state.locked = false);
    let vault = ring.open(&folder, PASS).unwrap();
    assert!(!vault.is_rolled_back() && labels(&vault) == ["x"]);
    drop(vault);
    ring.with(|state| state.entries.retain(|name, _| name.starts_with("key ")));
    assert!(!ring.open(&folder, PASS).unwrap().is_rolled_back(), "nothing known, nothing said");
    for step in 0..7 {
        for whole in [true, false] {
            let mut vault = Vault::open_with(&folder, PASS, CHEAP, ring.on(DiesAt { left: step, whole })).unwrap();
            assert!(vault.update(|_| ()).is_err());
            drop(vault);
            let mut vault = ring.open(&folder, PASS).unwrap();
            assert!(!vault.is_rolled_back(), "a crash at step {step} is no rollback");
            vault.update(|_| ()).unwrap();
        }
    }
}

#[test]
fn a_crash_while_it_is_put_on_or_off_leaves_a_vault_that_opens() {
    for on in [true, false] {
        let mut seen = [0; 2];
        for step in 0..9 {
            for whole in [true, false] {
                let (ring, folder) = (Ring::default(), Folder::new());
                let mut vault = ring.create(&folder);
                vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
                vault.use_keyring(PASS, !on).unwrap();
                vault.system = ring.on(DiesAt { left: step, whole });
                let done = vault.use_keyring(PASS, on).is_ok();
                drop(vault);
                let vault = ring.open(&folder, PASS).unwrap();
                assert_eq!(labels(&vault), ["x"]);
                assert!(!vault.is_rolled_back());
                assert!(!done || vault.has_keyring() == on);
                seen[usize::from(vault.has_keyring() == on)] += 1;
            }
        }
        assert!(seen[0] > 0 && seen[1] > 0, "{on}: {seen:?}");
    }
}

#[test]
fn a_lost_file_is_restored_with_the_same_key() {
    let (ring, folder) = (Ring::default(), Folder::new());
    let mut vault = ring.bound(&folder);
    for id in 1..=2 {
        vault.update(|profile| profile.contacts.push(contact(id, "x"))).unwrap();
    }
    let lost = vault.generation();
    drop(vault);
    fs::remove_file(folder.join(files::VAULT)).unwrap();
    let vault = Vault::restore_with(&folder, PASS, CHEAP, ring.system()).unwrap();
    assert_eq!(vault.profile().contacts.len(), 1);
    assert!(vault.has_keyring() && vault.generation() > lost);
    drop(vault);
    assert!(!ring.open(&folder, PASS).unwrap().is_rolled_back());
}

#[test]
fn another_computer_gets_a_vault_without_it() {
    let (ring, folder) = (Ring::default(), Folder::new());
    let vault = ring.bound(&folder);
    let (file, words) = vault.export_with(CHEAP).unwrap();
    let there = Folder::new();
    let system = Ring::default().system();
    let moved = Vault::import_with(&there, &file, &words, "there", (CHEAP, CHEAP), system).unwrap();
    assert!(!moved.has_keyring());
}
