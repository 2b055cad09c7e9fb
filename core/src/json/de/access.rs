//! The items of an array, the members of an object, and the content of an enum's variant.

use super::key::Key;
use super::{ReadError, Reader};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

pub(super) struct Items<'a, 'de>(pub(super) &'a mut Reader<'de>);

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        match self.0.peek() {
            b']' => Ok(None),
            _ => seed.deserialize(&mut *self.0).map(Some),
        }
    }
}

pub(super) struct Entries<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// The positions of the members that were skipped at the start. They are read last.
    postponed: Vec<usize>,
    /// The end of the object, once all other members have been read.
    end: Option<usize>,
}

impl<'a, 'de> Entries<'a, 'de> {
    pub(super) fn new(reader: &'a mut Reader<'de>, postponed: Vec<usize>) -> Self {
        Entries { reader, postponed, end: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        if self.end.is_some() || self.reader.peek() == b'}' {
            let end = *self.end.get_or_insert(self.reader.at);
            match self.postponed.pop() {
                Some(start) => self.reader.at = start,
                None => {
                    self.reader.at = end;
                    return Ok(None);
                }
            }
        }
        seed.deserialize(Key(&mut *self.reader)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(&mut *self.reader)
    }
}

/// An object with one member: the variant's name and its content.
pub(super) struct Variant<'a, 'de>(pub(super) &'a mut Reader<'de>);

impl<'a, 'de> EnumAccess<'de> for Variant<'a, 'de> {
    type Error = ReadError;
    type Variant = &'a mut Reader<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), ReadError> {
        if self.0.peek() != b'"' {
            return Err(ReadError("a variant is an object of one member".to_owned()));
        }
        Ok((seed.deserialize(Key(self.0))?, self.0))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        de::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }
}
