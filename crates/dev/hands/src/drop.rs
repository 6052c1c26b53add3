//! A file, dragged from elsewhere and dropped onto a window (XDND, version 5).

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use x11rb::{
    COPY_DEPTH_FROM_PARENT, CURRENT_TIME,
    connection::Connection,
    protocol::{
        Event,
        xproto::{
            ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, PropMode, SELECTION_NOTIFY_EVENT,
            SelectionNotifyEvent, Window, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::error::{Outcome, Trouble};

/// A slow frame comes between two answers.
const LIMIT: Duration = Duration::from_secs(10);

/// Drops `file` onto `target`, and waits until the window has taken it.
pub fn file(display: &str, target: Window, file: &Path) -> Outcome {
    // A connection of its own: what is asked of the one who drags concerns nobody else.
    let (connection, screen) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[screen].root;
    let atom = |name: &str| -> Outcome<u32> { Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom) };
    let (selection, uris, copy) = (atom("XdndSelection")?, atom("text/uri-list")?, atom("XdndActionCopy")?);
    let source = connection.generate_id()?;
    let nothing = CreateWindowAux::new();
    let class = WindowClass::INPUT_OUTPUT;
    connection.create_window(COPY_DEPTH_FROM_PARENT, source, root, 0, 0, 1, 1, 0, class, 0, &nothing)?;
    connection.set_selection_owner(source, selection, CURRENT_TIME)?;
    let tell = |kind: &str, data: [u32; 5]| -> Outcome {
        let message = ClientMessageEvent::new(32, target, atom(kind)?, data);
        connection.send_event(false, target, EventMask::NO_EVENT, message)?;
        connection.flush()?;
        Ok(())
    };
    tell("XdndEnter", [source, 5 << 24, uris, 0, 0])?;
    tell("XdndPosition", [source, 0, (40 << 16) | 40, CURRENT_TIME, copy])?;
    // It asks for the file's name, and says whether it would take it.
    let text = format!("file://{}\r\n", std::fs::canonicalize(file)?.display());
    let (mut has_name, mut would_take) = (false, false);
    let status = atom("XdndStatus")?;
    let until = Instant::now() + LIMIT;
    while !(has_name && would_take) {
        match next(&connection, until)? {
            Event::SelectionRequest(asked) => {
                connection.change_property8(
                    PropMode::REPLACE,
                    asked.requestor,
                    asked.property,
                    uris,
                    text.as_bytes(),
                )?;
                let answer = SelectionNotifyEvent {
                    response_type: SELECTION_NOTIFY_EVENT,
                    sequence: 0,
                    time: asked.time,
                    requestor: asked.requestor,
                    selection: asked.selection,
                    target: asked.target,
                    property: asked.property,
                };
                connection.send_event(false, asked.requestor, EventMask::NO_EVENT, answer)?;
                connection.flush()?;
                has_name = true;
            }
            Event::ClientMessage(answer) if answer.type_ == status => {
                would_take = answer.data.as_data32()[1] & 1 == 1;
                if !would_take {
                    return Err(Trouble::new("the window does not take files"));
                }
            }
            _ => {}
        }
    }
    // The name is read by the time that the next message comes.
    thread::sleep(Duration::from_millis(200));
    tell("XdndDrop", [source, 0, CURRENT_TIME, 0, 0])?;
    let finished = atom("XdndFinished")?;
    let until = Instant::now() + LIMIT;
    loop {
        if let Event::ClientMessage(answer) = next(&connection, until)?
            && answer.type_ == finished
        {
            return Ok(());
        }
    }
}

fn next(connection: &RustConnection, until: Instant) -> Outcome<Event> {
    loop {
        if let Some(event) = connection.poll_for_event()? {
            return Ok(event);
        }
        if Instant::now() > until {
            return Err(Trouble::new("the window said nothing about the file that was dragged over it"));
        }
        thread::sleep(Duration::from_millis(10));
    }
}
