//! Crashes at every step, damage, locks, and what the folder shows. Derivations are cheap here, but for one.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use sotto_identity::records::{ContactRecord, InviteRecord, InviteState, VerificationState};

use super::*;

mod keyring;
mod moving;
mod replaced;

const CHEAP: KdfParams = KdfParams { memory_kib: 8, passes: 1, lanes: 1 };
const PASS: &str = "correct horse battery staple";
const CANARY: &str = "CANARY-Erika-Mustermann";

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sotto-vault-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl core::ops::Deref for Folder {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

fn create(folder: &Path, role: ProfileRole) -> Vault {
    Vault::create_with(folder, PASS, role, CHEAP, System::default()).unwrap()
}

fn open(folder: &Path, passphrase: &str) -> Result<Vault, VaultError> {
    Vault::open_with(folder, passphrase, CHEAP, System::default())
}

fn contact(id: u64, label: &str) -> ContactRecord {
    ContactRecord {
        id,
        label: label.into(),
        own_secret: Some(Secret::new([0xC1; 32])),
        peer_public: [0xC2; 32],
        psk: Secret::new([0xC3; 32]),
        rendezvous_key: Secret::new([0xC4; 32]),
        continuity: Some(Secret::new([0xC5; 32])),
        continuity_previous: None,
        started: true,
        pairing: false,
        state: VerificationState::Mismatch,
        compare_on_change: true,
        peer_versions: 0x12,
        version_floor: 1,
        rendezvous: "wss://rdv.example/v1".into(),
        created: 1_700_000_000,
        verified_at: Some(1_700_000_001),
    }
}

fn invite(state: InviteState) -> InviteRecord {
    InviteRecord {
        contact: 3,
        label: CANARY.into(),
        psk0: Secret::new([0xC6; 32]),
        rendezvous_key: Secret::new([0xC7; 32]),
        context: [0xC8; 32],
        versions: 0x11,
        expiry: 1_800_000_000,
        attempts: 2,
        seen_hs1: vec![core::array::from_fn(|i| u8::try_from(i).unwrap())],
        state,
    }
}

fn labels(vault: &Vault) -> Vec<String> {
    vault.profile().contacts.iter().map(|contact| contact.label.clone()).collect()
}

fn all_bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn everything_comes_back_as_it_was_written() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Therapist);
    let identity = *vault.profile().identity_key().unwrap().public();
    let device = *vault.profile().device_secret.expose();
    let states =
        [InviteState::Fresh, InviteState::Burned, InviteState::Consumed { peer_public: [9; 32], confirmed: true }];
    vault
        .update(|profile| {
            profile.contacts = vec![contact(1, "a"), contact(u64::MAX, "ü")];
            profile.contacts[1].state = VerificationState::Verified;
            profile.contacts[1].own_secret = None;
            profile.contacts[1].verified_at = None;
            profile.invites = states.map(invite).into();
            profile.rendezvous = Some("wss://rdv.example/v1#spki=x".into());
            profile.name = Some("Dr. Å".into());
        })
        .unwrap();
    assert_eq!(vault.generation(), 2);
    drop(vault);

    let vault = open(&folder, PASS).unwrap();
    let profile = vault.profile();
    assert_eq!((vault.generation(), profile.role), (2, ProfileRole::Therapist));
    assert_eq!(profile.identity_key().unwrap().public(), &identity);
    assert_eq!(profile.device_secret.expose(), &device);
    assert_eq!(profile.rendezvous.as_deref(), Some("wss://rdv.example/v1#spki=x"));
    assert_eq!(profile.name.as_deref(), Some("Dr. Å"));
    let [first, second] = &profile.contacts[..] else { panic!("two contacts") };
    assert_eq!((first.id, first.label.as_str(), first.state), (1, "a", VerificationState::Mismatch));
    assert_eq!(first.own_secret.as_ref().unwrap().expose(), &[0xC1; 32]);
    assert_eq!(first.peer_public, [0xC2; 32]);
    assert_eq!((first.psk.expose(), first.rendezvous_key.expose()), (&[0xC3; 32], &[0xC4; 32]));
    assert_eq!(first.continuity.as_ref().unwrap().expose(), &[0xC5; 32]);
    assert!(first.continuity_previous.is_none() && first.started && !first.pairing && first.compare_on_change);
    assert_eq!((first.peer_versions, first.version_floor), (0x12, 1));
    assert_eq!((first.created, first.verified_at), (1_700_000_000, Some(1_700_000_001)));
    assert_eq!(first.rendezvous, "wss://rdv.example/v1");
    assert_eq!((second.id, second.label.as_str(), second.state), (u64::MAX, "ü", VerificationState::Verified));
    assert!(second.own_secret.is_none() && second.verified_at.is_none());
    for (read, state) in profile.invites.iter().zip(states) {
        let written = invite(state);
        assert_eq!((read.contact, &read.label, read.state), (written.contact, &written.label, state));
        assert_eq!((read.psk0.expose(), read.rendezvous_key.expose()), (&[0xC6; 32], &[0xC7; 32]));
        assert_eq!((read.context, read.versions, read.expiry, read.attempts), ([0xC8; 32], 0x11, 1_800_000_000, 2));
        assert_eq!(read.seen_hs1, written.seen_hs1);
    }
    assert_eq!(profile.invites.len(), 3);
}

