//! What is replaced or destroyed: it is overwritten, now or later, and nothing else ever is.

use super::*;

/// A second name shows what the disk keeps of a file that has lost its first one.
#[test]
fn what_a_write_replaces_is_overwritten() {
    type Write = fn(&mut Vault);
    let writes: [(&str, Write); 3] = [
        ("forgetting", |vault| vault.update_for_good(|profile| profile.contacts.clear()).unwrap()),
        ("a change", |vault| vault.update(|profile| profile.contacts.clear()).unwrap()),
        ("a new passphrase", |vault| vault.change_passphrase("another", Cost::Floor).unwrap()),
    ];
    for (what, write) in writes {
        let (folder, kept) = (Folder::new(), Folder::new());
        let mut vault = create(&folder, ProfileRole::Client);
        vault.update(|profile| profile.contacts.push(contact(1, "x"))).unwrap();
        files::make_folder(&kept).unwrap();
        for name in BOTH {
            fs::hard_link(folder.join(name), kept.join(name)).unwrap();
        }
        write(&mut vault);
        for name in BOTH {
            let old = fs::read(kept.join(name)).unwrap();
            assert!(old.len() > 155 && old.iter().all(|&byte| byte == 0), "{what}: {name} as it was");
            assert_ne!(fs::read(folder.join(name)).unwrap(), old);
        }
    }
}

fn is_zeros(mut file: &File) -> bool {
    let mut content = Vec::new();
    io::Seek::rewind(&mut file).unwrap();
    io::Read::read_to_end(&mut file, &mut content).unwrap();
    content.len() > 155 && content.iter().all(|&byte| byte == 0)
}

/// Two contacts, the second of them in both files, and both files as they are, opened.
fn vault_and_its_files(folder: &Path) -> (Vault, [File; 2]) {
    let mut vault = create(folder, ProfileRole::Client);
    vault.update(|profile| profile.contacts.extend([contact(1, "stays"), contact(2, CANARY)])).unwrap();
    vault.update(|_| ()).unwrap();
    let old = BOTH.map(|name| File::open(folder.join(name)).unwrap());
    (vault, old)
}

/// As the system's, but nothing is overwritten the first so many times.
struct OverwritesLater(u32);

impl Files for OverwritesLater {
    fn write_new(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        SystemFiles.write_new(path, content)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        SystemFiles.rename(from, to)
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        SystemFiles.sync_folder(folder)
    }

    fn overwrite(&mut self, file: &File) -> io::Result<()> {
        if self.0 == 0 {
            return SystemFiles.overwrite(file);
        }
        self.0 -= 1;
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[test]
fn what_cannot_be_overwritten_is_no_failed_write_and_is_overwritten_with_a_later_one() {
    let folder = Folder::new();
    let (mut vault, old) = vault_and_its_files(&folder);
    vault.system = on(OverwritesLater(3)); // the backup, the backup again and the vault
    vault.update_for_good(|profile| profile.contacts.retain(|contact| contact.id != 2)).unwrap();
    assert_eq!(labels(&vault), ["stays"]);
    assert!(!old.iter().any(is_zeros));
    vault.update(|profile| profile.contacts.push(contact(3, "new"))).unwrap();
    assert!(old.iter().all(is_zeros));
    drop(vault);
    assert_eq!(labels(&open(&folder, PASS).unwrap()), ["stays", "new"]);
    fs::remove_file(folder.join(files::VAULT)).unwrap();
    assert_eq!(labels(&restore(&folder, PASS).unwrap()), ["stays"], "the backup has lost it too");
}

#[test]
fn a_disk_that_overwrites_nothing_does_not_use_up_the_open_files() {
    let folder = Folder::new();
    let (mut vault, _) = vault_and_its_files(&folder);
    vault.system = on(OverwritesLater(u32::MAX));
    for _ in 0..20 {
        vault.update(|_| ()).unwrap();
    }
    assert_eq!(vault.replaced.len(), 16);
}

#[test]
fn what_was_replaced_is_overwritten_although_a_later_step_fails() {
    // Write, rename, sync and overwrite the backup; then the same with the vault.
    for (step, backup_at_once) in [(2, false), (4, true), (6, true)] {
        let folder = Folder::new();
        let (mut vault, [old_vault, old_backup]) = vault_and_its_files(&folder);
        vault.system = on(DiesAt { left: step, whole: true });
        assert!(vault.update_for_good(|profile| profile.contacts.clear()).is_err());
        assert_eq!(is_zeros(&old_backup), backup_at_once, "step {step}");
        assert!(!is_zeros(&old_vault), "step {step}: its rename is not there for good");
        // It was only the disk that was full for a while.
        vault.system = System::default();
        vault.update(|_| ()).unwrap();
        assert!(is_zeros(&old_backup) && is_zeros(&old_vault), "step {step}");
        assert_eq!(labels(&vault), ["stays", CANARY], "step {step}");
    }
}

#[test]
fn a_destroyed_vault_is_gone_with_its_backup_and_nothing_else_is() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    vault.update(|profile| profile.contacts.push(contact(1, CANARY))).unwrap();
    fs::write(folder.join("settings"), "of the window").unwrap();
    vault.destroy().unwrap();
    assert!(!Vault::exists(&folder));
    let mut left: Vec<_> = fs::read_dir(&*folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["settings", "vault.lock"]);
    assert!(Vault::create_with(&folder, PASS, ProfileRole::Client, CHEAP, System::default()).is_ok());
}

#[cfg(unix)]
mod not_ours {
    use std::{
        os::unix::fs::{PermissionsExt, symlink},
        sync::mpsc,
        time::Duration,
    };

