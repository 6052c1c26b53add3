//! Every sentence of the engine that people read, in one place, by stable code.
//!
//! Plain and kind: what happened, and what to do. A front end may show the code's sentence in another language than
//! the one that an event carries.

/// Languages that every sentence exists in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

/// What happened, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What happened.
    pub what: &'static str,
    /// What to do.
    pub what_to_do: &'static str,
}

struct Row {
    code: &'static str,
    english: (&'static str, &'static str),
    german: (&'static str, &'static str),
}

/// The sentence of a code; an honest general one where the code is not known.
#[must_use]
pub fn sentence(code: &str, language: Language) -> Sentence {
    let row = ROWS.iter().find(|row| row.code == code).unwrap_or(&UNKNOWN);
    let (what, what_to_do) = match language {
        Language::English => row.english,
        Language::German => row.german,
    };
    Sentence { what, what_to_do }
}

/// All codes that have a sentence.
pub fn codes() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.code)
}

const UNKNOWN: Row = Row {
    code: "",
    english: ("Something went wrong that this version has no words for.", "Please try again."),
    german: ("Etwas ist schiefgegangen, wofür diese Version keine Worte hat.", "Bitte versuchen Sie es noch einmal."),
};

const ROWS: &[Row] = &[
    Row {
        code: "E_VAULT_OPEN",
        english: (
            "The passphrase is not right, or the file is damaged.",
            "Try the passphrase again. If you are sure of it, restore your last copy.",
        ),
        german: (
            "Die Passphrase stimmt nicht, oder die Datei ist beschädigt.",
            "Versuchen Sie die Passphrase noch einmal. Wenn Sie sicher sind, stellen Sie Ihre letzte Kopie wieder her.",
        ),
    },
    Row {
        code: "E_VAULT_PARAM",
        english: (
            "The file of your profile asks for more work than Sotto allows, or for less than is safe.",
            "It was changed by something else. Put your last copy of it back, or start anew.",
        ),
        german: (
            "Die Datei Ihres Profils verlangt mehr Arbeit, als Sotto zulässt, oder weniger, als sicher ist.",
            "Etwas anderes hat sie verändert. Legen Sie Ihre letzte Kopie zurück, oder fangen Sie neu an.",
        ),
    },
    Row {
        code: "E_PASSPHRASE",
        english: ("The present passphrase is not right.", "Type it again. Nothing was changed."),
        german: ("Die jetzige Passphrase stimmt nicht.", "Geben Sie sie noch einmal ein. Es wurde nichts geändert."),
    },
    Row {
        code: "E_KEYRING_MISSING",
        english: (
            "The second key of this profile is not in this computer’s keyring.",
            "Log in as the person who set it up, on the same computer. Without this key nobody can open the profile here.",
        ),
        german: (
            "Der zweite Schlüssel dieses Profils liegt nicht im Schlüsselbund dieses Computers.",
            "Melden Sie sich als die Person an, die ihn eingerichtet hat, am selben Computer. Ohne diesen Schlüssel kann niemand das Profil hier öffnen.",
        ),
    },
    Row {
        code: "E_KEYRING",
        english: (
            "The system’s keyring can’t be used.",
            "Unlock it, or log in to the desktop again, and start Sotto anew. Nothing was changed.",
        ),
        german: (
            "Der Schlüsselbund des Systems lässt sich nicht benutzen.",
            "Entsperren Sie ihn, oder melden Sie sich am Desktop neu an, und starten Sie Sotto neu. Es wurde nichts geändert.",
        ),
    },
    Row {
        code: "E_FILE",
        english: (
            "This file can’t be sent.",
            "It must be a file with something in it, of at most 100 MB, that you may read.",
        ),
        german: (
            "Diese Datei lässt sich nicht senden.",
            "Sie darf höchstens 100 MB groß und nicht leer sein, und Sie müssen sie lesen dürfen.",
        ),
    },
    Row {
        code: "E_FILE_BUSY",
        english: ("A file is on its way already.", "Send the next one when it has arrived, or stop it."),
        german: (
            "Es ist schon eine Datei unterwegs.",
            "Senden Sie die nächste, wenn sie da ist, oder brechen Sie sie ab.",
        ),
    },
    Row {
        code: "E_UNKNOWN_FILE",
        english: ("This file is not offered any more.", "Ask for it again."),
        german: ("Diese Datei wird nicht mehr angeboten.", "Bitten Sie noch einmal darum."),
    },
    Row {
        code: "E_FILE_STORE",
        english: ("The file could not be stored.", "Choose another folder, or make room on the disk."),
        german: ("Die Datei ließ sich nicht speichern.", "Wählen Sie einen anderen Ordner, oder schaffen Sie Platz."),
    },
    Row {
        code: "file-not-taken",
        english: (
            "The other side offered a file. This window can’t take files yet and has said no.",
            "Ask for it another way.",
        ),
        german: (
            "Die andere Seite hat eine Datei angeboten. Dieses Fenster kann noch keine annehmen und hat abgelehnt.",
            "Bitten Sie auf anderem Weg darum.",
        ),
    },
    Row {
        code: "E_MOVE_FILE",
        english: (
            "These words don't open this file, or it is damaged.",
            "Compare the twelve words with what the other computer showed, and choose the file again. If it stays so, write a new file there.",
        ),
        german: (
            "Diese Wörter öffnen die Datei nicht, oder sie ist beschädigt.",
            "Vergleichen Sie die zwölf Wörter mit denen auf dem anderen Computer, und wählen Sie die Datei noch einmal. Bleibt es so, schreiben Sie dort eine neue Datei.",
        ),
    },
    Row {
        code: "E_EXPORT",
        english: (
            "The file for your other computer could not be written.",
            "Check that there is free space, or choose another place.",
        ),
        german: (
            "Die Datei für Ihren anderen Computer konnte nicht geschrieben werden.",
            "Prüfen Sie, ob Speicherplatz frei ist, oder wählen Sie einen anderen Ort.",
        ),
    },
    Row {
        code: "E_IN_USE",
        english: ("Sotto is already open with this profile.", "Go to the other window, or close it first."),
        german: (
            "Sotto ist mit diesem Profil schon geöffnet.",
            "Wechseln Sie zum anderen Fenster, oder schließen Sie es zuerst.",
        ),
    },
    Row {
        code: "E_PROFILE_FOLDER",
        english: (
            "The folder of the profile can't be read or written.",
            "Check that the disk is not full and that the folder belongs to you.",
        ),
        german: (
            "Der Ordner des Profils lässt sich nicht lesen oder schreiben.",
            "Prüfen Sie, ob der Speicher voll ist und ob der Ordner Ihnen gehört.",
        ),
    },
    Row {
        code: "rendezvous-address",
        english: (
            "This server address can't be used.",
            "It begins with wss:// and has no spaces. Copy it as your practice wrote it.",
        ),
        german: (
            "Diese Serveradresse lässt sich nicht verwenden.",
            "Sie beginnt mit wss:// und hat keine Leerzeichen. Übernehmen Sie sie so, wie die Praxis sie schreibt.",
        ),
    },
    Row {
        code: "E_STORE",
        english: (
            "This could not be saved on your computer.",
            "Check that there is free space, then try again. Nothing was sent.",
        ),
        german: (
            "Das konnte auf Ihrem Computer nicht gespeichert werden.",
            "Prüfen Sie, ob Speicherplatz frei ist, und versuchen Sie es noch einmal. Es wurde nichts gesendet.",
        ),
    },
    Row {
        code: "E_INVITE_FORMAT",
        english: (
            "This is not a complete invite code.",
            "Look for a missing or mistyped part, or ask your therapist to read it again.",
        ),
        german: (
            "Das ist kein vollständiger Einladungscode.",
            "Sehen Sie nach, ob ein Teil fehlt oder vertippt ist, oder lassen Sie ihn sich noch einmal vorlesen.",
        ),
    },
    Row {
        code: "E_CODE_WORD",
        english: ("One of the words is not on the list.", "Check the spelling of each word; the order matters."),
        german: (
            "Eines der Wörter steht nicht auf der Liste.",
            "Prüfen Sie die Schreibweise jedes Wortes; die Reihenfolge zählt.",
        ),
    },
    Row {
        code: "E_CODE_ORDER",
        english: (
            "One of the words can't stand at this place.",
            "Perhaps two words are swapped, or one is missing or said twice.",
        ),
        german: (
            "Eines der Wörter kann an dieser Stelle nicht stehen.",
            "Vielleicht sind zwei Wörter vertauscht, oder eines fehlt oder steht doppelt.",
        ),
    },
    Row {
        code: "E_INVITE_EXPIRED",
        english: ("This invite is no longer valid.", "Ask your therapist for a new one."),
        german: ("Diese Einladung ist nicht mehr gültig.", "Bitten Sie um eine neue."),
    },
    Row {
        code: "E_INVITE_USED",
        english: ("This code was already used.", "If that was not you, call your therapist now."),
        german: (
            "Dieser Code wurde schon benutzt.",
            "Wenn Sie das nicht waren, rufen Sie jetzt Ihre Therapeutin oder Ihren Therapeuten an.",
        ),
    },
    Row {
        code: "E_INVITE_BURNED",
        english: (
            "This invite is no longer valid: it was withdrawn, or tried too often.",
            "Ask for a new invite. Therapists: think of who may have seen the old one.",
        ),
        german: (
            "Diese Einladung gilt nicht mehr: Sie wurde zurückgenommen oder zu oft versucht.",
            "Bitten Sie um eine neue Einladung. In der Praxis: Überlegen Sie, wer die alte gesehen haben kann.",
        ),
    },
    Row {
        code: "E_CODE_UNKNOWN",
        english: (
            "Nobody is waiting under this number.",
            "Check the six digits. The code may have expired or been used: ask your therapist for a new one.",
        ),
        german: (
            "Unter dieser Nummer wartet niemand.",
            "Prüfen Sie die sechs Ziffern. Vielleicht ist der Code abgelaufen oder benutzt: bitten Sie um einen neuen.",
        ),
    },
    Row {
        code: "E_CODE_WRONG",
        english: ("The words did not match.", "Check each word and try again, or ask your therapist for a new code."),
        german: (
            "Die Wörter stimmen nicht überein.",
            "Prüfen Sie jedes Wort und versuchen Sie es noch einmal, oder bitten Sie um einen neuen Code.",
        ),
    },
    Row {
        code: "E_CODE_BURNED",
        english: (
            "This code was tried too often and is no longer valid.",
            "Make a new code. If it was not a typing error, somebody is guessing.",
        ),
        german: (
            "Dieser Code wurde zu oft versucht und gilt nicht mehr.",
            "Machen Sie einen neuen Code. Wenn es kein Tippfehler war, rät jemand.",
        ),
    },
    Row {
        code: "E_HS_DECRYPT",
        english: (
            "The other computer's answer could not be verified.",
            "Try again. If it happens again, call each other.",
        ),
        german: (
            "Die Antwort des anderen Computers ließ sich nicht prüfen.",
            "Versuchen Sie es noch einmal. Geschieht es wieder, rufen Sie einander an.",
        ),
    },
    Row {
        code: "E_HS_TIMEOUT",
        english: (
            "The other computer did not answer in time.",
            "Stay here: it is tried again when the other computer is there.",
        ),
        german: (
            "Der andere Computer hat nicht rechtzeitig geantwortet.",
            "Bleiben Sie hier: es wird wieder versucht, sobald der andere Computer da ist.",
        ),
    },
    Row {
        code: "E_IDHASH",
        english: (
            "This is not the computer that made your invite.",
            "Do not go on. Call your therapist on a number that you know.",
        ),
        german: (
            "Das ist nicht der Computer, von dem Ihre Einladung stammt.",
            "Machen Sie nicht weiter. Rufen Sie unter einer Nummer an, die Sie kennen.",
        ),
    },
    Row {
        code: "E_OTHER_PERSON",
        english: (
            "This invite is not from the person you chose.",
            "If it is from someone new, choose that above it and enter it again. If not, call them on a number that you know.",
        ),
        german: (
            "Diese Einladung ist nicht von der Person, die Sie gewählt haben.",
            "Ist sie von jemand Neuem, wählen Sie das darüber aus und geben Sie sie noch einmal ein. Sonst rufen Sie unter einer Nummer an, die Sie kennen.",
        ),
    },
    Row {
        code: "E_COMMIT",
        english: ("Somebody between the two computers changed the key exchange.", "Do not go on. Call each other."),
        german: (
            "Jemand zwischen den beiden Computern hat den Schlüsselaustausch verändert.",
            "Machen Sie nicht weiter. Rufen Sie einander an.",
        ),
    },
    Row {
        code: "E_DOWNGRADE",
        english: (
            "Somebody between the two computers tried to force an older protocol.",
            "Do not go on. Call each other.",
        ),
        german: (
            "Jemand zwischen den beiden Computern wollte ein älteres Protokoll erzwingen.",
            "Machen Sie nicht weiter. Rufen Sie einander an.",
        ),
    },
    Row {
        code: "E_VERSION",
        english: ("The two programs are too different in age.", "Install the newest version on both computers."),
        german: (
            "Die beiden Programme sind zu verschieden alt.",
            "Installieren Sie auf beiden Computern die neueste Version.",
        ),
    },
    Row {
        code: "E_SIG_ORDER",
        english: ("Messages of the other computer are missing.", "Join again."),
        german: ("Nachrichten des anderen Computers fehlen.", "Treten Sie noch einmal bei."),
    },
    Row {
        code: "E_SDP",
        english: (
            "The other program described its connection in a way that is not allowed.",
            "Install the newest version on both computers.",
        ),
        german: (
            "Das andere Programm hat seine Verbindung auf unzulässige Weise beschrieben.",
            "Installieren Sie auf beiden Computern die neueste Version.",
        ),
    },
    Row {
        code: "E_BIND",
        english: (
            "The encrypted connection does not belong to the keys of this session. The session was stopped.",
            "Call each other before you try again.",
        ),
        german: (
            "Die verschlüsselte Verbindung gehört nicht zu den Schlüsseln dieser Sitzung. Die Sitzung wurde beendet.",
            "Rufen Sie einander an, bevor Sie es noch einmal versuchen.",
        ),
    },
    Row {
        code: "E_FP",
        english: (
            "The certificate of the connection is not the one that was announced. The session was stopped.",
            "Call each other before you try again.",
        ),
        german: (
            "Das Zertifikat der Verbindung ist nicht das angekündigte. Die Sitzung wurde beendet.",
            "Rufen Sie einander an, bevor Sie es noch einmal versuchen.",
        ),
    },
    Row {
        code: "E_SAS_MISMATCH",
        english: (
            "The words were different. The session was stopped.",
            "Call each other on a number that you know, and make a new invite.",
        ),
        german: (
            "Die Wörter waren verschieden. Die Sitzung wurde beendet.",
            "Rufen Sie einander unter einer bekannten Nummer an, und machen Sie eine neue Einladung.",
        ),
    },
    Row {
        code: "scan-other",
        english: (
            "That is another code, not the one of this session.",
            "On the other computer, open “Show the fingerprint” and hold its square in front of the camera.",
        ),
        german: (
            "Das ist ein anderer Code, nicht der dieser Sitzung.",
            "Öffnen Sie auf dem anderen Computer „Fingerabdruck zeigen“, und halten Sie das Quadrat vor die Kamera.",
        ),
    },
    Row {
        code: "scan-differs",
        english: (
            "The square is one of other keys.",
            "Make sure that it is on the screen of the person you talk to, and read it again. If it is the same, the session stops.",
        ),
        german: (
            "Das Quadrat gehört zu anderen Schlüsseln.",
            "Achten Sie darauf, dass es auf dem Bildschirm der Person ist, mit der Sie sprechen, und lesen Sie es noch einmal. Ist es wieder so, endet die Sitzung.",
        ),
    },
    Row {
        code: "sas-again",
        english: (
            "None of these was heard.",
            "Ask to have the words read once more. If they are not among the four again, the session stops.",
        ),
        german: (
            "Nichts davon war zu hören.",
            "Lassen Sie sich die Wörter noch einmal vorlesen. Sind sie wieder nicht dabei, endet die Sitzung.",
        ),
    },
    Row {
        code: "E_SAS_TIMEOUT",
        english: (
            "The words were not compared in time. The session was stopped.",
            "Join again when you are both ready to read the words.",
        ),
        german: (
            "Die Wörter wurden nicht rechtzeitig verglichen. Die Sitzung wurde beendet.",
            "Treten Sie noch einmal bei, wenn Sie beide bereit sind, die Wörter zu lesen.",
        ),
    },
    Row {
        code: "E_BLOCKED",
        english: (
            "The words of this contact did not match. Sessions with it are blocked.",
            "Make a new invite over a way that you both trust.",
        ),
        german: (
            "Die Wörter dieses Kontakts stimmten nicht überein. Sitzungen mit ihm sind gesperrt.",
            "Machen Sie eine neue Einladung auf einem Weg, dem Sie beide trauen.",
        ),
    },
    Row {
        code: "E_DATA_ORDER",
        english: ("Messages arrived damaged or out of order. The session was stopped.", "Join again."),
        german: (
            "Nachrichten kamen beschädigt oder in falscher Reihenfolge an. Die Sitzung wurde beendet.",
            "Treten Sie noch einmal bei.",
        ),
    },
    Row {
        code: "E_REKEY",
        english: (
            "The two computers could not agree on fresh keys. The session was stopped.",
            "Join again. What you said stays protected.",
        ),
        german: (
            "Die beiden Computer konnten sich nicht auf neue Schlüssel einigen. Die Sitzung wurde beendet.",
            "Treten Sie noch einmal bei. Was Sie gesagt haben, bleibt geschützt.",
        ),
    },
    Row {
        code: "keys-late",
        english: (
            "Your sound and picture wait: fresh keys are overdue, and the old ones are used up.",
            "The computers keep trying for a minute. Then the session ends, and you can join again.",
        ),
        german: (
            "Ihr Ton und Bild warten: neue Schlüssel sind überfällig, und die alten sind aufgebraucht.",
            "Die Computer versuchen es noch eine Minute. Dann endet die Sitzung, und Sie können noch einmal beitreten.",
        ),
    },
    Row {
        code: "E_TRUNCATED",
        english: (
            "The session ended abnormally: last messages may be missing.",
            "If it was not meant to end, join again or call each other.",
        ),
        german: (
            "Die Sitzung endete ungewöhnlich: letzte Nachrichten können fehlen.",
            "War das Ende nicht gewollt, treten Sie noch einmal bei oder rufen Sie einander an.",
        ),
    },
    Row {
        code: "E_NO_RELAY",
        english: (
            "The relay does not answer.",
            "It is tried again. Without it there is no sound and no picture: have the telephone ready.",
        ),
        german: (
            "Die Vermittlung (Relay) antwortet nicht.",
            "Es wird wieder versucht. Ohne sie gibt es weder Ton noch Bild: halten Sie das Telefon bereit.",
        ),
    },
    Row {
        code: "E_RELAY_LIMIT",
        english: (
            "The meeting server gave no place at the relay: it has none, or there were too many new connections in this \
             hour.",
            "Wait some minutes and join again, or use the telephone. If it stays so, tell whoever runs your server.",
        ),
        german: (
            "Der Treffpunkt-Server gab keinen Platz an der Vermittlung (Relay): er hat keine, oder es gab in dieser \
             Stunde zu viele neue Verbindungen.",
            "Warten Sie einige Minuten und treten Sie noch einmal bei, oder nehmen Sie das Telefon. Bleibt es so, sagen \
             Sie es dem Betreiber Ihres Servers.",
        ),
    },
    Row {
        code: "E_RELAY_REFUSED",
        english: (
            "The relay refused this computer. It may be full.",
            "It is tried again by itself. If it stays so, tell whoever runs your server: the relay is full, or its secret \
             differs from the server's.",
        ),
        german: (
            "Die Vermittlung (Relay) hat diesen Computer abgewiesen. Vielleicht ist sie voll.",
            "Es wird von selbst wieder versucht. Bleibt es so, sagen Sie es dem Betreiber Ihres Servers: das Relay ist \
             voll, oder sein Geheimnis weicht ab.",
        ),
    },
    Row {
        code: "E_NO_PATH",
        english: ("The two computers found no way to each other.", "Try another network, or have the telephone ready."),
        german: (
            "Die beiden Computer haben keinen Weg zueinander gefunden.",
            "Versuchen Sie ein anderes Netz, oder halten Sie das Telefon bereit.",
        ),
    },
    Row {
        code: "E_DTLS",
        english: ("The encrypted connection could not be set up in time.", "Try again, or try another network."),
        german: (
            "Die verschlüsselte Verbindung kam nicht rechtzeitig zustande.",
            "Versuchen Sie es noch einmal, oder in einem anderen Netz.",
        ),
    },
    Row {
        code: "E_SRTP",
        english: (
            "The other program offered weaker encryption. The session was stopped.",
            "Install the newest version on both computers.",
        ),
        german: (
            "Das andere Programm bot schwächere Verschlüsselung an. Die Sitzung wurde beendet.",
            "Installieren Sie auf beiden Computern die neueste Version.",
        ),
    },
    Row {
        code: "E_INTERNAL",
        english: ("Something went wrong inside this program.", "Join again. If it happens again, restart the program."),
        german: (
            "In diesem Programm ist etwas schiefgegangen.",
            "Treten Sie noch einmal bei. Geschieht es wieder, starten Sie das Programm neu.",
        ),
    },
    Row {
        code: "interrupted",
        english: ("The connection to the other computer was lost.", "It is being restored; wait a moment."),
        german: (
            "Die Verbindung zum anderen Computer ist abgerissen.",
            "Sie wird wiederhergestellt; warten Sie einen Moment.",
        ),
    },
    Row {
        code: "rendezvous-unreachable",
        english: (
            "The meeting server does not answer.",
            "Check your network. It is tried again by itself; a running session goes on.",
        ),
        german: (
            "Der Treffpunkt-Server antwortet nicht.",
            "Prüfen Sie Ihr Netz. Es wird von selbst wieder versucht; eine laufende Sitzung geht weiter.",
        ),
    },
    Row {
        code: "rendezvous-dns",
        english: ("The name of the meeting server was not found.", "Check your network and the server's address."),
        german: (
            "Der Name des Treffpunkt-Servers wurde nicht gefunden.",
            "Prüfen Sie Ihr Netz und die Adresse des Servers.",
        ),
    },
    Row {
        code: "rendezvous-certificate",
        english: (
            "The meeting server could not prove who it is.",
            "Do not change anything. Ask whoever runs it whether its certificate was changed.",
        ),
        german: (
            "Der Treffpunkt-Server konnte sich nicht ausweisen.",
            "Ändern Sie nichts. Fragen Sie den Betreiber, ob das Zertifikat gewechselt wurde.",
        ),
    },
    Row {
        code: "rendezvous-certificate-time",
        english: (
            "The meeting server's certificate is not valid at this computer's date.",
            "Check date and time of this computer.",
        ),
        german: (
            "Das Zertifikat des Treffpunkt-Servers gilt zum Datum dieses Computers nicht.",
            "Prüfen Sie Datum und Uhrzeit dieses Computers.",
        ),
    },
    Row {
        code: "rendezvous-protocol",
        english: ("What answers there is not a meeting server of this program.", "Check the server's address."),
        german: (
            "Was dort antwortet, ist kein Treffpunkt-Server dieses Programms.",
            "Prüfen Sie die Adresse des Servers.",
        ),
    },
    Row {
        code: "rendezvous-full",
        english: (
            "The meeting server takes no more connections just now.",
            "Wait a moment; it is tried again by itself.",
        ),
        german: (
            "Der Treffpunkt-Server nimmt gerade keine Verbindungen mehr an.",
            "Warten Sie einen Moment; es wird von selbst wieder versucht.",
        ),
    },
    Row {
        code: "rendezvous-lost",
        english: (
            "The connection to the meeting server was lost.",
            "It is restored by itself; a running session goes on.",
        ),
        german: (
            "Die Verbindung zum Treffpunkt-Server ist abgerissen.",
            "Sie wird von selbst wiederhergestellt; eine laufende Sitzung geht weiter.",
        ),
    },
    Row {
        code: "rendezvous-limit",
        english: (
            "The meeting server asks for a pause: too many attempts from this network.",
            "Wait ten minutes and try again.",
        ),
        german: (
            "Der Treffpunkt-Server verlangt eine Pause: zu viele Versuche aus diesem Netz.",
            "Warten Sie zehn Minuten und versuchen Sie es dann noch einmal.",
        ),
    },
    Row {
        code: "rendezvous-missing",
        english: ("No meeting server is set.", "Enter the address of your practice's server."),
        german: ("Es ist kein Treffpunkt-Server eingestellt.", "Tragen Sie die Adresse des Servers Ihrer Praxis ein."),
    },
    Row {
        code: "clock",
        english: (
            "This computer's clock is wrong by more than ten minutes.",
            "Set date and time; the session works meanwhile.",
        ),
        german: (
            "Die Uhr dieses Computers geht um mehr als zehn Minuten falsch.",
            "Stellen Sie Datum und Uhrzeit; die Sitzung geht trotzdem.",
        ),
    },
    Row {
        code: "no-camera",
        english: ("No camera was found.", "Connect one, or go on with sound only."),
        german: ("Es wurde keine Kamera gefunden.", "Schließen Sie eine an, oder machen Sie nur mit Ton weiter."),
    },
    Row {
        code: "vault-restored",
        english: (
            "Your profile could not be read. The copy before the last change was put in its place.",
            "Look whether somebody is missing. If this comes again, the disk may be failing: make a copy of your files.",
        ),
        german: (
            "Ihr Profil war nicht lesbar. Die Kopie vor der letzten Änderung ist an seine Stelle getreten.",
            "Schauen Sie nach, ob jemand fehlt. Kommt das wieder vor, könnte die Festplatte ausfallen: Sichern Sie Ihre Dateien.",
        ),
    },
    Row {
        code: "vault-rolled-back",
        english: (
            "An older copy of your profile lies in the place of the last one.",
            "If you did not put it there, somebody else was at this computer. What came after it is missing: look through your contacts, and compare words in the next sessions.",
        ),
        german: (
            "An der Stelle Ihres letzten Profils liegt eine ältere Kopie.",
            "Wenn Sie sie nicht dorthin gelegt haben, war jemand anderes an diesem Computer. Was danach kam, fehlt: Sehen Sie Ihre Kontakte durch, und vergleichen Sie in den nächsten Sitzungen die Wörter.",
        ),
    },
    Row {
        code: "camera-busy",
        english: ("Another program uses the camera.", "Close it, or go on with sound only."),
        german: ("Ein anderes Programm benutzt die Kamera.", "Schließen Sie es, oder machen Sie nur mit Ton weiter."),
    },
    Row {
        code: "camera-lost",
        english: ("The camera was lost.", "Plug it in again; sound goes on."),
        german: ("Die Kamera ist verschwunden.", "Stecken Sie sie wieder ein; der Ton geht weiter."),
    },
    Row {
        code: "no-microphone",
        english: ("No microphone was found. The other person can't hear you.", "Connect one, or use the chat."),
        german: (
            "Es wurde kein Mikrofon gefunden. Die andere Person hört Sie nicht.",
            "Schließen Sie eines an, oder benutzen Sie den Chat.",
        ),
    },
    Row {
        code: "microphone-busy",
        english: ("Another program uses the microphone. The other person can't hear you.", "Close it."),
        german: ("Ein anderes Programm benutzt das Mikrofon. Die andere Person hört Sie nicht.", "Schließen Sie es."),
    },
    Row {
        code: "microphone-lost",
        english: ("The microphone was lost. The other person can't hear you.", "Plug it in again or choose another."),
        german: (
            "Das Mikrofon ist verschwunden. Die andere Person hört Sie nicht.",
            "Stecken Sie es wieder ein oder wählen Sie ein anderes.",
        ),
    },
    Row {
        code: "microphone-back",
        english: ("The microphone works again.", "There is nothing to do. If it was off, it still is."),
        german: ("Das Mikrofon geht wieder.", "Sie müssen nichts tun. War es aus, ist es weiter aus."),
    },
    Row {
        code: "speaker-back",
        english: ("The speaker works again.", "There is nothing to do."),
        german: ("Der Lautsprecher geht wieder.", "Sie müssen nichts tun."),
    },
    Row {
        code: "camera-back",
        english: ("The camera works again.", "There is nothing to do."),
        german: ("Die Kamera geht wieder.", "Sie müssen nichts tun."),
    },
    Row {
        code: "no-speaker",
        english: ("No speaker was found. You can't hear the other person.", "Connect a speaker or headphones."),
        german: (
            "Es wurde kein Lautsprecher gefunden. Sie hören die andere Person nicht.",
            "Schließen Sie einen Lautsprecher oder Kopfhörer an.",
        ),
    },
    Row {
        code: "speaker-busy",
        english: ("Another program uses the speaker.", "Close it."),
        german: ("Ein anderes Programm benutzt den Lautsprecher.", "Schließen Sie es."),
    },
    Row {
        code: "speaker-lost",
        english: ("The speaker was lost.", "Plug it in again or choose another."),
        german: ("Der Lautsprecher ist verschwunden.", "Stecken Sie ihn wieder ein oder wählen Sie einen anderen."),
    },
    Row {
        code: "device-file",
        english: ("A media file could not be read or written.", "Check the path and its format."),
        german: ("Eine Mediendatei konnte nicht gelesen oder geschrieben werden.", "Prüfen Sie Pfad und Format."),
    },
    Row {
        code: "E_UNKNOWN_CONTACT",
        english: ("There is no such contact.", "Choose one from the list."),
        german: ("Diesen Kontakt gibt es nicht.", "Wählen Sie einen aus der Liste."),
    },
    Row {
        code: "E_NOT_WAITING",
        english: ("This client is not in the waiting room.", "Wait until they are there."),
        german: ("Diese Person ist nicht im Wartezimmer.", "Warten Sie, bis sie da ist."),
    },
    Row {
        code: "E_BUSY_SESSION",
        english: ("A session is running.", "End it first."),
        german: ("Es läuft eine Sitzung.", "Beenden Sie sie zuerst."),
    },
    Row {
        code: "E_NO_SESSION",
        english: ("There is no session.", "Join or let somebody in first."),
        german: ("Es läuft keine Sitzung.", "Treten Sie zuerst bei oder lassen Sie jemanden ein."),
    },
    Row {
        code: "E_NOT_NOW",
        english: ("This is not possible at this point of the session.", "Compare the words first."),
        german: ("Das geht an dieser Stelle der Sitzung nicht.", "Vergleichen Sie zuerst die Wörter."),
    },
    Row {
        code: "E_ROLE",
        english: ("This profile's role can't do that.", "Therapists invite and let in; clients join."),
        german: (
            "Das geht mit der Rolle dieses Profils nicht.",
            "Therapeutinnen und Therapeuten laden ein und lassen ein; Klientinnen und Klienten treten bei.",
        ),
    },
    Row {
        code: "E_TOO_LONG",
        english: ("The text is too long.", "Send it in parts."),
        german: ("Der Text ist zu lang.", "Senden Sie ihn in Teilen."),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_sentence_in_both_languages() {
        let mut seen = std::collections::BTreeSet::new();
        for row in ROWS {
            assert!(seen.insert(row.code), "{} twice", row.code);
            for text in [row.english.0, row.english.1, row.german.0, row.german.1] {
                assert!(text.ends_with('.'), "{}: {text}", row.code);
            }
        }
    }
}
