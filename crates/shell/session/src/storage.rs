//! The vault's own thread: writes are durable before they are reported.

use std::{sync::mpsc, thread};

use sotto_call::{Change, Input, Ticket};
use sotto_identity::event_log::EventLog;
use sotto_vault::Vault;
use tokio::sync::mpsc as tokio_mpsc;

/// What the thread does, in order.
enum Task {
    Store(Ticket, Change),
    /// Tells what happened so far.
    Log(Box<dyn FnOnce(&EventLog) + Send>),
}

/// Hands changes to the vault; dropped, it finishes what was asked and closes the vault.
pub(crate) struct Storage {
    changes: Option<mpsc::Sender<Task>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Storage {
    pub(crate) fn start(mut vault: Vault, inputs: tokio_mpsc::Sender<Input>) -> std::io::Result<Self> {
        let (changes, receiver) = mpsc::channel::<Task>();
        let thread = thread::Builder::new().name("vault".into()).spawn(move || {
            while let Ok(task) = receiver.recv() {
                let (ticket, change) = match task {
                    Task::Store(ticket, change) => (ticket, change),
                    Task::Log(tell) => {
                        tell(&vault.profile().log);
                        continue;
                    }
                };
                // What is forgotten is to be in no older file either.
                let for_good = matches!(change, Change::RemoveContact(_));
                let change = |profile: &mut sotto_vault::Profile| apply(profile, change);
                let written = if for_good { vault.update_for_good(change) } else { vault.update(change) };
                let input = if written.is_ok() { Input::Stored(ticket) } else { Input::StoreFailed(ticket) };
                if inputs.blocking_send(input).is_err() {
                    // The engine is gone, but what it asked for still becomes durable.
                }
            }
        })?;
        Ok(Self { changes: Some(changes), thread: Some(thread) })
    }

    pub(crate) fn store(&self, ticket: Ticket, change: Change) {
        if let Some(changes) = &self.changes {
            let _ = changes.send(Task::Store(ticket, change));
        }
    }

    /// Hands the event log out, with all that was stored before.
    pub(crate) fn log(&self, tell: impl FnOnce(&EventLog) + Send + 'static) {
        if let Some(changes) = &self.changes {
            let _ = changes.send(Task::Log(Box::new(tell)));
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

fn apply(profile: &mut sotto_vault::Profile, change: Change) {
    match change {
        Change::PutContact(contact) => {
            profile.contacts.retain(|own| own.id != contact.id);
            profile.contacts.push(*contact);
        }
        Change::RemoveContact(id) => profile.contacts.retain(|own| own.id != id),
        Change::PutInvite(invite) => {
            profile.invites.retain(|own| own.contact != invite.contact);
            profile.invites.push(*invite);
        }
        Change::RemoveInvite(contact) => profile.invites.retain(|own| own.contact != contact),
        Change::Log(line) => profile.log.append(line),
    }
}
