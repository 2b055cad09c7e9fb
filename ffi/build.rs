//! Gives the shared library the name that the loader looks for. The name contains the number of the ABI, so a program
//! that was linked with one ABI never runs with another. Also makes the loader keep the library in the process.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

/// The file that has the number of the ABI.
const NUMBER: &str = "src/abi/version.rs";
const BEFORE: &str = "pub const TENON_ABI_VERSION: u32 = ";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={NUMBER}");
    println!("cargo::rerun-if-changed=build.rs");
    let source = fs::read_to_string(NUMBER)?;
    let number = source.lines().find_map(|line| line.strip_prefix(BEFORE)?.strip_suffix(';'));
    let number = number.ok_or_else(|| format!("{NUMBER} has no line that begins with {BEFORE:?}"))?;
    let (argument, name, built) = match env::var("CARGO_CFG_TARGET_OS")?.as_str() {
        "macos" => ("-install_name,@rpath/", format!("libtenon.{number}.dylib"), "libtenon.dylib"),
        _ => {
            // The library stays loaded when a program unloads it, because its threads may still be about to end.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
            ("-soname,", format!("libtenon.so.{number}"), "libtenon.so")
        }
    };
    println!("cargo::rustc-cdylib-link-arg=-Wl,{argument}{name}");
    // Cargo does not give the file this name. Without the link, a program that was linked with the library in this
    // folder would not start.
    let out = env::var("OUT_DIR")?;
    let folder = Path::new(&out).ancestors().nth(3).ok_or("OUT_DIR is not in a target directory")?;
    link(built, &folder.join(name))?;
    Ok(())
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> std::io::Result<()> {
    match std::os::unix::fs::symlink(to, at) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn link(_to: &str, _at: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("libraries for this target are built on Unix"))
}