#[test]
fn a_client_has_no_identity_of_its_own_and_two_vaults_share_nothing() {
    let (one, two) = (Folder::new(), Folder::new());
    let (one, two) = (create(&one, ProfileRole::Client), create(&two, ProfileRole::Client));
    assert!(one.profile().identity.is_none());
    assert_ne!(one.profile().device_secret.expose(), two.profile().device_secret.expose());
    assert!(one.header != two.header);
}

#[test]
fn nothing_of_a_profile_is_readable_in_the_folder() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Therapist);
    let identity = *vault.profile().identity.as_ref().unwrap().expose();
    let device = *vault.profile().device_secret.expose();
    for round in 0..3 {
        vault
            .update(|profile| {
                profile.contacts.push(contact(round, CANARY));
                profile.invites.push(invite(InviteState::Fresh));
                profile.rendezvous = Some("wss://rdv.example".into());
                profile.name = Some(CANARY.into());
            })
            .unwrap();
    }
    let secrets: [&[u8]; 9] = [
        CANARY.as_bytes(),
        b"rdv.example",
        PASS.as_bytes(),
        &identity,
        &device,
        &[0xC3; 16],
        &[0xC4; 16],
        &[0xC6; 16],
        &[0xC2; 16],
    ];
    let finds = |bytes: &[u8], secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    // The scan finds what it looks for in a plain body.
    let plain = body::encode(vault.profile()).unwrap();
    assert_eq!(
        secrets.iter().filter(|secret| finds(&plain, secret)).count(),
        secrets.len() - 1,
        "all but the passphrase"
    );
    let files = all_bytes(&folder);
    assert_eq!(files.len(), 3, "vault, backup, lock");
    for (path, bytes) in files {
        for secret in secrets {
            assert!(!finds(&bytes, secret), "{path:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn folder_and_files_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    create(&folder, ProfileRole::Client).update(|_| ()).unwrap();
    assert_eq!(fs::metadata(&*folder).unwrap().permissions().mode() & 0o777, 0o700);
    for (path, _) in all_bytes(&folder) {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
}

#[test]
fn a_second_instance_is_refused_until_the_first_is_gone() {
    let folder = Folder::new();
    let first = create(&folder, ProfileRole::Client);
    assert!(matches!(open(&folder, PASS), Err(VaultError::InUse)));
    assert!(matches!(Vault::create(&folder, PASS, ProfileRole::Client, Cost::Floor), Err(VaultError::InUse)));
    drop(first);
    assert!(open(&folder, PASS).is_ok());
}

#[test]
fn a_vault_or_the_backup_of_a_lost_one_is_never_overwritten_by_a_new_one() {
    let folder = Folder::new();
    assert!(!Vault::exists(&folder));
    create(&folder, ProfileRole::Client).update(|_| ()).unwrap();
    let again = || Vault::create(&folder, PASS, ProfileRole::Client, Cost::Floor);
    assert!(matches!(again(), Err(VaultError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists));
    fs::remove_file(folder.join(files::VAULT)).unwrap();
    assert!(Vault::exists(&folder));
    assert!(matches!(again(), Err(VaultError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists));
    assert!(matches!(open(&folder, PASS), Err(VaultError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
}

fn restore(folder: &Path, passphrase: &str) -> Result<Vault, VaultError> {
    Vault::restore_with(folder, passphrase, CHEAP, System::default())
}

#[test]
fn a_lost_or_damaged_vault_is_restored_from_the_generation_before() {
    for damage in [None, Some(0), Some(6), Some(14), Some(60), Some(170)] {
        let folder = Folder::new();
        let mut vault = create(&folder, ProfileRole::Client);
        for id in 1..=2 {
            vault.update(|profile| profile.contacts.push(contact(id, "x"))).unwrap();
        }
        let lost = vault.generation();
        drop(vault);
        let path = folder.join(files::VAULT);
        let mut file = fs::read(&path).unwrap();
        match damage {
            None => fs::remove_file(&path).unwrap(),
            Some(0) => fs::write(&path, []).unwrap(),
            Some(at) => {
                file[at] ^= 1;
                fs::write(&path, &file).unwrap();
            }
        }
        assert!(open(&folder, PASS).is_err());
        let before = fs::read(&path).ok();
        assert!(matches!(restore(&folder, "wrong"), Err(VaultError::Open)));
        assert_eq!(fs::read(&path).ok(), before, "a wrong passphrase changes nothing");
        let vault = restore(&folder, PASS).unwrap();
        assert_eq!(vault.profile().contacts.len(), 1);
        assert!(vault.generation() > lost, "no number stands for two contents");
        drop(vault);
        assert_eq!(open(&folder, PASS).unwrap().profile().contacts.len(), 1);
        let files = fs::read_dir(&*folder).unwrap().count();
        assert_eq!(files, 3, "vault, backup and lock: nothing that a later forgetting would not reach");
    }
}

#[test]
fn a_restore_that_fails_leaves_both_files_as_they_are() {
    let folder = Folder::new();
    create(&folder, ProfileRole::Client).update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    let read = || [files::VAULT, files::BACKUP].map(|name| fs::read(folder.join(name)).unwrap());
    let mut both = read();
    for (name, file) in [files::VAULT, files::BACKUP].into_iter().zip(&mut both) {
        *file.last_mut().unwrap() ^= 1;
        fs::write(folder.join(name), file).unwrap();
    }
    assert!(matches!(restore(&folder, PASS), Err(VaultError::Open)));
    assert_eq!(read(), both);
}

#[test]
fn nothing_is_restored_over_a_whole_vault_or_from_before_a_new_passphrase() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    let old = fs::read(folder.join(files::BACKUP)).unwrap();
    vault.change_passphrase("another", Cost::Floor).unwrap();
    drop(vault);
    let path = folder.join(files::VAULT);
    let good = fs::read(&path).unwrap();
    assert!(restore(&folder, "another").is_err(), "it is whole");
    assert_eq!(fs::read(&path).unwrap(), good);
    // As a change of the passphrase leaves it that was cut off half-way.
    fs::write(folder.join(files::BACKUP), old).unwrap();
    assert!(matches!(restore(&folder, PASS), Err(VaultError::Open)));
    assert_eq!(fs::read(&path).unwrap(), good);
}

/// The data key that a file holds, wrapped.
fn dek(file: &[u8], passphrase: &str) -> Result<Secret<32>, VaultError> {
    let header = Header::of(Kind::Vault, file)?;
    header.unwrap_dek(&header.kek(passphrase, None)?)
}

const BOTH: [&str; 2] = [files::VAULT, files::BACKUP];

#[test]
fn what_is_removed_for_good_is_in_no_file() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    for (id, label) in [(1, "stays"), (2, CANARY), (3, "too")] {
        vault.update(|profile| profile.contacts.push(contact(id, label))).unwrap();
    }
    let old = BOTH.map(|name| fs::read(folder.join(name)).unwrap());
    vault.update_for_good(|profile| profile.contacts.retain(|contact| contact.id != 2)).unwrap();
    assert_eq!(labels(&vault), ["stays", "too"]);
    drop(vault);
    for name in BOTH {
        let file = fs::read(folder.join(name)).unwrap();
        // The file as it is, and whatever is left of older ones without the key that was in them.
        let key = dek(&file, PASS).unwrap();
        for old in &old {
            assert!(container::open_body(old, &key).is_err(), "{name} holds the key of before");
            assert!(container::open_body(&file, &dek(old, PASS).unwrap()).is_err(), "{name} has the key of before");
        }
        let alone = Folder::new();
        create(&alone, ProfileRole::Client);
        fs::write(alone.join(files::VAULT), &file).unwrap();
        assert_eq!(labels(&open(&alone, PASS).unwrap()), ["stays", "too"], "{name}");
    }
    assert_eq!(fs::read_dir(&*folder).unwrap().count(), 3, "vault, backup and lock");
    // It goes on with the new key, and a lost file is restored from the new backup.
    open(&folder, PASS).unwrap().update(|profile| profile.contacts.push(contact(4, "new"))).unwrap();
    assert_eq!(labels(&open(&folder, PASS).unwrap()), ["stays", "too", "new"]);
    fs::remove_file(folder.join(files::VAULT)).unwrap();
    assert_eq!(labels(&restore(&folder, PASS).unwrap()), ["stays", "too"]);
}

#[test]
fn a_crash_while_something_is_removed_for_good_leaves_the_old_or_the_new_profile_whole() {
    let mut seen = [0; 2];
    for step in 0..9 {
        for whole in [true, false] {
            let folder = Folder::new();
            let mut vault = create(&folder, ProfileRole::Client);
            vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
            vault.update(|_| ()).unwrap(); // the backup has it too
            drop(vault);
            let mut vault = Vault::open_with(&folder, PASS, CHEAP, on(DiesAt { left: step, whole })).unwrap();
            let done = vault.update_for_good(|profile| profile.contacts.clear()).is_ok();
            assert_eq!(labels(&vault).len(), usize::from(!done), "step {step}");
            drop(vault);
            let has_it = labels(&open(&folder, PASS).unwrap()).len();
            seen[has_it] += 1;
            if has_it == 0 {
                // Once the file has lost it, so has the backup.
                fs::remove_file(folder.join(files::VAULT)).unwrap();
                assert!(labels(&restore(&folder, PASS).unwrap()).is_empty(), "step {step}");
            }
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}

/// As forgetting leaves it that was cut off half-way: two keys, and the file newer than this program.
#[test]
fn nothing_is_restored_over_a_newer_vault_of_another_data_key() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    let older = fs::read(folder.join(files::BACKUP)).unwrap();
    vault.update_for_good(|profile| profile.contacts.clear()).unwrap();
    drop(vault);
    fs::write(folder.join(files::BACKUP), older).unwrap();
    let whole = fs::read(folder.join(files::VAULT)).unwrap();
    assert!(restore(&folder, PASS).is_err());
    assert_eq!(fs::read(folder.join(files::VAULT)).unwrap(), whole);
}

#[test]
fn the_backup_is_the_generation_before() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    for id in 1..=3 {
        vault.update(|profile| profile.contacts.push(contact(id, "x"))).unwrap();
    }
    drop(vault);
    fs::copy(folder.join(files::BACKUP), folder.join(files::VAULT)).unwrap();
    let restored = open(&folder, PASS).unwrap();
    assert_eq!((restored.generation(), restored.profile().contacts.len()), (3, 2));
}

#[test]
fn each_write_has_its_own_key_also_after_a_restored_copy() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    let copy = fs::read(folder.join(files::VAULT)).unwrap();
    let mut salts = vec![copy[111..143].to_vec()];
    for _ in 0..2 {
        vault.update(|_| ()).unwrap();
        salts.push(fs::read(folder.join(files::VAULT)).unwrap()[111..143].to_vec());
    }
    drop(vault);
    fs::write(folder.join(files::VAULT), copy).unwrap();
    open(&folder, PASS).unwrap().update(|_| ()).unwrap();
    salts.push(fs::read(folder.join(files::VAULT)).unwrap()[111..143].to_vec());
    salts.sort_unstable();
    salts.dedup();
    assert_eq!(salts.len(), 4);
}

/// Fails at the n-th operation, having done it by half, and at every one after it: the program is dead.
struct DiesAt {
    left: u32,
    whole: bool,
}

impl DiesAt {
    fn died() -> io::Error {
        io::Error::other("dead")
    }

    fn step(&mut self) -> bool {
        let alive = self.left > 0;
        self.left = self.left.saturating_sub(1);
        alive
    }
}

impl Files for DiesAt {
    fn write_new(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        if self.step() {
            return SystemFiles.write_new(path, content);
        }
        if !core::mem::replace(&mut self.whole, true) {
            SystemFiles.write_new(path, &content[..content.len() / 2])?;
        }
        Err(Self::died())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if self.step() {
            return SystemFiles.rename(from, to);
        }
        if !core::mem::replace(&mut self.whole, true) {
            SystemFiles.rename(from, to)?; // done, but the program died before it knew
        }
        Err(Self::died())
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        if self.step() { SystemFiles.sync_folder(folder) } else { Err(Self::died()) }
    }

    fn overwrite(&mut self, file: &File) -> io::Result<()> {
        if self.step() { SystemFiles.overwrite(file) } else { Err(Self::died()) }
    }
}

fn on(files: impl Files + 'static) -> System {
    System { files: Box::new(files), ..System::default() }
}

#[test]
fn a_crash_at_any_step_leaves_the_old_or_the_new_profile_whole() {
    let (mut old_seen, mut new_seen) = (0, 0);
    for step in 0..7 {
        for whole in [true, false] {
            let folder = Folder::new();
            create(&folder, ProfileRole::Client).update(|profile| profile.contacts.push(contact(1, "old"))).unwrap();
            let mut vault = Vault::open_with(&folder, PASS, CHEAP, on(DiesAt { left: step, whole })).unwrap();
            let written = vault.update(|profile| profile.contacts.push(contact(2, "new")));
            assert!(matches!(written, Err(VaultError::Io(_))), "step {step}: dies within one write");
            assert_eq!(labels(&vault), ["old"], "in memory it is as before");
            drop(vault);

            let mut vault = open(&folder, PASS).unwrap();
            match &labels(&vault)[..] {
                [old] if old == "old" => old_seen += 1,
                [old, new] if old == "old" && new == "new" => new_seen += 1,
                other => panic!("step {step}: {other:?}"),
            }
            assert!(!folder.join(files::TEMP).exists(), "leftovers are gone");
            vault.update(|profile| profile.contacts.push(contact(3, "after"))).unwrap();
            drop(vault);
            assert_eq!(labels(&open(&folder, PASS).unwrap()).last().unwrap(), "after");
        }
    }
    assert!(old_seen > 0 && new_seen > 0, "{old_seen} {new_seen}");
}

#[test]
fn a_vault_that_died_while_it_was_made_can_be_made_again() {
    for step in 0..2 {
        let folder = Folder::new();
        let died =
            Vault::create_with(&folder, PASS, ProfileRole::Client, CHEAP, on(DiesAt { left: step, whole: step == 1 }));
        assert!(died.is_err());
        assert!(!Vault::exists(&folder));
        create(&folder, ProfileRole::Client);
        assert!(open(&folder, PASS).is_ok());
    }
}

#[test]
fn after_a_failed_write_the_next_one_has_another_generation() {
    let folder = Folder::new();
    create(&folder, ProfileRole::Client);
    let mut vault = Vault::open_with(&folder, PASS, CHEAP, on(DiesAt { left: 4, whole: false })).unwrap();
    assert!(vault.update(|_| ()).is_err());
    vault.system = System::default();
    vault.update(|_| ()).unwrap();
    assert_eq!(vault.generation(), 3);
}

#[test]
fn damage_anywhere_on_disk_is_one_error_and_nothing_is_written() {
    let folder = Folder::new();
    create(&folder, ProfileRole::Client).update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    let path = folder.join(files::VAULT);
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).filter(|at| !(6..19).contains(at)) {
        let mut damaged = good.clone();
        damaged[at] ^= 0x20;
        fs::write(&path, &damaged).unwrap();
        assert!(matches!(open(&folder, PASS), Err(VaultError::Open)), "byte {at}");
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    for len in [0, 1, 110, 154, 155, 170, good.len() - 1] {
        fs::write(&path, &good[..len]).unwrap();
        assert!(matches!(open(&folder, PASS), Err(VaultError::Open)), "length {len}");
    }
    fs::write(&path, &good).unwrap();
    assert!(matches!(open(&folder, "wrong"), Err(VaultError::Open)));
    assert!(open(&folder, PASS).is_ok());
}

#[test]
fn a_newer_body_is_named_and_a_malformed_one_is_damage() {
    let folder = Folder::new();
    let vault = create(&folder, ProfileRole::Client);
    let plain = body::encode(vault.profile()).unwrap();
    let decode = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = plain.to_vec();
        change(&mut changed);
        body::decode(&changed).map(|_| ())
    };
    assert!(decode(&|_| ()).is_ok());
    assert!(
        matches!(decode(&|bytes| bytes[0] = 3), Err(VaultError::Io(error)) if error.kind() == io::ErrorKind::Unsupported)
    );
    assert!(matches!(decode(&|bytes| bytes.push(0)), Err(VaultError::Open)));
    for len in 0..plain.len() {
        assert!(matches!(decode(&|bytes| bytes.truncate(len)), Err(VaultError::Open)), "length {len}");
    }
}

#[test]
fn a_vault_from_before_the_event_log_opens_with_an_empty_one() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Therapist);
    vault.update(|profile| profile.contacts.push(contact(1, CANARY))).unwrap();
    let mut before = body::encode(vault.profile()).unwrap().to_vec();
    // Version 2 has the value before the first line, and no line, behind it.
    before[0] = 1;
    before.truncate(before.len() - 33);
    let read = body::decode(&before).unwrap();
    assert_eq!((read.contacts.len(), read.log), (1, EventLog::default()));
}

#[test]
fn the_event_log_is_there_again() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Therapist);
    for line in ["one", "two"] {
        vault.update(|profile| profile.log.append(line.into())).unwrap();
    }
    let written = vault.profile().log.clone();
    drop(vault);
    let read = open(&folder, PASS).unwrap().profile().log.clone();
    assert_eq!((read.first_changed(), read.lines.len(), &read), (None, 2, &written));
}

