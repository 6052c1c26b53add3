//! The steps of two people, from the first start to the end of their session.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sotto_netlab::Exposure;
use sotto_ui::texts::{Texts, fill};

use crate::{
    Options,
    error::{Outcome, Trouble},
    eyes::Eyes,
    notifications::Notifications,
    person::{Person, Setup, plain},
    reader::{Bus, Node, RADIO_BUTTON},
    screen::{Key, Screen},
    sound::{Ears, Speech},
    traces,
};

/// What is written in the session.
const WRITTEN: &str = "Can you read this?";
const LABEL: &str = "Tuesday 10:00";
const PASSPHRASE: [&str; 2] = ["quiet lamp over nine stones", "seven green boats at noon"];
const LINES: [&str; 2] = [
    "Good morning. It is good to see you again. How was your week? Take the time you need. We have fifty minutes, and \
     nobody else can hear us.",
    "Good morning. The week was better than the one before. I walked nearly every evening, and I slept through three \
     nights. On Thursday it was difficult again.",
];
/// Width of a window and height of both.
const WIDTH: u16 = 1280;
const HEIGHT: u16 = 800;

/// A rendezvous server with its relay, on loopback.
struct Server {
    program: Child,
    url: String,
}

impl Server {
    fn start(program: &Path) -> Outcome<Self> {
        let mut program = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--embedded-relay"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = program.stdout.take().ok_or_else(|| Trouble::new("the server has no output"))?;
        let mut lines = BufReader::new(output).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let value: Value = serde_json::from_str(&line).ok()?;
            Some(value["url"].as_str()?.to_owned())
        });
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { program, url: url.ok_or_else(|| Trouble::new("the server did not start"))? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; there is nothing else to do about it.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Holds the session; what was measured.
pub fn hold(options: &Options) -> Outcome<Value> {
    std::fs::create_dir_all(&options.folder)?;
    std::fs::create_dir_all(&options.pictures)?;
    let texts = Texts::of(options.language);
    let server = Server::start(&options.rendezvous)?;
    let screen = Screen::start(2 * WIDTH, HEIGHT)?;
    let bus = Bus::start(&screen.display)?;
    let notifications = Notifications::watch(&bus.session)?;
    // Sockets need short paths.
    let sockets = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(|| options.folder.clone(), std::path::PathBuf::from);
    let ears = |role: &str, seed: u64, line: &str| {
        Ears::start(&sockets.join(format!("sound-{role}")), seed, line, options.seconds as f64)
    };
    let mut ears = [ears("therapist", 1, LINES[0])?, ears("client", 2, LINES[1])?];
    say("two windows open");
    let in_german = options.language == sotto_session_api::sentences::Language::German;
    let eyes = [Eyes::open(options.folder.join("therapist.y4m"))?, Eyes::open(options.folder.join("client.y4m"))?];
    let sit_down = |role: &'static str, ears: &Ears, x: i32| {
        // In German the two compare by camera.
        let camera = if in_german { eyes[usize::from(role == "client")].argument() } else { "test".into() };
        let arguments = ["--camera", &camera, "--log", "info", "--theme", &options.theme, "--language"];
        let mut arguments: Vec<String> = arguments.map(String::from).to_vec();
        arguments.push(if in_german { "de" } else { "en" }.into());
        arguments.extend(["--window".into(), format!("{WIDTH}x{HEIGHT}")]);
        let setup = Setup {
            role,
            texts,
            program: &options.sotto,
            arguments,
            sound: &ears.address(),
            folder: &options.folder,
            pictures: &options.pictures,
            x,
        };
        Person::sit_down(&setup, &screen, &bus)
    };
    let (mut therapist, usable) = sit_down("therapist", &ears[0], 0)?;
    let (mut client, _) = sit_down("client", &ears[1], WIDTH.into())?;
    for person in [&therapist, &client] {
        if person.title()? != "Sotto" {
            return Err(Trouble::new(format!("the window's title says more than the name: {}", person.title()?)));
        }
        // Before a passphrase is typed: the engine sees to it too, but later.
        let exposure = Exposure::of(person.process())?;
        if exposure != Exposure::none() {
            return Err(Trouble::new(format!("a window with no passphrase yet can be looked into: {exposure:?}")));
        }
    }
    therapist.picture("welcome")?;
    client.picture("welcome")?;

    say("first start, on both sides");
    // The practice hands out the address as a file; the client types it.
    let policy = options.folder.join("practice.txt");
    std::fs::write(&policy, format!("# the practice\nserver {}\n", server.url))?;
    set_up(&mut therapist, texts.am_therapist, PASSPHRASE[0], &Known::Policy(&policy))?;
    therapist.wait_for(texts.nobody_waiting)?;
    therapist.picture("room")?;
    set_up(&mut client, texts.have_code, PASSPHRASE[1], &Known::Address(&server.url))?;
    client.wait_for(texts.join_title)?;
    client.picture("join")?;

    say("an invite: made, read aloud, typed");
    therapist.press(texts.new_client)?;
    therapist.wait_for(texts.new_client_title)?;
    therapist.fill(texts.label, LABEL)?;
    therapist.picture("new-client")?;
    therapist.press(texts.make_code)?;
    therapist.wait_for(texts.read_aloud)?;
    let code = code_of(&therapist.nodes()?)?;
    // As a careless program might write it down.
    let code_words = code.split_whitespace().take(3).collect::<Vec<_>>().join("-").to_lowercase();
    therapist.picture("invite")?;
    if in_german {
        // Here the client gets the QR picture instead, as a picture of the therapist's screen.
        therapist.press(texts.make_link)?;
        therapist.wait_for(texts.qr_name)?;
        let screen = therapist.picture("invite-link")?;
        client.drop_file(&screen)?;
        client.wait_for(texts.link_complete)?;
    } else {
        client.fill(texts.code_field, &code)?;
    }
    client.picture("code")?;
    let asked = client.press(texts.go_to_waiting_room)?;
    let waiting = client.wait_for(texts.waiting_title)? - asked;

    say("in the waiting room");
    client.picture("waiting")?;
    let idle = options.figures.then(|| idle(&client, texts)).transpose()?;
    therapist.wait_for(texts.was_used)?;
    therapist.picture("code-used")?;
    therapist.press(texts.back_to_room)?;
    therapist.wait_for(&fill(texts.admit_name, &[LABEL]))?;
    therapist.picture("someone-waits")?;

    say("let in; the words are compared");
    therapist.press(&fill(texts.admit_name, &[LABEL]))?;
    for person in [&mut therapist, &mut client] {
        person.wait_for(texts.compare_title)?;
        person.wait_for(texts.read_these)?;
    }
    therapist.picture("compare")?;
    client.picture("compare")?;
    if in_german {
        compare_by_camera(&mut therapist, &mut client, &eyes)?;
    } else {
        compare(&mut therapist, &client)?;
        therapist.picture("compared")?;
        compare(&mut client, &therapist)?;
    }
    for person in [&mut therapist, &mut client] {
        person.wait_until(texts.words_compared, |nodes| {
            nodes.iter().any(|node| node.name.contains(texts.words_compared))
        })?;
    }

    say("the session: seen, heard, written");
    let talk = Instant::now();
    ears.iter_mut().try_for_each(Ears::talk)?;
    therapist.picture("session")?;
    client.picture("session")?;
    std::thread::sleep(Duration::from_secs(options.seconds).saturating_sub(talk.elapsed()));
    ears.iter_mut().for_each(Ears::be_quiet);
    let speech = [ears[0].heard(&ears[1])?, ears[1].heard(&ears[0])?];
    let picture_ms = [first_picture(&therapist)?, first_picture(&client)?];
    let load = [therapist.load_over(Duration::from_secs(3))?, client.load_over(Duration::from_secs(3))?];
    client.character('t', &[Key::Control])?;
    client.wait_for(texts.chat_text)?;
    client.fill(texts.chat_field, WRITTEN)?;
    client.key(Key::Enter, &[])?;
    therapist.character('t', &[Key::Control])?;
    therapist.wait_until("the chat", |nodes| nodes.iter().any(|node| node.name.contains(WRITTEN)))?;
    therapist.picture("chat")?;
    client.picture("chat")?;
    for person in [&therapist, &client] {
        person.key(Key::Escape, &[])?;
        person.key(Key::Escape, &[])?;
    }
    client.character('d', &[Key::Control])?;
    client.wait_for(texts.unmute)?;
    therapist.wait_for(texts.their_mic_off)?;
    client.picture("muted")?;
    therapist.picture("their-microphone-off")?;
    client.character('d', &[Key::Control])?;
    client.wait_for(texts.mute)?;
    therapist.press(texts.can_anyone_listen)?;
    therapist.wait_until("what was negotiated", |nodes| nodes.iter().any(|node| node.name.contains("AES-256-GCM")))?;
    therapist.picture("can-anyone-listen")?;
    therapist.key(Key::Escape, &[])?;
    let frozen = if options.figures { Some(frozen(&mut therapist, &mut client, texts)?) } else { None };

    say("the end");
    therapist.key(Key::End, &[Key::Control])?;
    therapist.wait_for(texts.end_title)?;
    therapist.picture("end-question")?;
    let watches = [ears[0].watch()?, ears[1].watch()?];
    let ended = therapist.press(texts.end_yes)?;
    let released = [
        ears[0].released_after(&watches[0], ended, Duration::from_secs(5))?,
        ears[1].released_after(&watches[1], ended, Duration::from_secs(5))?,
    ];
    drop(watches);
    for person in [&mut therapist, &mut client] {
        person.wait_for(texts.ended_title)?;
    }
    therapist.picture("ended")?;
    client.picture("ended")?;
    nothing_is_left_in_memory(&therapist, &client)?;

    say("a second session, by the keys that are known");
    therapist.press(texts.back_to_room)?;
    client.press(texts.back_to_start)?;
    client.wait_for(texts.home_lead)?;
    client.picture("known")?;
    client.press(texts.go_to_waiting_room)?;
    client.wait_for(texts.waiting_title)?;
    therapist.wait_for(&fill(texts.admit_name, &[LABEL]))?;
    let before = picture_ms;
    therapist.press(&fill(texts.admit_name, &[LABEL]))?;
    for person in [&mut therapist, &mut client] {
        person.wait_for(texts.compare_title)?;
        person.wait_for(texts.their_picture)?;
    }
    therapist.picture("compare-again")?;
    client.picture("compare-again")?;
    compare(&mut therapist, &client)?;
    compare(&mut client, &therapist)?;
    for person in [&mut therapist, &mut client] {
        person.wait_until(texts.words_compared, |nodes| {
            nodes.iter().any(|node| node.name.contains(texts.words_compared))
        })?;
    }
    let again_ms = [first_picture(&therapist)?, first_picture(&client)?];
    if again_ms == before {
        return Err(Trouble::new("no picture came in the second session"));
    }
    client.press(texts.end_session)?;
    for person in [&mut therapist, &mut client] {
        person.wait_for(texts.ended_title)?;
    }

    say("locked, opened, locked again");
    // A key that was meant for the session does nothing on the page that follows.
    std::thread::sleep(Duration::from_secs(2));
    therapist.press(texts.back_to_room)?;
    therapist.wait_for(texts.nobody_waiting)?;
    lock(&mut therapist, PASSPHRASE[0])?;
    therapist.fill(texts.passphrase, PASSPHRASE[0])?;
    if !is_soon(|| places(&therapist, PASSPHRASE[0]).is_none_or(|places| places > 0)) {
        return Err(Trouble::new("a passphrase in its field is not found in memory: the search proves nothing"));
    }
    therapist.press(texts.unlock_go)?;
    therapist.wait_for(texts.nobody_waiting)?;
    lock(&mut therapist, PASSPHRASE[0])?;
    therapist.leave()?;
    client.leave()?;
    notifications.none_but_our_own()?;
    for role in ["therapist", "client"] {
        let log = options.folder.join(format!("{role}.log"));
        let address = server.url.trim_start_matches("ws://");
        let [host, words] = [address.split(':').next().unwrap_or(address), code_words.as_str()];
        let texts = [WRITTEN, LABEL, PASSPHRASE[0], PASSPHRASE[1], address, host, words];
        traces::not_in_files(&options.folder.join(role), &log, &texts)?;
    }

    let heard = |speech: &Speech| json!({ "correlation": speech.correlation, "stoi": speech.intelligibility });
    Ok(json!({
        "usable_ms": millis(usable),
        "code_to_waiting_ms": millis(waiting),
        "admit_to_picture_ms": { "therapist": again_ms[0], "client": again_ms[1] },
        "heard": { "therapist": heard(&speech[0]), "client": heard(&speech[1]) },
        "session_processor": { "therapist": load[0], "client": load[1] },
        "released_ms": { "therapist": millis(released[0]), "client": millis(released[1]) },
        "waiting_processor": idle,
        "frozen_processor": frozen,
    }))
}

