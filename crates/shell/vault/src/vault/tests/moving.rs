//! To another computer and no further.

use super::*;

/// What a therapist's computer takes to the next one, and the folder of that.
fn moved(vault: &Vault) -> (Folder, Vault) {
    let (file, words) = vault.export_with(CHEAP).unwrap();
    let folder = Folder::new();
    let moved = Vault::import_with(&folder, &file, &words, "there", (CHEAP, CHEAP), System::default()).unwrap();
    (folder, moved)
}

#[test]
fn a_move_takes_keys_contacts_and_the_record_but_neither_continuity_nor_the_device_nor_invites() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Therapist);
    vault
        .update(|profile| {
            profile.contacts = vec![contact(1, CANARY), contact(2, "invited")];
            profile.contacts[0].continuity_previous = Some(Secret::new([0xD1; 32]));
            profile.contacts[1].pairing = true;
            profile.invites.push(invite(InviteState::Fresh));
            profile.rendezvous = Some("wss://rdv.example/v1".into());
            profile.log.append("what happened".into());
        })
        .unwrap();
    let (there, moved) = moved(&vault);
    let (old, new) = (vault.profile(), moved.profile());
    assert_eq!(new.role, ProfileRole::Therapist);
    assert_eq!(bytes(new.identity.as_ref()), bytes(old.identity.as_ref()));
    assert_eq!(new.rendezvous, old.rendezvous);
    assert_eq!(new.log.head(), old.log.head());
    assert_ne!(new.device_secret.expose(), old.device_secret.expose());
    assert!(new.invites.is_empty());
    let [kept] = &new.contacts[..] else { panic!("{} contacts", new.contacts.len()) };
    let was = &old.contacts[0];
    assert_eq!((&kept.label, kept.started, kept.state), (&was.label, true, was.state));
    assert_eq!(kept.psk.expose(), was.psk.expose());
    assert!(kept.continuity.is_none() && kept.continuity_previous.is_none());
    // It is a vault like any other from now on, under the new passphrase.
    drop(moved);
    assert!(open(&there, PASS).is_err());
    assert_eq!(labels(&open(&there, "there").unwrap()), [CANARY]);
    // Where it came from is as before.
    assert!(was.continuity.is_some());
    drop(vault);
    assert_eq!(labels(&open(&folder, PASS).unwrap()), [CANARY, "invited"]);
}

fn bytes(secret: Option<&Secret<32>>) -> Option<[u8; 32]> {
    secret.map(|secret| *secret.expose())
}

#[test]
fn a_move_file_opens_only_with_its_words_and_never_in_place_of_a_vault() {
    let folder = Folder::new();
    let mut vault = create(&folder, ProfileRole::Client);
    vault.update(|profile| profile.contacts.push(contact(1, CANARY))).unwrap();
    let (file, words) = vault.export_with(CHEAP).unwrap();
    assert!(!file.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
    let import = |file: &[u8], words: &MoveWords, floor| {
        let there = Folder::new();
        let result = Vault::import_with(&there, file, words, "there", (CHEAP, floor), System::default());
        (result.map(|vault| labels(&vault)), Vault::exists(&there))
    };
    assert_eq!(import(&file, &words, CHEAP).0.unwrap(), [CANARY]);
    let other = vault.export_with(CHEAP).unwrap().1;
    let (refused, left) = import(&file, &other, CHEAP);
    assert!(matches!(refused, Err(VaultError::Open)) && !left, "nothing is made of a file that doesn't open");
    for at in [0, 5, 8, 20, 60, 100, 120, 150, 154, file.len() - 1] {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        assert!(import(&damaged, &words, CHEAP).0.is_err(), "byte {at}");
    }
    assert!(matches!(import(&file, &words, KdfParams::FLOOR).0, Err(VaultError::Parameters)));
    assert!(import(&[], &words, CHEAP).0.is_err());
    // The two kinds do not stand in for each other.
    let current = fs::read(folder.join(files::VAULT)).unwrap();
    assert!(import(&current, &words, CHEAP).0.is_err());
    drop(vault);
    fs::write(folder.join(files::VAULT), &file).unwrap();
    assert!(open(&folder, &words.words().join("-").to_lowercase()).is_err());
    // And an existing vault is never replaced.
    let again = Vault::import_with(&folder, &file, &words, "x", (CHEAP, CHEAP), System::default());
    assert!(matches!(again, Err(VaultError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists));
}

#[test]
fn words_of_a_move_are_read_as_people_type_them() {
    let words = MoveWords::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 254, 255]);
    let shown = words.words();
    let numbered: Vec<String> = shown.iter().enumerate().map(|(n, word)| format!("{}. {word}", n + 1)).collect();
    for typed in [
        shown.join(" "),
        shown.join("-").to_lowercase(),
        format!("  {}\n", shown.join(",  ").to_uppercase()),
        numbered.join("\n"),
    ] {
        assert!(MoveWords::parse(&typed) == Some(words.clone()), "{typed}");
    }
    let mut swapped = shown;
    swapped.swap(3, 4);
    for wrong in [String::new(), shown[..11].join(" "), format!("{} absurd", shown.join(" ")), swapped.join(" ")] {
        assert!(MoveWords::parse(&wrong).is_none(), "{wrong}");
    }
    assert_eq!(format!("{words:?}"), "MoveWords(…)");
}
