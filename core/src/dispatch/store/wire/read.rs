//! Reads replies and operations from JSON objects. Errors say which member is wrong, and what it must be.

use super::scalar::{bytes_word, largest, read_bytes, read_integer, read_time};
use super::table::{OPERATIONS, REPLIES, WireForm, WireMember, WireRow};
use super::write::name_of;
use crate::dispatch::nearest_name::nearest_name;
use crate::dispatch::options::Spelling;
use crate::dispatch::store::{Entries, Entry, Keep, Rate, Record, StoreDone, StoreOp, Version, When};
use crate::json::JsonSlice;
use crate::proto::messages::error::clip;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::time::Duration;

/// The reply of a store to an operation, in the spelling of a language. The error says what is wrong with the reply.
pub fn read_reply(op: &StoreOp, reply: &JsonSlice, spelling: Spelling) -> Result<StoreDone, String> {
    let name = name_of(op);
    let asked = row_named(OPERATIONS, name).ok_or("the operation is unknown")?;
    let allows = |reply: &str| asked.allows(reply);
    let read = Object::read(reply, "result", REPLIES, &allows, spelling)?;
    Ok(match read.row.name {
        "value" => StoreDone::Value(read.record()?),
        "stored" => StoreDone::Stored(Version(read.number("version")?)),
        "conflict" => StoreDone::Conflict(read.record()?),
        "found" => StoreDone::Found(read.flag("found")?),
        "appended" => match read.number("position")? {
            0 => return Err("position must be above 0".to_owned()),
            position => StoreDone::Appended(position),
        },
        "entries" => StoreDone::Entries(read.entries(op)?),
        "count" => StoreDone::Count {
            value: read.integer("value")?,
            added: read.flag("added")?,
            left: read.time("left")?,
        },
        "taken" => StoreDone::Taken {
            taken: read.flag("taken")?,
            left: read.number("left")?,
            wait: read.time("wait")?,
            reset: read.time("reset")?,
        },
        "full" => StoreDone::Full,
        "unsupported" => StoreDone::Unsupported,
        _ => StoreDone::Unavailable(read.text("reason")?),
    })
}

/// An operation in the spelling of a language. The tests of stores send such objects.
pub fn read_operation(op: &JsonSlice, spelling: Spelling) -> Result<StoreOp, String> {
    let read = Object::read(op, "op", OPERATIONS, &|_| true, spelling)?;
    let key = read.text("key")?;
    Ok(match read.row.name {
        "get" => StoreOp::Get { key, touch: read.maybe("touch", Object::time)? },
        "put" => {
            StoreOp::Put { key, value: read.bytes("value")?, ttl: read.time("ttl")?, when: read.when()? }
        }
        "touch" => StoreOp::Touch { key, ttl: read.time("ttl")? },
        "delete" => StoreOp::Delete { key, when: read.when()? },
        "append" => {
            StoreOp::Append { key, entry: read.bytes("entry")?, ttl: read.time("ttl")?, keep: read.keep()? }
        }
        "read" => StoreOp::Read {
            key,
            after: read.number("after")?,
            max_entries: read.count("max_entries")?,
            max_bytes: read.count("max_bytes")?,
        },
        "trim" => StoreOp::Trim { key, keep: read.keep()? },
        "expire" => StoreOp::Expire { key, ttl: read.time("ttl")? },
        "take" => StoreOp::Take { key, by: read.integer("by")?, rate: read.rate()? },
        _ => StoreOp::Add {
            key,
            by: read.integer("by")?,
            window: read.time("window")?,
            most: read.maybe("most", Object::integer)?,
        },
    })
}

