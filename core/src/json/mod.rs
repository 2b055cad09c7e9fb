//! JSON text: shared slices, the one-pass scan, the writer.