    use super::*;

    const ALL: [&str; 3] = [files::TEMP, files::VAULT, files::BACKUP];

    /// In a thread of its own: what waits for the other end of a pipe waits for ever.
    fn soon(work: impl FnOnce() + Send + 'static) {
        let (done, is_done) = mpsc::channel();
        std::thread::spawn(move || {
            work();
            done.send(()).unwrap();
        });
        is_done.recv_timeout(Duration::from_secs(60)).expect("it ends");
    }

    #[test]
    fn a_link_in_the_place_of_a_file_leaves_alone_what_it_leads_to() {
        for name in ALL {
            let (folder, other) = (Folder::new(), Folder::new());
            let (mut vault, _) = vault_and_its_files(&folder);
            files::make_folder(&other).unwrap();
            let target = other.join("of the owner");
            let path = folder.join(name);
            if name == files::TEMP {
                fs::write(&target, "a novel").unwrap();
            } else {
                fs::rename(&path, &target).unwrap();
            }
            let before = fs::read(&target).unwrap();
            symlink(&target, &path).unwrap();
            vault.update(|_| ()).unwrap();
            assert_eq!(fs::read(&target).unwrap(), before, "{name}: written to");
            assert!(!path.is_symlink(), "{name}");
            drop(vault);

            let _ = fs::remove_file(&path);
            symlink(&target, &path).unwrap();
            assert!(matches!(open(&folder, "wrong"), Err(VaultError::Open)), "{name}");
            assert_eq!(fs::read(&target).unwrap(), before, "{name}: opened");
            open(&folder, PASS).unwrap().destroy().unwrap();
            assert_eq!(fs::read(&target).unwrap(), before, "{name}: destroyed");
            assert!(!path.is_symlink() && !Vault::exists(&folder), "{name}");
        }
    }

    fn make_pipe(path: &Path) {
        let _ = fs::remove_file(path);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    }

    #[test]
    fn nobody_waits_for_the_other_end_of_a_pipe() {
        soon(|| {
            for name in ALL {
                let folder = Folder::new();
                let (mut vault, _) = vault_and_its_files(&folder);
                let path = folder.join(name);
                make_pipe(&path);
                vault.update(|_| ()).unwrap();
                drop(vault);
                make_pipe(&path);
                let opened = open(&folder, PASS);
                if name == files::VAULT {
                    assert!(matches!(opened, Err(VaultError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
                    drop(restore(&folder, PASS).unwrap());
                } else {
                    opened.unwrap().update(|_| ()).unwrap();
                }
                assert!(open(&folder, PASS).is_ok(), "{name}");
            }
            let folder = Folder::new();
            drop(create(&folder, ProfileRole::Client));
            make_pipe(&folder.join("vault.lock"));
            assert!(matches!(open(&folder, PASS), Err(VaultError::Io(_))));
        });
    }

    /// Root may write to any file; the test then shows less.
    #[test]
    fn a_file_that_may_not_be_written_is_overwritten_and_replaced() {
        let folder = Folder::new();
        let (vault, old) = vault_and_its_files(&folder);
        drop(vault);
        fs::write(folder.join(files::TEMP), "of a crash").unwrap();
        for name in ALL {
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o400)).unwrap();
        }
        let mut vault = open(&folder, PASS).unwrap();
        vault.update_for_good(|profile| profile.contacts.clear()).unwrap();
        assert!(old.iter().all(is_zeros));
        for (path, _) in all_bytes(&folder) {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        }
    }

    /// As a program that spares room on the disk leaves two files of one content.
    #[test]
    fn one_file_of_two_names_is_not_overwritten_while_it_is_the_vault() {
        let folder = Folder::new();
        let (mut vault, _) = vault_and_its_files(&folder);
        vault.update_for_good(|_| ()).unwrap();
        fs::remove_file(folder.join(files::BACKUP)).unwrap();
        fs::hard_link(folder.join(files::VAULT), folder.join(files::BACKUP)).unwrap();
        let old = File::open(folder.join(files::VAULT)).unwrap();
        vault.system = on(DiesAt { left: 4, whole: true });
        assert!(vault.update(|profile| profile.contacts.clear()).is_err());
        drop(vault);
        let mut vault = open(&folder, PASS).unwrap();
        assert_eq!(labels(&vault), ["stays", CANARY]);
        vault.update(|_| ()).unwrap();
        assert!(is_zeros(&old));
    }
}
