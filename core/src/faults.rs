//! Deliberate panics, to test the effect of a panic on servers in every language.
//!
//! They exist only with the feature `faults`, which no release has. `TENON_FAULT=point:file` makes the process panic
//! when it passes that fault point while the file exists. The file is removed first, so each file causes one panic.

/// Passes a fault point. Without the feature this does nothing.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn pass(_: &str) {}

/// Passes a fault point, and panics if it is the configured one and its file exists.
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