/// Nobody but the key's holder can make such a body; still it must not cost a crash.
#[test]
fn random_bodies_never_panic() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Therapist);
    vault
        .update(|profile| {
            profile.contacts.push(contact(1, CANARY));
            profile.invites.push(invite(InviteState::Fresh));
        })
        .unwrap();
    let plain = body::encode(vault.profile()).unwrap();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..100_000 {
        let mut bytes = plain.to_vec();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            bytes[at] = u8::try_from(next(256)).unwrap();
        }
        bytes.truncate(1 + next(bytes.len()));
        let _ = body::decode(&bytes);
    }
}

#[test]
fn a_new_passphrase_replaces_key_and_backup() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    let old_file = fs::read(folder.join(files::VAULT)).unwrap();
    vault.change_passphrase("another", Cost::Floor).unwrap();
    drop(vault);
    assert!(matches!(open(&folder, PASS), Err(VaultError::Open)));
    assert_eq!(labels(&open(&folder, "another").unwrap()), ["x"]);
    // The key of an old copy opens neither the new file nor its backup.
    let old_dek = dek(&old_file, PASS).unwrap();
    for name in [files::VAULT, files::BACKUP] {
        let file = fs::read(folder.join(name)).unwrap();
        assert!(container::open_body(&file, &old_dek).is_err(), "{name}");
        assert!(dek(&file, PASS).is_err(), "{name}");
    }
}

