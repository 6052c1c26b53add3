//! `cargo xtask package`: the window as a Debian package, with an entry and an icon among the programs.
//!
//! Whatever a person sees of it (name, description, icon) says that two people talk, never what about.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Failure, Outcome, notices,
    progress::{Progress, shown},
    run::{cargo, metadata, target_folder, workspace},
    system,
};

const HELP: &str = "\
cargo xtask package [--debug] [--out DIR]

Builds the window and makes a Debian package of it (Debian, Ubuntu and their relatives).
  --debug     the debug build: soon there, larger and slower
  --out DIR   where the package goes; the target folder's package/ without it

The package fits the release it is made on, and usually later ones: its list of needed libraries is worked out here.";

/// Name of package, program, desktop entry and icon.
const NAME: &str = "sotto";

/// What winit, wgpu and smithay-clipboard open while running, so that no linker and no `dpkg-shlibdeps` knows of it.
/// Each row: the package, and the library that is asked for by name.
const OPENED_LATER: &[(&str, &str)] = &[
    ("libegl1", "libEGL.so.1"),
    ("libvulkan1", "libvulkan.so.1"),
    ("libwayland-client0", "libwayland-client.so.0"),
    ("libwayland-egl1", "libwayland-egl.so.1"),
    ("libx11-6", "libX11.so.6"),
    ("libx11-xcb1", "libX11-xcb.so.1"),
    ("libxcb1", "libxcb.so.1"),
    ("libxcursor1", "libXcursor.so.1"),
    ("libxi6", "libXi.so.6"),
    ("libxkbcommon0", "libxkbcommon.so.0"),
    ("libxkbcommon-x11-0", "libxkbcommon-x11.so.0"),
];

/// What it reads while running: the system's certificate roots, without which no server is trusted.
const READ_LATER: &[&str] = &["ca-certificates"];

/// A driver to draw with; without any the window does not open. The first was seen to be enough on a computer without a
/// graphics card, where it draws in software.
const DRIVER: &str = "mesa-vulkan-drivers | vulkan-icd | libgl1-mesa-dri";

/// What it starts without, but is better with: the driver for cards without Vulkan, and a sound server so that
/// devices are shared with other programs, and a dialog for files.
const RECOMMENDED: &str = "libgl1-mesa-dri, pipewire-pulse | pulseaudio, xdg-desktop-portal-gtk | zenity";

/// Sizes of the icon that are kept as pictures, besides the drawing itself.
const ICON_SIZES: [u32; 3] = [48, 128, 256];

/// Licences of what is compiled in from `assets`, beside our own.
const LICENCES: [&str; 5] = [
    "LICENSE",
    "assets/fonts/AtkinsonHyperlegibleNext.LICENSE.txt",
    "assets/fonts/AtkinsonHyperlegibleMono.LICENSE.txt",
    "assets/fonts/Phosphor.LICENSE.txt",
    "assets/pgp-words.LICENSE.txt",
];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{HELP}");
        return Ok(());
    }
    let options = Options::parse(arguments)?;
    system::ensure_packaging()?;
    system::ensure_build_packages()?;
    let progress = Progress::start();
    let program = build(options.debug, &progress)?;

    let target = target_folder()?.join("package");
    let out = options.out.unwrap_or_else(|| target.clone());
    let root = target.join("root");
    match fs::remove_dir_all(&root) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&root)?,
    }
    let installed = root.join("usr/bin").join(NAME);
    folder_of(&installed)?;
    progress.step("Stripping the program", Command::new("strip").arg("-o").arg(&installed).arg(&program))?;
    lay_out(&root)?;

    let control = Control {
        version: debian_version(&version()?, options.debug),
        architecture: said_by(Command::new("dpkg").arg("--print-architecture"))?,
        depends: depends(&linked(&installed, &target)?),
        kibibytes: tidy(&root)?.div_ceil(1024),
    };
    let file = root.join("DEBIAN/control");
    folder_of(&file)?;
    fs::write(&file, control.to_string())?;
    tidy(&root)?;

    fs::create_dir_all(&out)?;
    let package = out.join(format!("{NAME}_{}_{}.deb", control.version, control.architecture));
    progress.step(
        "Packing",
        Command::new("dpkg-deb").args(["--root-owner-group", "-Zxz", "--build"]).arg(&root).arg(&package),
    )?;
    fs::remove_dir_all(&root)?;
    println!(
        "{}\n  {:.1} MB; {:.1} MB when installed\n  needs: {}\n\nInstall it:\n  sudo apt install {}",
        package.display(),
        fs::metadata(&package)?.len() as f64 / 1e6,
        control.kibibytes as f64 * 1024.0 / 1e6,
        control.depends,
        for_apt(&package, &std::env::current_dir()?),
    );
    Ok(())
}

