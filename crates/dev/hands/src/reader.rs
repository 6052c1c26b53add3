//! What a screen reader gets to know of a window: names, roles and states, over the accessibility bus (AT-SPI).

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use zbus::{
    blocking::{Connection, connection},
    zvariant::{OwnedObjectPath, OwnedValue, Value},
};

use crate::error::{Outcome, Trouble};

const LAUNCHERS: [&str; 2] = ["/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher"];
const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
/// Numbers of AT-SPI's states.
const FOCUSED: u32 = 12;
/// And of the one role that is looked for.
pub const RADIO_BUTTON: u32 = 44;

/// A session bus of its own with the accessibility service.
pub struct Bus {
    children: Vec<Child>,
    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub session: String,
    accessibility: Connection,
}

/// One node of a window, as it was when it was read.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it is on the bus: a control keeps it as long as it is there.
    pub path: String,
    /// What is spoken.
    pub name: String,
    /// Number of the role, as AT-SPI counts.
    pub role: u32,
    /// Has the keyboard.
    pub is_focused: bool,
}

impl Bus {
    /// Starts both for programs on this display.
    pub fn start(display: &str) -> Outcome<Self> {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .env("DISPLAY", display)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Trouble::new(format!("dbus-daemon (package dbus) can't be started: {error}")))?;
        let output = daemon.stdout.take().ok_or_else(|| Trouble::new("dbus-daemon has no output"))?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let session = address.trim().to_owned();
        let mut children = vec![daemon];
        let launcher = LAUNCHERS
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .ok_or_else(|| Trouble::new("the accessibility service (package at-spi2-core) is missing"))?;
        children.push(
            Command::new(launcher)
                .arg("--launch-immediately")
                .env("DISPLAY", display)
                .env("DBUS_SESSION_BUS_ADDRESS", &session)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?,
        );
        let bus = connection::Builder::address(session.as_str())?.build()?;
        let until = Instant::now() + Duration::from_secs(10);
        let address = loop {
            match bus.call_method(Some("org.a11y.Bus"), "/org/a11y/bus", Some("org.a11y.Bus"), "GetAddress", &()) {
                Ok(reply) => break reply.body().deserialize::<String>()?,
                Err(error) if Instant::now() > until => return Err(error.into()),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        };
        // As a starting screen reader does: programs begin to describe themselves.
        bus.call_method(
            Some("org.a11y.Bus"),
            "/org/a11y/bus",
            Some("org.freedesktop.DBus.Properties"),
            "Set",
            &("org.a11y.Status", "IsEnabled", Value::from(true)),
        )?;
        let accessibility = connection::Builder::address(address.as_str())?.build()?;
        Ok(Self { children, session, accessibility })
    }

    fn call<R>(&self, place: &(String, OwnedObjectPath), interface: &str, method: &str) -> Outcome<R>
    where
        R: replies::Body,
    {
        let reply =
            self.accessibility.call_method(Some(place.0.as_str()), place.1.as_str(), Some(interface), method, &())?;
        R::read(&reply)
    }

    fn name(&self, place: &(String, OwnedObjectPath)) -> Outcome<String> {
        let reply = self.accessibility.call_method(
            Some(place.0.as_str()),
            place.1.as_str(),
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &(ACCESSIBLE, "Name"),
        )?;
        let value: OwnedValue = reply.body().deserialize()?;
        Ok(String::try_from(value).unwrap_or_default())
    }

    /// All nodes of the program with this process id, in the order of the tree; none while it has not said anything.
    pub fn read(&self, process: u32) -> Outcome<Vec<Node>> {
        let root = (
            "org.a11y.atspi.Registry".to_owned(),
            OwnedObjectPath::try_from("/org/a11y/atspi/accessible/root").map_err(zbus::Error::from)?,
        );
        let programs: Vec<(String, OwnedObjectPath)> = self.call(&root, ACCESSIBLE, "GetChildren")?;
        let mut nodes = Vec::new();
        for program in programs {
            let reply = self.accessibility.call_method(
                Some("org.freedesktop.DBus"),
                "/org/freedesktop/DBus",
                Some("org.freedesktop.DBus"),
                "GetConnectionUnixProcessID",
                &program.0,
            );
            // A program that has just ended is still in the list for a moment.
            let Ok(reply) = reply else { continue };
            if reply.body().deserialize::<u32>()? == process {
                self.walk(&program, &mut nodes);
            }
        }
        Ok(nodes)
    }

    /// A node may be gone before it is asked: then it was not there.
    fn walk(&self, place: &(String, OwnedObjectPath), nodes: &mut Vec<Node>) {
        let (Ok(name), Ok(role), Ok(states)) = (
            self.name(place),
            self.call::<u32>(place, ACCESSIBLE, "GetRole"),
            self.call::<Vec<u32>>(place, ACCESSIBLE, "GetState"),
        ) else {
            return;
        };
        let is_focused = states.first().is_some_and(|states| states & (1 << FOCUSED) != 0);
        nodes.push(Node { path: place.1.to_string(), name, role, is_focused });
        let children: Outcome<Vec<(String, OwnedObjectPath)>> = self.call(place, ACCESSIBLE, "GetChildren");
        for child in children.unwrap_or_default() {
            self.walk(&child, nodes);
        }
    }
}

/// Bodies of replies that are read here.
mod replies {
    use zbus::{Message, zvariant::OwnedObjectPath};

    use crate::error::Outcome;

    pub trait Body: Sized {
        fn read(reply: &Message) -> Outcome<Self>;
    }

    macro_rules! body {
        ($($of:ty),*) => {
            $(impl Body for $of {
                fn read(reply: &Message) -> Outcome<Self> {
                    Ok(reply.body().deserialize()?)
                }
            })*
        };
    }

    body!(u32, Vec<u32>, Vec<(String, OwnedObjectPath)>);
}

impl Drop for Bus {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            // It may be gone already; there is nothing else to do about it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
