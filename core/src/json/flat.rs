//! Reads objects without nesting in one pass.

/// The most members.
const MEMBERS: usize = 8;

/// The name of a member without its quotes, and its value as it is written.
type Member<'t> = (&'t [u8], &'t [u8]);

/// The members of an object, and their number. `None` if the object has too many, if they are not in the order of their names,
/// or if it contains an object, an array or an escape. The text must be JSON.
pub(super) fn flat(json: &[u8]) -> Option<([Member<'_>; MEMBERS], usize)> {
    let mut members: [Member<'_>; MEMBERS] = Default::default();
    let mut rest = json.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    if rest.starts_with(b"}") {
        return Some((members, 0));
    }
    for count in 0..MEMBERS {
        let end = string_end(rest)?;
        let name = rest.get(1..end - 1)?;
        if count > 0 && members[count - 1].0 >= name {
            return None;
        }
        rest = rest[end..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let end = match rest.first()? {
            b'"' => string_end(rest)?,
            b'{' | b'[' => return None,
            _ => rest.iter().position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))?,
        };
        members[count] = (name, &rest[..end]);
        rest = rest[end..].trim_ascii_start();
        match rest.split_first()? {
            (b'}', _) => return Some((members, count + 1)),
            (_, after) => rest = after.trim_ascii_start(),
        }
    }
    None
}

/// The place after a string without escapes.
fn string_end(text: &[u8]) -> Option<usize> {
    let inside = text.strip_prefix(b"\"")?;
    let end = inside.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (inside[end] == b'"').then_some(end + 2)
}
