//! What the build needs from the operating system: found by probing, installed by apt, or named exactly.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Failure, Outcome, progress::Progress};

/// How a failure begins that a person must resolve by installing something; the exit status is 2 then.
pub(crate) const MISSING: &str = "Something that is needed is missing.";

/// One thing that must be there.
struct Need {
    /// What it is, and what for.
    what: &'static str,
    /// Debian and Ubuntu packages that bring it.
    packages: &'static [&'static str],
    /// Whether it is there.
    present: fn() -> bool,
}

/// What compiling needs. Each row is here because a build without it was seen to fail.
const BUILD: &[Need] = &[
    Need {
        what: "a C and a C++ compiler (for ring, libopus and openh264)",
        packages: &["build-essential"],
        present: || (runs("cc", "--version")) && runs("c++", "--version") && runs("make", "--version"),
    },
    Need { what: "pkg-config (finds ALSA)", packages: &["pkg-config"], present: || runs("pkg-config", "--version") },
    Need { what: "cmake (builds libopus)", packages: &["cmake"], present: || runs("cmake", "--version") },
    Need {
        what: "nasm (makes the H.264 encoder three times as fast)",
        packages: &["nasm"],
        present: || runs("nasm", "-v"),
    },
    Need {
        what: "ALSA's headers (microphone and speaker)",
        packages: &["libasound2-dev"],
        present: || !cfg!(target_os = "linux") || succeeds(Command::new("pkg-config").args(["--exists", "alsa"])),
    },
    Need {
        what: "libclang and the kernel's headers (camera: bindings to video4linux are generated)",
        packages: &["libclang-dev", "linux-libc-dev"],
        present: || {
            !cfg!(target_os = "linux") || (has_libclang() && Path::new("/usr/include/linux/videodev2.h").exists())
        },
    },
];

/// What making a Debian package needs besides.
const PACKAGING: &[Need] = &[
    Need { what: "dpkg-deb (packs the package)", packages: &["dpkg"], present: || runs("dpkg-deb", "--version") },
    Need {
        what: "dpkg-shlibdeps (finds the packages of the libraries that the window is linked with)",
        packages: &["dpkg-dev"],
        present: || runs("dpkg-shlibdeps", "--version"),
    },
    Need {
        what: "strip (takes the debugging information out)",
        packages: &["binutils"],
        present: || runs("strip", "--version"),
    },
];

/// What opening the window needs on this computer: looked for when it starts, so no linker asks for it.
const WINDOW: &[Need] = &[Need {
    what: "libraries that the window opens while it starts (keyboard layouts, a graphics driver)",
    packages: &["libxkbcommon-x11-0", "mesa-vulkan-drivers"],
    present: || {
        !cfg!(target_os = "linux")
            || (has_library("libxkbcommon-x11.so.0")
                && Path::new("/usr/share/vulkan/icd.d").read_dir().is_ok_and(|mut drivers| drivers.next().is_some()))
    },
}];

/// What two windows need that somebody else than a person uses.
const HANDS: &[Need] = &[
    Need { what: "Xvfb (a display without a monitor)", packages: &["xvfb"], present: || on_path("Xvfb") },
    Need {
        what: "D-Bus (for the accessibility bus)",
        packages: &["dbus"],
        present: || runs("dbus-daemon", "--version"),
    },
    Need {
        what: "AT-SPI (reads the windows as a screen reader does)",
        packages: &["at-spi2-core"],
        present: || {
            ["/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher"]
                .iter()
                .any(|path| Path::new(path).exists())
        },
    },
    Need {
        what: "PulseAudio with null sinks (sound devices)",
        packages: &["pulseaudio", "pulseaudio-utils"],
        present: || runs("pulseaudio", "--version") && runs("pactl", "--version"),
    },
];

/// What the independent implementation of the known answers runs in.
const PYTHON: &[Need] = &[Need {
    what: "Python 3 with venv (computes the known answers a second time)",
    packages: &["python3", "python3-venv"],
    present: || succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])),
}];

