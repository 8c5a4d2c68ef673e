//! Installs the pinned servers into `target/peers`, once for all test processes.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};
use fs4::FileExt;

const OPT_OUT: &str = "set FARPIPE_PEERS=off to leave the tests with real servers out";
/// The end of an installer's stderr says what went wrong; the rest is progress.
const SHOWN_STDERR: usize = 2048;

/// Where a server comes from. The two are installed separately: each test needs only one.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// The npm registry.
    Npm,
    /// The Python package index.
    Python,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Python => "python",
        }
    }

    /// The files that pin the servers: a change of any of them installs anew.
    fn lock_files(self) -> &'static [&'static str] {
        match self {
            Self::Npm => &["package.json", "package-lock.json"],
            Self::Python => &["requirements.txt"],
        }
    }

    /// What an installation cannot do without. The interpreter of a virtual environment is a link:
    /// it is gone when the Python that made it was removed.
    fn probe(self, dir: &Path) -> PathBuf {
        match self {
            Self::Npm => dir.join("node_modules"),
            Self::Python => venv_python(dir),
        }
    }

    fn install(self, pins: &Path, dir: &Path) -> anyhow::Result<()> {
        match self {
            Self::Npm => install_npm(pins, dir),
            Self::Python => install_python(pins, dir),
        }
    }
}

/// The folder that holds this side's servers, installed now if they are absent or outdated.
pub(super) fn ensure(side: Side) -> anyhow::Result<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pins = tests.join("peers").join(side.name());
    let base = tests.with_file_name("target").join("peers");
    fs::create_dir_all(&base).with_context(|| format!("{} cannot be created", base.display()))?;

    let _lock = lock(&base.join(format!("{}.lock", side.name())))?;
    let dir = base.join(side.name());
    let stamp = base.join(format!("{}.stamp", side.name()));
    let wanted = fingerprint(&pins, side.lock_files())?;
    let current = fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
    if current && side.probe(&dir).exists() {
        return Ok(dir);
    }
    remove(&stamp)?;
    remove(&dir)?;
    fs::create_dir(&dir)?;
    side.install(&pins, &dir)?;
    fs::write(&stamp, wanted)?;
    Ok(dir)
}

/// The interpreter inside a virtual environment.
pub(super) fn venv_python(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// The program inside whichever platform package npm chose.
pub(super) fn codex(dir: &Path) -> anyhow::Result<PathBuf> {
    let scope = dir.join("node_modules/@openai");
    let name = if cfg!(windows) { "codex.exe" } else { "codex" };
    for package in fs::read_dir(&scope)? {
        let Ok(targets) = fs::read_dir(package?.path().join("vendor")) else { continue };
        for target in targets {
            let program = target?.path().join("bin").join(name);
            if program.is_file() {
                return Ok(program);
            }
        }
    }
    bail!("{} has no codex for this platform; {OPT_OUT}", scope.display())
}

/// Waits until no other process or thread installs; dropping the file ends the lock.
fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::create(path)?;
    // Not `file.lock()`: that would be the standard library's, which is newer than our Rust.
    FileExt::lock(&file).with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(file)
}

fn fingerprint(pins: &Path, files: &[&str]) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        let path = pins.join(file);
        let text = fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
        text.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(e).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

fn install_npm(pins: &Path, dir: &Path) -> anyhow::Result<()> {
    for file in Side::Npm.lock_files() {
        fs::copy(pins.join(file), dir.join(file))?;
    }
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(dir);
    run(&mut npm, "Node.js 20 or newer with npm")
}

fn install_python(pins: &Path, dir: &Path) -> anyhow::Result<()> {
    let needed = "Python 3.10 or newer with its venv module";
    let mut venv = Command::new(if cfg!(windows) { "python" } else { "python3" });
    run(venv.args(["-m", "venv"]).arg(dir), needed)?;

    let mut pip = Command::new(venv_python(dir));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r"]);
    run(pip.arg(pins.join("requirements.txt")), needed)
}

fn run(command: &mut Command, needed: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.stdin(Stdio::null()).output() {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            bail!("`{program}` was not found: install {needed}, or {OPT_OUT}")
        }
        other => other.with_context(|| format!("`{program}` cannot be started"))?,
    };
    if output.status.success() {
        return Ok(());
    }
    let skipped = output.stderr.len().saturating_sub(SHOWN_STDERR);
    let reason = String::from_utf8_lossy(&output.stderr[skipped..]);
    bail!(
        "`{program}` failed to install a server for the tests ({}); it needs {needed} and network \
         access, or {OPT_OUT}; its last words:\n{}",
        output.status,
        reason.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_told_in_one_sentence() {
        let error = run(&mut Command::new("farpipe-no-such-program"), "Node.js 20 or newer")
            .expect_err("there is no such program")
            .to_string();
        assert!(error.contains("install Node.js 20 or newer"), "{error}");
        assert!(error.contains("FARPIPE_PEERS=off"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn a_bump_changes_the_fingerprint() {
        let pins = tempfile::tempdir().expect("a folder");
        let path = pins.path().join("pins.txt");
        let mut seen = Vec::new();
        for text in ["one==1", "one==2"] {
            fs::write(&path, text).expect("the pins are written");
            seen.push(fingerprint(pins.path(), &["pins.txt"]).expect("a fingerprint"));
        }
        assert_ne!(seen[0], seen[1]);
        assert!(fingerprint(pins.path(), &["absent.txt"]).is_err());
    }

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let held = lock(&path).expect("the first lock");
        let other = File::create(&path).expect("the same file");
        assert!(FileExt::try_lock(&other).is_err());
        drop(held);
        FileExt::try_lock(&other).expect("nobody holds it");
    }
}