fn say(step: &str) {
    eprintln!("  {step}");
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// When the session is over, what was written in it is in neither program any more; a title says nothing either.
fn nothing_is_left_in_memory(therapist: &Person<'_>, client: &Person<'_>) -> Outcome {
    // The system's input and accessibility buses have caught up.
    std::thread::sleep(Duration::from_secs(2));
    for person in [therapist, client] {
        if person.title()? != "Sotto" {
            return Err(Trouble::new(format!("the window's title says more than the name: {}", person.title()?)));
        }
        match traces::in_memory(person.process(), &[WRITTEN]) {
            None => say("memory is not looked through: only root may read that of another program"),
            Some(places) if places[0] == 0 => {}
            Some(places) => {
                let role = person.role;
                return Err(Trouble::new(format!(
                    "{role}: what was written is still in memory, in {} places",
                    places[0]
                )));
            }
        }
    }
    Ok(())
}

/// Locks the window; then its passphrase is nowhere in the program, which lives on.
fn lock(person: &mut Person<'_>, passphrase: &str) -> Outcome {
    person.press(person.texts.lock)?;
    person.wait_for(person.texts.unlock_title)?;
    // That nobody but root may look was said before.
    if is_soon(|| places(person, passphrase).is_none_or(|places| places == 0)) {
        return Ok(());
    }
    let places = places(person, passphrase).unwrap_or_default();
    Err(Trouble::new(format!("a locked window has its passphrase in memory, in {places} places")))
}

/// In how many places of a window's memory a text is; `None` where nobody may look.
fn places(person: &Person<'_>, text: &str) -> Option<usize> {
    traces::in_memory(person.process(), &[text]).map(|places| places[0])
}

/// Whether it comes to be so once the window, the system's input and the accessibility buses have caught up.
fn is_soon(mut is_so: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let so = is_so();
        if so || Instant::now() > until {
            return so;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// How somebody comes to the server's address.
enum Known<'a> {
    Address(&'a str),
    Policy(&'a Path),
}

/// Role, passphrase, server.
fn set_up(person: &mut Person<'_>, role: &str, passphrase: &str, server: &Known<'_>) -> Outcome {
    let texts = person.texts;
    person.press(role)?;
    person.wait_for(texts.passphrase_again)?;
    person.fill(texts.passphrase, passphrase)?;
    person.fill(texts.passphrase_again, passphrase)?;
    match server {
        Known::Address(address) => person.fill(texts.server, address)?,
        Known::Policy(file) => {
            person.drop_file(file)?;
            person.wait_for(texts.policy_taken)?;
        }
    }
    person.picture("first-start")?;
    person.press(texts.setup_go)?;
    Ok(())
}

/// The code as it stands on the screen: six digits, read one by one, and the group of four words. It is typed as
/// people do, with capitals and spaces.
fn code_of(nodes: &[Node]) -> Outcome<String> {
    let digits = nodes
        .iter()
        .map(|node| node.name.replace(' ', ""))
        .find(|name| name.len() == 6 && name.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| Trouble::new("no number of six digits is on the invite"))?;
    let words = group(nodes, 4).ok_or_else(|| Trouble::new("no four words are on the invite"))?;
    Ok(format!("{} {} {}  {} {}", digits, words[0].to_ascii_uppercase(), words[1], words[2], words[3]))
}

/// A group of so many words, as it is spoken.
fn group(nodes: &[Node], count: usize) -> Option<Vec<String>> {
    nodes.iter().find_map(|node| {
        let words: Vec<String> = node.name.split(", ").map(str::to_owned).collect();
        let is_word = |word: &String| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        (words.len() == count && words.iter().all(is_word)).then_some(words)
    })
}

/// Looks which row has the words that the other one reads aloud, and presses its number twice.
fn compare(person: &mut Person<'_>, other: &Person<'_>) -> Outcome {
    let until = Instant::now() + Duration::from_secs(10);
    // A tree that is read while a new picture comes may lack a part.
    let (wanted, index) = loop {
        let read = group(&other.nodes()?, 3).map(|words| words.join(" "));
        let nodes = person.nodes()?;
        let mut rows = nodes.iter().filter(|node| node.role == RADIO_BUTTON);
        let place = read.as_ref().and_then(|wanted| rows.position(|row| plain(&row.name) == *wanted));
        if let (Some(wanted), Some(index)) = (read, place) {
            break (wanted, index);
        }
        if Instant::now() > until {
            return Err(Trouble::new(format!("{}: the other side's words are not among the rows", person.role)));
        }
    };
    let number = char::from(b'1' + u8::try_from(index).map_err(|_| Trouble::new("too many rows"))?);
    person.character(number, &[])?;
    let marked = fill(person.texts.i_heard, &[&wanted]);
    person.wait_for(&marked)?;
    person.picture("marked")?;
    person.character(number, &[])?;
    Ok(())
}

/// In one room: each camera is held in front of the other's window.
fn compare_by_camera<'a>(therapist: &mut Person<'a>, client: &mut Person<'a>, eyes: &[Eyes; 2]) -> Outcome {
    let texts = client.texts;
    for person in [&mut *therapist, &mut *client] {
        person.press(texts.show_fingerprint)?;
        // Enter and Tab in one slow frame would be heard in the other order.
        person.wait_for(texts.compared_camera)?;
        person.press(texts.compared_camera)?;
        person.wait_for(texts.scan_square)?;
    }
    eyes[1].look_at(&therapist.picture("square")?)?;
    client.press(texts.scan_start)?;
    client.wait_for(texts.compare_sent_title)?;
    eyes[1].look_around()?;
    eyes[0].look_at(&client.picture("read")?)?;
    therapist.press(texts.scan_start)?;
    therapist.wait_until("the session", |nodes| nodes.iter().any(|node| node.name.contains(texts.words_compared)))?;
    eyes[0].look_around()
}

fn first_picture(person: &Person<'_>) -> Outcome<f64> {
    person.logged("first_picture_ms")?.ok_or_else(|| Trouble::new(format!("{}: no picture came", person.role)))
}

/// Nobody does anything in the waiting room: with the own picture, and with it hidden.
fn idle(client: &Person<'_>, texts: &Texts) -> Outcome<Value> {
    let shown = client.load_over(Duration::from_secs(10))?;
    client.press(texts.hide_picture)?;
    std::thread::sleep(Duration::from_secs(2));
    let hidden = client.load_over(Duration::from_secs(10))?;
    Ok(json!({ "own_picture": shown, "hidden": hidden }))
}

/// The other program hangs: its last picture stands.
fn frozen(therapist: &mut Person<'_>, client: &mut Person<'_>, texts: &Texts) -> Outcome<Value> {
    let moving = therapist.load_over(Duration::from_secs(5))?;
    client.freeze(true)?;
    let found = therapist.wait_for(texts.frozen).and_then(|_| {
        let picture = therapist.picture("frozen");
        let load = therapist.load_over(Duration::from_secs(10))?;
        picture.map(|_| load)
    });
    client.freeze(false)?;
    let standing = found?;
    therapist.wait_until("the picture is back", |nodes| {
        !nodes.iter().any(|node| [texts.frozen, texts.link_lost].map(plain).contains(&plain(&node.name)))
    })?;
    // Records wait longer to be sent again than pictures do: what comes next would measure that.
    therapist.character('d', &[Key::Control])?;
    client.wait_for(texts.their_mic_off)?;
    therapist.character('d', &[Key::Control])?;
    client.wait_until("their sound is back", |nodes| !nodes.iter().any(|node| node.name == texts.their_mic_off))?;
    Ok(json!({ "moving": moving, "standing": standing }))
}
