//! `sotto-rendezvous`: where two people's programs find each other.
#![forbid(unsafe_code)]

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde_json::json;
use sotto_rendezvous_server::{
    Config, Relay, Running, Server,
    cli::{self, Action, Options},
    hardening,
};
use zeroize::Zeroizing;

/// What is given back is overwritten first: copies that the parts under us make of keys and words go with it.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// Exit status for a command line that can't be followed.
const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    hardening::forbid_dumps();
    let options = match cli::parse(std::env::args().skip(1)) {
        Ok(Action::Help) => {
            let _ = io::stdout().write_all(cli::USAGE.as_bytes());
            return ExitCode::SUCCESS;
        }
        Ok(Action::Serve(options)) => options,
        Err(sentence) => return fail(&sentence, USAGE_ERROR),
    };
    let rust_log = std::env::var_os("RUST_LOG").map(|value| value.to_string_lossy().into_owned());
    if rust_log.as_deref().is_some_and(hardening::logs_too_much) && !options.insecure_debug {
        return fail("RUST_LOG above warn could log people's traces: unset it, or give --insecure-debug", USAGE_ERROR);
    }
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::new(rust_log.as_deref().unwrap_or("warn")))
        .init();
    let config = match config(&options) {
        Ok(config) => config,
        Err(sentence) => return fail(&sentence, USAGE_ERROR),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string(), 1),
    };
    runtime.block_on(async {
        match Server::start(config).await {
            Ok(running) => serve(running).await,
            Err(error) => fail(&error.to_string(), 1),
        }
    })
}

fn fail(sentence: &str, status: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "sotto-rendezvous: {sentence}");
    ExitCode::from(status)
}

fn config(options: &Options) -> Result<Config, String> {
    let secret = match &options.turn_secret_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| format!("--turn-secret-file: {error}"))?;
            let text = Zeroizing::new(text);
            let secret = text.trim();
            if secret.is_empty() {
                return Err("--turn-secret-file is empty".into());
            }
            Some(Zeroizing::new(secret.as_bytes().to_vec()))
        }
        None => None,
    };
    let relay = match secret {
        secret if options.embedded_relay => Relay::Embedded { address: options.relay_addr, secret },
        Some(secret) => Relay::External { urls: options.turn_urls.clone(), secret },
        None => Relay::None,
    };
    let mut config = Config::new(options.listen, options.tls.clone(), relay);
    if let Some(count) = options.relay_allocations {
        config.allocations.0 = count;
    }
    if let Some(count) = options.relay_credentials {
        config.limits.turn_per_address_hour = count;
        config.limits.turn_per_channel_hour = count.div_ceil(4);
    }
    Ok(config)
}

/// One line on standard output. Whoever started us and went away can't read it: that ends nothing.
fn say(line: &serde_json::Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

async fn serve(running: Running) -> ExitCode {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::user_defined1(), SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [Ok(mut counters), Ok(mut interrupt), Ok(mut terminate)] = signals else {
        return fail("signals can't be received", 1);
    };
    let relay = running.relay.first();
    say(&json!({ "event": "ready", "url": running.url, "spki": running.spki_text(), "relay": relay }));
    loop {
        tokio::select! {
            _ = counters.recv() => say(&counters_line(&running)),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    running.shutdown().await;
    ExitCode::SUCCESS
}

fn counters_line(running: &Running) -> serde_json::Value {
    let c = running.counters();
    let names = ["bad_frame", "limit", "busy", "unknown_nameplate", "crowded", "pow", "token", "no_turn", "queue_full"];
    let errors: serde_json::Map<_, _> =
        names.iter().zip(&c.errors[1..]).map(|(name, &count)| ((*name).to_owned(), count.into())).collect();
    json!({
        "event": "counters",
        "connections": c.connections,
        "mailboxes": c.mailboxes,
        "nameplates": c.nameplates,
        "queued_bytes": c.queued_bytes,
        "cells": c.cells,
        "cells_expired": c.cells_expired,
        "turn_grants": c.turn_grants,
        "errors": errors,
    })
}
