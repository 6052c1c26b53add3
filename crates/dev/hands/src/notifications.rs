//! What a program shows on the desktop outside its windows: notifications stay in a list that others see.

use std::{collections::HashMap, sync::mpsc, thread, time::Duration};

use zbus::{
    blocking::{Connection, MessageIterator, connection, fdo::MonitoringProxy},
    message::Type,
    zvariant::Value,
};

use crate::error::{Outcome, Trouble};

/// How a notification is asked for: of the desktop, and of its portal.
const ASKED_BY: [&str; 2] = ["Notify", "AddNotification"];
const DESKTOP: &str = "org.freedesktop.Notifications";

/// Listens to everything on a session bus.
pub struct Notifications {
    session: String,
    seen: mpsc::Receiver<()>,
}

impl Notifications {
    /// Begins to listen.
    pub fn watch(session: &str) -> Outcome<Self> {
        let connection = connection::Builder::address(session)?.build()?;
        let messages = MessageIterator::from(&connection);
        MonitoringProxy::new(&connection)?.become_monitor(&[], 0).map_err(zbus::Error::from)?;
        let (sender, seen) = mpsc::channel();
        thread::spawn(move || {
            let asked = |message: &zbus::Message| {
                let header = message.header();
                let asked_by = header.member().is_some_and(|member| ASKED_BY.contains(&member.as_str()));
                message.message_type() == Type::MethodCall && asked_by
            };
            // Ends with the bus.
            for _ in messages.map_while(Result::ok).filter(asked) {
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { session: session.to_owned(), seen })
    }

    /// Fails if one was asked for since the start, or if one that is asked for now isn't seen.
    pub fn none_but_our_own(&self) -> Outcome {
        let asked = self.seen.try_iter().count();
        if asked > 0 {
            return Err(Trouble::new(format!("{asked} notifications were shown")));
        }
        let connection: Connection = connection::Builder::address(self.session.as_str())?.build()?;
        let hints: HashMap<&str, Value<'_>> = HashMap::new();
        let actions: [&str; 0] = [];
        let notification = ("hands", 0_u32, "", "seen?", "", actions, hints, 1000_i32);
        // Nobody here shows it.
        let _ = connection.call_method(
            Some(DESKTOP),
            "/org/freedesktop/Notifications",
            Some(DESKTOP),
            "Notify",
            &notification,
        );
        self.seen
            .recv_timeout(Duration::from_secs(10))
            .map_err(|_| Trouble::new("a notification is not seen on this bus: none that the windows show would be"))
    }
}