/// What the models of crashes and losses run in.
const MODELS: &[Need] = &[
    Need { what: "spin (checks all states of a model)", packages: &["spin"], present: || runs("spin", "-V") },
    Need {
        what: "a C compiler (for what spin writes)",
        packages: &["build-essential"],
        present: || runs("cc", "--version"),
    },
];

/// What the tests with network namespaces and sound devices use. Without it they say that they are skipped, or fail
/// where SOTTO_NO_SKIP is set.
const REAL_PARTS: &[Need] = &[
    Need { what: "ip (network namespaces)", packages: &["iproute2"], present: || runs("ip", "-V") },
    Need {
        what: "PulseAudio with null sinks (sound devices for tests)",
        packages: &["pulseaudio", "pulseaudio-utils"],
        present: || runs("pulseaudio", "--version") && runs("pactl", "--version"),
    },
    Need {
        what: "GNOME Keyring on D-Bus (the second factor of a vault)",
        packages: &["gnome-keyring", "dbus"],
        present: || on_path("gnome-keyring-daemon") && on_path("dbus-send") && runs("dbus-daemon", "--version"),
    },
    Need { what: "tcpdump (captures)", packages: &["tcpdump"], present: || runs("tcpdump", "--version") },
];

/// Makes sure that compiling can work: installs what is missing, or says exactly what is.
pub(crate) fn ensure_build_packages() -> Outcome {
    ensure(BUILD)
}

/// Makes sure that a Debian package can be made.
pub(crate) fn ensure_packaging() -> Outcome {
    ensure(PACKAGING)
}

/// Makes sure that the window can open.
pub(crate) fn ensure_window_packages() -> Outcome {
    ensure(WINDOW)
}

/// Makes sure that windows can be used by a program in the place of people.
pub(crate) fn ensure_hands_packages() -> Outcome {
    ensure(WINDOW)?;
    ensure(HANDS)
}

/// Makes sure that the models can be checked.
pub(crate) fn ensure_models() -> Outcome {
    ensure(MODELS)
}

/// Makes sure that the Python side of the known answers can run.
pub(crate) fn ensure_python() -> Outcome {
    ensure(PYTHON)
}

fn ensure(needs: &[Need]) -> Outcome {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
    let list = missing.iter().map(|need| format!("  - {}", need.what)).collect::<Vec<_>>().join("\n");
    let Some(apt) = Apt::find() else {
        return Err(Failure::new(format!(
            "{MISSING}\nInstall with your system's package manager:\n{list}\n\
             (on Debian or Ubuntu: apt-get install {})",
            packages.join(" ")
        )));
    };
    if !apt.may_install {
        return Err(Failure::new(format!(
            "{MISSING}\n{list}\nRun as root, or have an administrator run:\n  \
             apt-get update && apt-get install -y --no-install-recommends {}",
            packages.join(" ")
        )));
    }
    let progress = Progress::start();
    progress.say(&format!("Installing what is missing:\n{list}"));
    apt.install(&progress, &packages)?;
    let still: Vec<&str> = needs.iter().filter(|need| !(need.present)()).map(|need| need.what).collect();
    if still.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("{MISSING}\nInstalled, yet not found: {}", still.join(", "))))
    }
}

/// Installs what those tests use if that is possible without asking; they skip themselves otherwise, or
/// fail where SOTTO_NO_SKIP is set.
pub(crate) fn try_test_packages() {
    let packages: Vec<&str> = REAL_PARTS
        .iter()
        .chain(WINDOW)
        .filter(|need| !(need.present)())
        .flat_map(|need| need.packages.iter().copied())
        .collect();
    try_install("for the tests with network namespaces and sound devices", &packages);
}

/// Path of `espeak-ng`, installed if possible: the demo's voices. `None` where there is no way to get it.
pub(crate) fn try_speech() -> Option<PathBuf> {
    if !runs("espeak-ng", "--version") {
        try_install("for the demo's voices (the built-in test sound is used without it)", &["espeak-ng"]);
    }
    runs("espeak-ng", "--version").then(|| PathBuf::from("espeak-ng"))
}

