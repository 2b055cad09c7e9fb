//! Wrappers for a value that is one text: an option, a newtype, or the variant of an enum.

/// Methods of a `Deserializer` for one text: a text is never `None`, and it may name a variant. `$text` is the text of
/// the deserializer `$this`.
macro_rules! text_value_wrappers {
    ($error:ty, $this:ident => $text:expr) => {
        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, $error> {
            visitor.visit_some(self)
        }

        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, $error> {
            visitor.visit_newtype_struct(self)
        }

        fn deserialize_enum<V: Visitor<'de>>(
            self,
            _: &'static str,
            _: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, $error> {
            let $this = self;
            visitor.visit_enum(($text).into_deserializer())
        }
    };
}

pub(crate) use text_value_wrappers;