/// `--debug --out DIR`
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// Package the debug build.
    debug: bool,
    /// Where the package goes.
    out: Option<PathBuf>,
}

impl Options {
    /// Reads them; `--out` is taken from the workspace's top unless absolute.
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self { debug: false, out: None };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--debug" => options.debug = true,
                "--out" => {
                    let folder = rest.next().ok_or_else(|| Failure::new("--out needs a value"))?;
                    options.out = Some(workspace().join(folder));
                }
                other => return Err(Failure::new(format!("unknown option {other}\n\n{HELP}"))),
            }
        }
        Ok(options)
    }
}

/// Builds the window; returns the program's path.
fn build(debug: bool, progress: &Progress) -> Outcome<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--locked", "-p", NAME]);
    let (what, folder) = if debug {
        // What the demo builds too: with other packages cargo would build what they share a second time.
        command.args(["-p", "sotto-rendezvous-server", "-p", "sotto-hands"]);
        ("Building the window (debug; the first time takes some ten minutes on two cores)", "debug")
    } else {
        command.arg("--release");
        ("Building the window (release; the first time takes half an hour on two cores)", "release")
    };
    progress.step(what, &mut command)?;
    let path = target_folder()?.join(folder).join(NAME);
    if path.exists() { Ok(path) } else { Err(Failure::new(format!("there is no {}", path.display()))) }
}

/// Puts everything but the program and the control file in its place below `root`.
fn lay_out(root: &Path) -> Outcome {
    let assets = workspace().join("assets");
    let share = root.join("usr/share");
    let icons = share.join("icons/hicolor");
    let mut files = vec![
        (assets.join("sotto.desktop"), share.join(format!("applications/{NAME}.desktop"))),
        (assets.join("icon/sotto.svg"), icons.join(format!("scalable/apps/{NAME}.svg"))),
    ];
    for size in ICON_SIZES {
        files.push((
            assets.join(format!("icon/sotto-{size}.png")),
            icons.join(format!("{size}x{size}/apps/{NAME}.png")),
        ));
    }
    for (from, to) in files {
        folder_of(&to)?;
        fs::copy(&from, &to).map_err(|error| Failure::new(format!("{}: {error}", from.display())))?;
    }
    let copyright = share.join(format!("doc/{NAME}/copyright"));
    folder_of(&copyright)?;
    fs::write(copyright, licences()?)?;
    Ok(())
}

/// Our licence and those of fonts, icons, words and of all that is compiled in, one after the other.
fn licences() -> Outcome<String> {
    let mut text = String::from(
        "Sotto is under the Mozilla Public License 2.0; its source is what this package was made of. Fonts, icons, words\n\
         and libraries in it have their own licences, which follow.\n",
    );
    for licence in LICENCES {
        let path = workspace().join(licence);
        let words = fs::read_to_string(&path).map_err(|error| Failure::new(format!("{licence}: {error}")))?;
        text.push_str(&format!("\n\n==== {licence} ====\n\n{}\n", words.trim_end()));
    }
    text.push_str(&notices::of(NAME, &host()?)?);
    Ok(text)
}

/// The target that is built for: this computer's.
fn host() -> Outcome<String> {
    let said = said_by(Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or_else(|| Failure::new("rustc names no host"))?.to_owned())
}

