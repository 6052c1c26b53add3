//! The vault on a real disk: wrong passphrase, damage, crashes, two programs, nothing in the clear.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use sotto_identity::{
    Secret,
    records::{ContactRecord, VerificationState},
};
use sotto_session_api::ProfileRole;
use sotto_vault::{Cost, Vault, VaultError};

const PASSPHRASE: &str = "correct horse battery staple";
const CANARY: &str = "canary-label-Tuesday-10";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sotto-vault-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
    fn vault(&self) -> PathBuf {
        self.0.join("vault.tsp")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn contact() -> ContactRecord {
    ContactRecord {
        id: 7,
        label: CANARY.into(),
        own_secret: None,
        peer_public: [3; 32],
        psk: Secret::new([0xA5; 32]),
        rendezvous_key: Secret::new([5; 32]),
        continuity: None,
        continuity_previous: None,
        started: false,
        pairing: false,
        state: VerificationState::Verified,
        compare_on_change: false,
        peer_versions: 0x11,
        version_floor: 1,
        rendezvous: "wss://practice.example/v1".into(),
        created: 1,
        verified_at: Some(2),
    }
}

fn create(folder: &Folder) -> Vault {
    let mut vault = Vault::create(&folder.0, PASSPHRASE, ProfileRole::Therapist, Cost::Floor).unwrap();
    vault.update(|profile| profile.contacts.push(contact())).unwrap();
    vault
}

fn open(path: &Path) -> Result<Vault, VaultError> {
    Vault::open(path, PASSPHRASE)
}

#[test]
fn what_was_written_is_there_again_and_only_with_the_passphrase() {
    let folder = Folder::new("again");
    let identity = *create(&folder).profile().identity.as_ref().unwrap().expose();
    let vault = open(&folder.0).unwrap();
    assert_eq!(vault.profile().identity.as_ref().unwrap().expose(), &identity);
    assert_eq!(vault.profile().contacts[0].label, CANARY);
    assert_eq!(vault.profile().contacts[0].psk.expose(), &[0xA5; 32]);
    drop(vault);
    assert!(matches!(Vault::open(&folder.0, "correct horse battery stable"), Err(VaultError::Open)));
}

#[test]
fn nothing_of_the_profile_is_on_disk_in_the_clear() {
    let folder = Folder::new("clear");
    drop(create(&folder));
    for entry in fs::read_dir(&folder.0).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        for needle in [CANARY.as_bytes(), b"practice.example", &[0xA5; 16]] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{:?}", entry.file_name());
        }
        assert!(!entry.file_name().to_string_lossy().contains("canary"));
    }
}

#[test]
fn damage_anywhere_is_one_clear_error() {
    let folder = Folder::new("damage");
    drop(create(&folder));
    let good = fs::read(folder.vault()).unwrap();
    // One position in each field, and the last byte; each costs one key derivation.
    for at in [0, 4, 5, 18, 20, 55, 70, 110, 112, 145, 152, 160, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(folder.vault(), &bad).unwrap();
        // Byte 18 says that a keyring is needed: this vault has no key there, whatever keyring there is.
        let refused = match open(&folder.0) {
            Err(VaultError::Open) => true,
            Err(VaultError::Keyring(_)) => at == 18,
            _ => false,
        };
        assert!(refused, "byte {at}");
    }
    for length in [0, 3, 110, 154, 155, good.len() - 1] {
        fs::write(folder.vault(), &good[..length]).unwrap();
        assert!(matches!(open(&folder.0), Err(VaultError::Open)), "length {length}");
    }
    fs::write(folder.vault(), &good).unwrap();
    assert!(open(&folder.0).is_ok());
}

#[test]
fn a_file_that_asks_for_a_terabyte_is_refused() {
    let folder = Folder::new("terabyte");
    drop(create(&folder));
    let mut bad = fs::read(folder.vault()).unwrap();
    bad[6..10].copy_from_slice(&u32::MAX.to_be_bytes());
    fs::write(folder.vault(), &bad).unwrap();
    assert!(matches!(open(&folder.0), Err(VaultError::Parameters)));
}

#[test]
fn a_crash_while_writing_leaves_the_last_generation() {
    let folder = Folder::new("crash");
    drop(create(&folder));
    // What a crash before the rename leaves behind.
    fs::write(folder.0.join("vault.tsp.new"), b"half a file").unwrap();
    let mut vault = open(&folder.0).unwrap();
    assert_eq!(vault.profile().contacts.len(), 1);
    vault.update(|profile| profile.contacts.clear()).unwrap();
    drop(vault);
    assert!(open(&folder.0).unwrap().profile().contacts.is_empty());
    // The previous generation is kept, and opens.
    fs::rename(folder.0.join("vault.tsp.bak"), folder.vault()).unwrap();
    assert_eq!(open(&folder.0).unwrap().profile().contacts.len(), 1);
}

#[test]
fn a_write_that_fails_changes_nothing() {
    let folder = Folder::new("fails");
    let mut vault = create(&folder);
    // A folder in the place of the temporary file: the write can't begin.
    fs::create_dir(folder.0.join("vault.tsp.new")).unwrap();
    assert!(matches!(vault.update(|profile| profile.contacts.clear()), Err(VaultError::Io(_))));
    assert_eq!(vault.profile().contacts.len(), 1);
    drop(vault);
    assert_eq!(open(&folder.0).unwrap().profile().contacts.len(), 1);
}

#[test]
fn a_second_program_is_refused_while_the_first_runs() {
    let folder = Folder::new("second");
    let first = create(&folder);
    assert!(matches!(open(&folder.0), Err(VaultError::InUse)));
    drop(first);
    assert!(open(&folder.0).is_ok());
}

#[test]
fn no_key_and_nonce_is_used_twice() {
    let folder = Folder::new("nonce");
    let mut vault = create(&folder);
    let salt = |folder: &Folder| fs::read(folder.vault()).unwrap()[111..143].to_vec();
    let first = salt(&folder);
    vault.update(|_| ()).unwrap();
    assert_ne!(salt(&folder), first);
}
