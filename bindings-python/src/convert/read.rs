//! JSON text to Python objects, in one pass. The engine has checked the text already.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString};
use tenon_mcp::JsonSlice;

/// The Python value of a JSON value.
pub(crate) fn value<'py>(py: Python<'py>, slice: &JsonSlice) -> PyResult<Bound<'py, PyAny>> {
    Reader { py, slice, text: slice.as_bytes(), at: 0 }.value()
}

/// The members of a JSON object. `known` may supply the Python string of a key.
pub(crate) fn members<'py>(
    py: Python<'py>,
    slice: &JsonSlice,
    known: impl Fn(&[u8]) -> Option<Bound<'py, PyString>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut reader = Reader { py, slice, text: slice.as_bytes(), at: 0 };
    reader.next();
    reader.object(known)
}

/// Recursion is bounded: the text was scanned with a depth limit.
struct Reader<'a, 'py> {
    py: Python<'py>,
    slice: &'a JsonSlice,
    text: &'a [u8],
    at: usize,
}

impl<'py> Reader<'_, 'py> {
    /// Moves to the next token and returns its first byte; 0 at the end.
    fn next(&mut self) -> u8 {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    fn value(&mut self) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self.next() {
            b'"' => self.string()?.into_any(),
            b'{' => self.object(|_| None)?.into_any(),
            b'[' => self.array()?.into_any(),
            b't' => self.literal(4, PyBool::new(self.py, true).to_owned().into_any()),
            b'f' => self.literal(5, PyBool::new(self.py, false).to_owned().into_any()),
            b'n' => self.literal(4, self.py.None().into_bound(self.py)),
            _ => self.number()?,
        })
    }

    fn literal(&mut self, length: usize, value: Bound<'py, PyAny>) -> Bound<'py, PyAny> {
        self.at += length;
        value
    }

    fn object(
        &mut self,
        known: impl Fn(&[u8]) -> Option<Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(self.py);
        self.at += 1;
        while self.next() == b'"' {
            let start = self.at;
            let escaped = self.skip_string();
            let key = match known(&self.text[start + 1..self.at - 1]) {
                Some(key) => key,
                None => self.decode(start, self.at, escaped)?,
            };
            let value = self.value()?;
            dict.set_item(key, value)?;
        }
        self.at += 1;
        Ok(dict)
    }

    fn array(&mut self) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(self.py);
        self.at += 1;
        while !matches!(self.next(), b']' | 0) {
            list.append(self.value()?)?;
        }
        self.at += 1;
        Ok(list)
    }

    fn string(&mut self) -> PyResult<Bound<'py, PyString>> {
        let start = self.at;
        let escaped = self.skip_string();
        self.decode(start, self.at, escaped)
    }

    /// Moves past the string that starts here. Returns whether it has an escape.
    fn skip_string(&mut self) -> bool {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_len(&self.text[self.at..]);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return escaped;
                }
                Some(_) => {
                    escaped = true;
                    self.at = (self.at + 2).min(self.text.len());
                }
                None => return escaped,
            }
        }
    }

    fn decode(&self, start: usize, end: usize, escaped: bool) -> PyResult<Bound<'py, PyString>> {
        if !escaped {
            return PyString::from_bytes(self.py, &self.text[start + 1..end - 1]);
        }
        let slice = self.slice.subslice(start as u32..end as u32);
        let decoded = slice.decode_str().ok_or_else(|| PyValueError::new_err("not a JSON string"))?;
        Ok(PyString::new(self.py, &decoded))
    }

    fn number(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let start = self.at;
        let length = self.text[start..]
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        self.at = length.map_or(self.text.len(), |length| start + length);
        let wrong = || PyValueError::new_err("not a JSON number");
        let text = std::str::from_utf8(&self.text[start..self.at]).map_err(|_| wrong())?;
        if text.contains(['.', 'e', 'E']) {
            let number: f64 = text.parse().map_err(|_| wrong())?;
            return Ok(PyFloat::new(self.py, number).into_any());
        }
        if let Ok(number) = text.parse::<i64>() {
            return Ok(PyInt::new(self.py, number).into_any());
        }
        // Python's integers are unbounded, but `int` limits the number of digits of a text.
        self.py.get_type::<PyInt>().call1((text,))
    }
}

/// The number of bytes before the first quote or backslash. Reads eight bytes at a time, because most texts are long.
fn plain_len(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    let mut length = 0;
    while let Some((eight, _)) = text[length..].split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        // Sets the highest bit of each byte that is zero, perhaps also of bytes after it, but never of bytes before it.
        let zeroes = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
        let found = zeroes(word ^ (ONES * u64::from(b'"'))) | zeroes(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let rest = &text[length..];
    length + rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len())
}
