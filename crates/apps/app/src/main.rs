//! `sotto`: the window of Sotto, for one therapist and one client.
//!
//! The window draws what the engine's snapshot says and sends what the person wants as commands; it holds no key and
//! no connection. Pictures are painted only when a new one came: a window in which nothing happens draws nothing.
#![forbid(unsafe_code)]

mod app;
mod arguments;
mod clipboard;
mod clock;
mod devices;
mod engine;
mod files;
mod preferences;
mod scanner;
mod video;
mod view;

use std::{io, process::ExitCode, sync::Arc};

use app::App;
use arguments::{Arguments, USAGE};

/// What is given back is overwritten first: copies that the parts under us make of keys and words go with it. In
/// tests memory is counted instead.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// The command line is wrong.
const USAGE_STATUS: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1), |name| std::env::var(name).ok()) {
        Ok(Ok(arguments)) => arguments,
        Ok(Err(arguments::Help)) => {
            // The one thing this program prints by itself.
            return match io::Write::write_all(&mut io::stdout(), format!("{USAGE}\n").as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            };
        }
        Err(error) => {
            eprintln!("sotto: {}\n\n{USAGE}", error.0);
            return ExitCode::from(USAGE_STATUS);
        }
    };
    log_to_standard_error(&arguments.log);
    sotto_session::harden();
    let launcher = engine::Launcher::start();
    engine::give_way();
    match eframe::run_native(
        "sotto",
        options(&arguments),
        Box::new(|context| Ok(Box::new(App::new(context, arguments, launcher)))),
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sotto: the window can't be opened: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Title and name say nothing but the program's.
fn options(arguments: &Arguments) -> eframe::NativeOptions {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Sotto")
        .with_app_id("sotto")
        .with_inner_size([arguments.window.0 as f32, arguments.window.1 as f32])
        .with_min_inner_size([320.0, 240.0]);
    let mut options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    options.wgpu_options.surface.desired_maximum_frame_latency = Some(1);
    if let egui_wgpu::WgpuSetup::CreateNew(setup) = &mut options.wgpu_options.wgpu_setup {
        setup.power_preference = wgpu::PowerPreference::LowPower;
        let limits = setup.device_descriptor.clone();
        setup.device_descriptor = Arc::new(move |adapter| wgpu::DeviceDescriptor {
            // A memory budget of textures and a few buffers; nothing of ours is large.
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..limits(adapter)
        });
    }
    options
}

/// Only our own crates log, and they never name an address, a label, a code or a key.
fn log_to_standard_error(level: &str) {
    let filter = tracing_subscriber::EnvFilter::new(format!("off,sotto={level}"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
}
