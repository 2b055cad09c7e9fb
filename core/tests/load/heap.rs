//! Measures how much of the heap is in use, with an allocator that counts. The system's figure is what the allocator
//! holds. That figure need not become less when the memory is freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

/// The number of bytes in use.
pub fn in_use() -> usize {
    BYTES.load(Relaxed)
}

// SAFETY: all of it is the system's allocator, whose blocks are counted and not touched.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            BYTES.fetch_add(layout.size(), Relaxed);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { System.realloc(block, layout, size) };
        if !block.is_null() {
            BYTES.fetch_add(size, Relaxed);
            BYTES.fetch_sub(layout.size(), Relaxed);
        }
        block
    }
}
