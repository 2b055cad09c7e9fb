//! Panics on purpose, for tests of what a panic does to servers in every language.
//!
//! Only the feature `faults` has them, which no release is built with. `TENON_FAULT=point:n` panics where the process passes
//! that point for the nth time.

/// Passes a point.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub(crate) fn pass(_: &str) {}

/// Passes a point.
#[cfg(feature = "faults")]
#[inline]
pub(crate) fn pass(point: &str) {
    if let Some(fault) = FAULT.as_ref() {
        fault.pass(point);
    }
}

#[cfg(feature = "faults")]
static FAULT: std::sync::LazyLock<Option<Fault>> = std::sync::LazyLock::new(Fault::from_environment);

#[cfg(feature = "faults")]
struct Fault {
    point: String,
    left: std::sync::atomic::AtomicUsize,
}

#[cfg(feature = "faults")]
impl Fault {
    fn from_environment() -> Option<Fault> {
        let named = std::env::var("TENON_FAULT").ok()?;
        let (point, count) = named.split_once(':')?;
        Some(Fault { point: point.to_owned(), left: count.parse::<usize>().ok()?.into() })
    }

    #[cold]
    fn pass(&self, point: &str) {
        let less = |left: usize| left.checked_sub(1);
        let passes = || {
            self.left.fetch_update(
                std::sync::atomic::Ordering::SeqCst,
                std::sync::atomic::Ordering::SeqCst,
                less,
            )
        };
        if point == self.point && passes() == Ok(1) {
            panic!("a fault on purpose at {point}");
        }
    }
}