fn try_install(what_for: &str, packages: &[&str]) {
    if packages.is_empty() {
        return;
    }
    let progress = Progress::start();
    let Some(apt) = Apt::find().filter(|apt| apt.may_install) else {
        progress.say(&format!("not installed: {} ({what_for})", packages.join(", ")));
        return;
    };
    if let Err(failure) = apt.install(&progress, packages) {
        progress.say(&format!("going on without {} ({what_for}): {failure}", packages.join(", ")));
    }
}

/// Whether a program of this name is where programs are.
fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}

/// Whether the loader finds this library.
fn has_library(name: &str) -> bool {
    let known = Command::new("/sbin/ldconfig").arg("-p").output();
    known.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(name))
}

/// Whether `program` can be started with `argument` and succeeds.
pub(crate) fn runs(program: &str, argument: &str) -> bool {
    succeeds(Command::new(program).arg(argument))
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// bindgen looks in the same places: `LIBCLANG_PATH`, then the libraries' usual folders.
fn has_libclang() -> bool {
    let mut folders: Vec<PathBuf> = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from).into_iter().collect();
    for parent in ["/usr/lib", "/usr/lib64", "/usr/local/lib"] {
        folders.push(PathBuf::from(parent));
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            // /usr/lib/x86_64-linux-gnu and /usr/lib/llvm-14/lib
            folders.push(entry.path());
            folders.push(entry.path().join("lib"));
        }
    }
    folders.iter().any(|folder| {
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name().to_str().is_some_and(is_libclang))
    })
}

/// `libclang.so`, `libclang.so.1`, `libclang-14.so.1`; not `libclang-cpp.so.14`, which LLVM's own tools bring along and
/// which bindgen can't use.
fn is_libclang(name: &str) -> bool {
    match name.strip_prefix("libclang") {
        Some(rest) if rest.starts_with(".so") => true,
        Some(rest) => rest
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(".so")),
        None => false,
    }
}

/// The package manager of Debian and Ubuntu.
struct Apt {
    sudo: bool,
    may_install: bool,
}

impl Apt {
    fn find() -> Option<Self> {
        if !cfg!(target_os = "linux") || !runs("apt-get", "--version") {
            return None;
        }
        let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
        if root {
            return Some(Self { sudo: false, may_install: true });
        }
        // With a terminal sudo may ask for the password; without one only a password-free sudo is of use.
        let quiet = succeeds(Command::new("sudo").args(["-n", "true"]));
        let asks = runs("sudo", "--version") && std::io::IsTerminal::is_terminal(&std::io::stdin());
        Some(Self { sudo: true, may_install: quiet || asks })
    }

    fn command(&self) -> Command {
        let mut command = if self.sudo {
            let mut command = Command::new("sudo");
            command.arg("env").arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get");
            command
        } else {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        command.args(["-o", "Dpkg::Use-Pty=0", "-o", "APT::Get::Assume-Yes=true"]);
        command
    }

    fn install(&self, progress: &Progress, packages: &[&str]) -> Outcome {
        progress.step("apt-get update", self.command().args(["-q", "update"]))?;
        progress.step(
            &format!("apt-get install {}", packages.join(" ")),
            self.command().args(["-q", "install", "--no-install-recommends"]).args(packages),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libclang_is_told_from_the_other_library_of_clang() {
        for name in ["libclang.so", "libclang.so.1", "libclang-14.so.1", "libclang-14.so.14.0.6"] {
            assert!(is_libclang(name), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclang-14.a", "libclangBasic.a", "libLLVM-14.so"] {
            assert!(!is_libclang(name), "{name}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_does_not_run() {
        assert!(!runs("a-program-that-nobody-has", "--version"));
        assert!(runs("cargo", "--version"));
    }

    #[test]
    fn every_need_names_a_package_and_a_reason() {
        for need in BUILD.iter().chain(PACKAGING).chain(REAL_PARTS).chain(PYTHON) {
            assert!(!need.packages.is_empty(), "{}", need.what);
            assert!(need.what.contains('('), "{} does not say what for", need.what);
        }
    }
}