/// Makes the folder that `file` is to lie in.
fn folder_of(file: &Path) -> Outcome {
    let folder = file.parent().ok_or_else(|| Failure::new(format!("{} has no folder", file.display())))?;
    Ok(fs::create_dir_all(folder)?)
}

/// Gives all below `folder` the modes of a package, whatever the umask: 0755 for folders and the program, 0644 for
/// the rest. Returns the size of all files in bytes.
fn tidy(folder: &Path) -> Outcome<u64> {
    set_mode(folder, 0o755)?;
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            bytes += tidy(&entry.path())?;
        } else {
            let is_program = folder.ends_with("usr/bin");
            set_mode(&entry.path(), if is_program { 0o755 } else { 0o644 })?;
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[cfg(not(unix))]
fn set_mode(path: &Path, _mode: u32) -> Outcome {
    Err(Failure::new(format!("{}: a Debian package can't be made on this system", path.display())))
}

/// Version of the window, as cargo writes it.
fn version() -> Outcome<String> {
    let metadata = metadata()?;
    let package = metadata["packages"].as_array().into_iter().flatten().find(|package| package["name"] == NAME);
    let version = package.and_then(|package| package["version"].as_str());
    Ok(version.ok_or_else(|| Failure::new(format!("cargo metadata knows no version of {NAME}")))?.to_owned())
}

/// The same for dpkg, for which `~` and not `-` says that something comes before. A debug package comes before the one
/// that is for people, so that apt replaces it.
fn debian_version(version: &str, debug: bool) -> String {
    format!("{}{}", version.replace('-', "~"), if debug { "~debug" } else { "" })
}

/// The packages of the libraries that `program` is linked with, and their least versions, as `dpkg-shlibdeps` finds
/// them on this system.
fn linked(program: &Path, work: &Path) -> Outcome<String> {
    // It insists on a source package around it, and reads nothing but names from it.
    let folder = work.join("shlibdeps");
    let file = folder.join("debian/control");
    folder_of(&file)?;
    fs::write(&file, format!("Source: {NAME}\n\nPackage: {NAME}\nArchitecture: any\n"))?;
    let mut command = Command::new("dpkg-shlibdeps");
    let said = said_by(command.current_dir(&folder).arg("-O").arg(program))?;
    fs::remove_dir_all(&folder)?;
    let list = said.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    Ok(list.ok_or_else(|| Failure::new(format!("{}: no list of packages in {said:?}", shown(&command))))?.to_owned())
}

/// All that must be installed: what is linked, and what is opened or read later.
fn depends(linked: &str) -> String {
    let mut all: Vec<&str> = linked.split(", ").filter(|package| !package.is_empty()).collect();
    for package in OPENED_LATER.iter().map(|&(package, _)| package).chain(READ_LATER.iter().copied()).chain([DRIVER]) {
        if !all.iter().any(|known| known.split_whitespace().next() == Some(package)) {
            all.push(package);
        }
    }
    all.sort_unstable();
    all.join(", ")
}

/// What `command` prints, without the last line's end.
fn said_by(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| Failure::new(format!("{}: {error}", shown(command))))?;
    if !output.status.success() {
        return Err(Failure::new(format!("{}: {}", shown(command), String::from_utf8_lossy(&output.stderr))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The package's path as apt takes it for a file: with a slash in it.
fn for_apt(package: &Path, here: &Path) -> String {
    match package.strip_prefix(here) {
        Ok(below) => format!("./{}", below.display()),
        Err(_) => package.display().to_string(),
    }
}

/// What dpkg is told about the package.
#[derive(Clone, Debug)]
struct Control {
    version: String,
    architecture: String,
    depends: String,
    kibibytes: u64,
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { version, architecture, depends, kibibytes } = self;
        write!(
            f,
            "Package: {NAME}\n\
             Version: {version}\n\
             Architecture: {architecture}\n\
             Maintainer: Sotto contributors <sotto@sotto.invalid>\n\
             Installed-Size: {kibibytes}\n\
             Depends: {depends}\n\
             Recommends: {RECOMMENDED}\n\
             Section: net\n\
             Priority: optional\n\
             Description: encrypted conversation between two people\n \
             Video and voice between two computers, encrypted from end to end.\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control() -> Control {
        Control {
            version: debian_version("1.2.0-rc.1", false),
            architecture: "amd64".into(),
            depends: depends("libc6 (>= 2.34), libx11-6 (>= 2:1.8), libasound2 (>= 1.0)"),
            kibibytes: 12_345,
        }
    }

    /// Words that would tell whoever reads a list of installed programs what it is used for.
    fn tells(text: &str) -> bool {
        let text = text.to_lowercase();
        ["therap", "client", "patient", "practice", "praxis", "psych", "health", "klient"]
            .iter()
            .any(|word| text.contains(word))
    }

    #[test]
    fn the_control_file_has_its_fields_once_and_tells_nothing() {
        let text = control().to_string();
        for field in [
            "Package: sotto",
            "Version: 1.2.0~rc.1",
            "Architecture: amd64",
            "Installed-Size: 12345",
            "Section: net",
            "Priority: optional",
            "Description: encrypted conversation between two people",
        ] {
            assert_eq!(text.lines().filter(|line| *line == field).count(), 1, "{field} in\n{text}");
        }
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            assert!(line.starts_with(' ') || line.contains(": "), "{line:?}");
        }
        // A library's name may hold such a word (libwayland-client0); what a person wrote here may not.
        assert!(!text.lines().any(|line| !line.starts_with("Depends: ") && tells(line)), "{text}");
    }

    #[test]
    fn libraries_that_are_linked_and_opened_are_named_once_with_the_linked_version() {
        let depends = control().depends;
        assert_eq!(depends.matches("libx11-6").count(), 1, "{depends}");
        assert!(depends.contains("libx11-6 (>= 2:1.8)"), "{depends}");
        for &(package, library) in OPENED_LATER {
            assert!(depends.split(", ").any(|one| one.split(' ').next() == Some(package)), "{package} for {library}");
        }
        assert!(depends.split(", ").any(|one| one == DRIVER), "{depends}");
        assert!(super::depends("").starts_with("ca-certificates, "));
    }

    #[test]
    fn the_desktop_entry_starts_the_program_and_tells_nothing() {
        let text = fs::read_to_string(workspace().join("assets/sotto.desktop")).unwrap();
        assert!(text.starts_with("[Desktop Entry]\n"));
        for line in [
            "Type=Application",
            "Name=Sotto",
            "Comment=Encrypted conversation between two people",
            "Exec=sotto",
            "Icon=sotto",
            "Terminal=false",
            "StartupWMClass=sotto",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
        }
        assert!(text.contains("\nComment[de]="));
        assert!(!tells(&text), "{text}");
    }

    #[test]
    fn everything_that_goes_in_is_there() {
        let text = licences().unwrap();
        assert!(text.contains("Mozilla Public License Version 2.0"), "our own licence");
        assert!(text.contains("Cisco Systems"), "what is compiled in");
        assert!(text.contains("SIL OPEN FONT LICENSE") && text.contains("Phosphor"), "the fonts' licences");
        for size in ICON_SIZES {
            assert!(workspace().join(format!("assets/icon/sotto-{size}.png")).exists(), "{size}");
        }
    }

    #[test]
    fn options_and_paths() {
        assert_eq!(debian_version("0.1.0", true), "0.1.0~debug");
        let parse = |arguments: &[&str]| {
            Options::parse(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(parse(&[]).unwrap(), Options { debug: false, out: None });
        let both = parse(&["--debug", "--out", "/x"]).unwrap();
        assert_eq!(both, Options { debug: true, out: Some(PathBuf::from("/x")) });
        assert!(parse(&["--out"]).is_err() && parse(&["--fast"]).is_err());
        assert_eq!(for_apt(Path::new("/a/b/c.deb"), Path::new("/a/b")), "./c.deb");
        assert_eq!(for_apt(Path::new("/a/b/c.deb"), Path::new("/d")), "/a/b/c.deb");
    }
}
