//! Panics on purpose, for tests of what a panic does to servers in every language.
//!
//! Only the feature `faults` has them, which no release is built with. `TENON_FAULT=point:file` panics where the process passes
//! that point while the file exists. It removes the file first, so each file is one panic.

/// Passes a point.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn pass(_: &str) {}

/// Passes a point.
#[cfg(feature = "faults")]
#[inline]
pub fn pass(point: &str) {
    if let Some(fault) = FAULT.as_ref() {
        fault.pass(point);
    }
}

#[cfg(feature = "faults")]
static FAULT: std::sync::LazyLock<Option<Fault>> = std::sync::LazyLock::new(Fault::from_environment);

#[cfg(feature = "faults")]
struct Fault {
    point: String,
    file: std::path::PathBuf,
}

#[cfg(feature = "faults")]
impl Fault {
    fn from_environment() -> Option<Fault> {
        let named = std::env::var("TENON_FAULT").ok()?;
        let (point, file) = named.split_once(':')?;
        Some(Fault { point: point.to_owned(), file: file.into() })
    }

    #[cold]
    fn pass(&self, point: &str) {
        if point == self.point && std::fs::remove_file(&self.file).is_ok() {
            panic!("a fault on purpose at {point}");
        }
    }
}