fn row_named(rows: &'static [WireRow], name: &str) -> Option<&'static WireRow> {
    rows.iter().find(|row| row.name == name)
}

/// An object whose members are those of its row.
struct Object {
    row: &'static WireRow,
    members: Map<String, Value>,
    spelling: Spelling,
}

impl Object {
    fn read(
        json: &JsonSlice,
        kind: &str,
        rows: &'static [WireRow],
        allows: &dyn Fn(&str) -> bool,
        spelling: Spelling,
    ) -> Result<Object, String> {
        let Ok(Value::Object(mut members)) = json.to_value() else {
            return Err(format!(
                "it must be an object with the member {kind:?}, not {}",
                shown(json.as_str())
            ));
        };
        let known = || spelling.one_of(rows.iter().map(|row| row.name).filter(|name| allows(name)));
        let name = match members.remove(kind) {
            Some(Value::String(name)) => name,
            Some(other) => {
                return Err(format!("{kind} must be {}, not {}", known(), shown(&other.to_string())));
            }
            None => return Err(format!("{kind} is missing; it must be {}", known())),
        };
        let found = row_named(rows, &name).filter(|row| allows(row.name));
        let row = found.ok_or_else(|| format!("{kind} must be {}, not {:?}", known(), clip(&name)))?;
        let object = Object { row, members, spelling };
        object.check_names()?;
        Ok(object)
    }

    fn check_names(&self) -> Result<(), String> {
        let known: Vec<_> = self.row.members.iter().map(|member| self.spelling.name(member.name)).collect();
        let unknown = self
            .members
            .iter()
            .find(|(name, value)| !value.is_null() && !known.iter().any(|known| known == *name));
        let Some((name, _)) = unknown else { return Ok(()) };
        let near = match nearest_name(name, known.iter().map(AsRef::as_ref)) {
            Some(near) => format!("; the nearest member is {near:?}"),
            None => "; it has no other members".to_owned(),
        };
        Err(format!("{:?} has no member {:?}{near}", self.row.name, clip(name)))
    }

    fn member(&self, name: &str) -> Result<(&'static WireMember, &Value), String> {
        let known = self.row.members.iter().find(|member| member.name == name);
        let member = known.ok_or_else(|| format!("{:?} has no member {name:?}", self.row.name))?;
        let value = self.members.get(&*self.spelling.name(name)).unwrap_or(&Value::Null);
        Ok((member, value))
    }

    fn get<T>(&self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<T, String> {
        let (member, value) = self.member(name)?;
        let at = self.spelling.name(name);
        if value.is_null() {
            return Err(format!("{at} is missing; it must be {}", self.expected(member.form)));
        }
        read(value)
            .ok_or_else(|| format!("{at} must be {}, not {}", self.expected(member.form), self.shown(value)))
    }

    /// The value of a member that may be missing.
    fn maybe<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Object, &str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        if self.member(name)?.1.is_null() { Ok(None) } else { read(self, name).map(Some) }
    }

    fn expected(&self, form: WireForm) -> String {
        match form {
            WireForm::Text => "text".to_owned(),
            WireForm::Bytes => bytes_word(self.spelling).to_owned(),
            WireForm::Flag => "true or false".to_owned(),
            WireForm::Time => format!("a number of {} from 0", self.spelling.unit()),
            WireForm::Number => match self.spelling {
                Spelling::Node => "an integer from 0 to Number.MAX_SAFE_INTEGER".to_owned(),
                _ => "an integer from 0".to_owned(),
            },
            WireForm::Integer => match self.spelling {
                Spelling::Node => "an integer from -(2 ** 53) to 2 ** 53 - 1".to_owned(),
                _ => "an integer of 64 bits".to_owned(),
            },
            WireForm::Condition => self.spelling.one_of(["always", "absent", "version"]),
            WireForm::Record => format!(
                "an object with value, which is {}, and version, which is {}",
                self.expected(WireForm::Bytes),
                self.expected(WireForm::Number)
            ),
            WireForm::Entries => format!(
                "an array of objects with position, which is {}, and entry, which is {}",
                self.expected(WireForm::Number),
                self.expected(WireForm::Bytes)
            ),
        }
    }

    fn shown(&self, value: &Value) -> String {
        if read_bytes(value).is_some() { "bytes".to_owned() } else { shown(&value.to_string()) }
    }

    fn text(&self, name: &str) -> Result<String, String> {
        self.get(name, |value| value.as_str().map(str::to_owned))
    }

    fn bytes(&self, name: &str) -> Result<Bytes, String> {
        self.get(name, read_bytes)
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        self.get(name, Value::as_bool)
    }

    fn time(&self, name: &str) -> Result<Duration, String> {
        self.get(name, |value| read_time(value, self.spelling))
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        self.get(name, |value| self.number_of(value))
    }

    fn number_of(&self, value: &Value) -> Option<u64> {
        value.as_u64().filter(|value| *value <= largest(self.spelling))
    }

    fn count(&self, name: &str) -> Result<usize, String> {
        self.number(name).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn integer(&self, name: &str) -> Result<i64, String> {
        self.get(name, |value| read_integer(value, self.spelling))
    }

    fn when(&self) -> Result<When, String> {
        match &*self.text("when")? {
            "always" => Ok(When::Always),
            "absent" => Ok(When::Absent),
            "version" => Ok(When::Is(Version(self.number("version")?))),
            other => {
                Err(format!("when must be {}, not {:?}", self.expected(WireForm::Condition), clip(other)))
            }
        }
    }

    fn keep(&self) -> Result<Keep, String> {
        Ok(Keep {
            entries: self.maybe("keep_entries", Object::count)?,
            bytes: self.maybe("keep_bytes", Object::count)?,
            age: self.maybe("keep_age", Object::time)?,
            after: self.number("keep_after")?,
        })
    }

    fn rate(&self) -> Result<Rate, String> {
        let pieces = |this: &Object, name: &str| {
            let number = this.number(name)?;
            u32::try_from(number)
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| format!("{name} must be an integer from 1 to {}, not {number}", u32::MAX))
        };
        let period = self.time("period")?;
        if period.is_zero() {
            return Err("period must be above 0".to_owned());
        }
        Ok(Rate { amount: pieces(self, "amount")?, period, burst: self.maybe("burst", pieces)? })
    }

    fn record(&self) -> Result<Option<Record>, String> {
        let read = |value: &Value| {
            let object = value.as_object().filter(|object| object.len() == 2)?;
            let (value, version) = (object.get("value")?, object.get("version")?);
            Some(Record { value: read_bytes(value)?, version: Version(self.number_of(version)?) })
        };
        self.maybe("record", |this, name| this.get(name, read))
    }

    fn entries(&self, op: &StoreOp) -> Result<Entries, String> {
        let StoreOp::Read { after, max_entries, max_bytes, .. } = op else {
            return Err("only a log has entries".to_owned());
        };
        let one = |value: &Value| {
            let object = value.as_object().filter(|object| object.len() == 2)?;
            let (position, entry) = (object.get("position")?, object.get("entry")?);
            Some(Entry { position: self.number_of(position)?, bytes: read_bytes(entry)? })
        };
        let read = |value: &Value| value.as_array()?.iter().map(one).collect::<Option<Vec<Entry>>>();
        let entries: Vec<Entry> = self.get("entries", read)?;
        let mut last = *after;
        for entry in &entries {
            if entry.position <= last {
                return Err(format!(
                    "entries must be in the order of their positions and after {after}; {} follows {last}",
                    entry.position
                ));
            }
            last = entry.position;
        }
        if entries.len() > (*max_entries).max(1) {
            return Err(format!("entries has {} entries; max_entries is {max_entries}", entries.len()));
        }
        let bytes: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
        if entries.len() > 1 && bytes > *max_bytes {
            return Err(format!("entries has {bytes} bytes; max_bytes is {max_bytes}"));
        }
        Ok(Entries { entries, missed: self.flag("missed")?, more: self.flag("more")? })
    }
}

/// JSON text for a message, shortened if it is long.
fn shown(json: &str) -> String {
    clip(json).to_owned()
}