#[test]
fn a_failed_change_of_passphrase_keeps_the_old_one() {
    let folder = Folder::new();
    create(&folder, ProfileRole::Client);
    let mut vault = Vault::open_with(&folder, PASS, CHEAP, on(DiesAt { left: 0, whole: true })).unwrap();
    assert!(vault.change_passphrase("another", Cost::Floor).is_err());
    vault.system = System::default();
    vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
    drop(vault);
    assert_eq!(labels(&open(&folder, PASS).unwrap()), ["x"]);
}

#[test]
fn a_vault_of_the_floor_is_opened_with_its_own_parameters() {
    let folder = Folder::new();
    drop(Vault::create(&folder, PASS, ProfileRole::Therapist, Cost::Floor).unwrap());
    let header = fs::read(folder.join(files::VAULT)).unwrap();
    assert_eq!(&header[..19], b"TSPV\x01\x01\x00\x01\x00\x00\x00\x00\x00\x03\x00\x00\x00\x04\x00");
    assert!(Vault::open(&folder, PASS).is_ok());
    assert!(matches!(Vault::open(&folder, "wrong"), Err(VaultError::Open)));
}

#[test]
fn a_vault_below_the_floor_is_not_opened() {
    let folder = Folder::new();
    create(&folder, ProfileRole::Client);
    assert!(matches!(Vault::open(&folder, PASS), Err(VaultError::Parameters)));
}

#[test]
fn only_the_passphrase_is_the_passphrase() {
    let folder = Folder::new();
    let vault = create(&folder, ProfileRole::Client);
    assert!(vault.check_passphrase(PASS).is_ok());
    assert!(matches!(vault.check_passphrase("wrong"), Err(VaultError::Open)));
}

#[test]
fn debug_shows_nothing() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    vault.update(|profile| profile.contacts.push(contact(1, CANARY))).unwrap();
    assert_eq!(format!("{vault:?} {:?}", vault.profile()), "Vault(generation 2) Profile(Client)");
}
