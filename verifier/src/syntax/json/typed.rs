//! From the tree to typed values: a `serde::Deserializer` over [`Json`], stricter than `serde_json`'s (which reads a
//! struct from an array too).

use super::fault::excerpt;
use super::{Json, JsonFault};
use crate::values::reason::Reason;
use core::fmt::{self, Display};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, Unexpected, VariantAccess, Visitor,
};
use serde_path_to_error::{Path, Segment};

pub(super) fn from_json<T: DeserializeOwned>(json: Json) -> Result<T, JsonFault> {
    serde_path_to_error::deserialize(Tree(json)).map_err(|error| {
        let path = path_text(error.path());
        let TypeFault { reason, expected, found } = error.into_inner();
        JsonFault::field(reason, path, expected, found)
    })
}

/// `predicate.components[2].start`; the root is the empty text.
fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&excerpt(key));
            }
            Segment::Unknown => {}
        }
    }
    text
}

/// Why a value does not have the form that its type asks for.
#[derive(Debug)]
struct TypeFault {
    reason: Reason,
    expected: String,
    found: String,
}

impl TypeFault {
    fn new(reason: Reason, expected: impl Display, found: impl Display) -> Self {
        Self { reason, expected: expected.to_string(), found: found.to_string() }
    }

    fn one_of(names: &[&str]) -> String {
        if names.is_empty() { "nothing more".to_owned() } else { format!("one of {}", names.join(", ")) }
    }
}

impl Display for TypeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for TypeFault {}

impl serde::de::Error for TypeFault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Reason::JsonValue, "", message)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Reason::JsonWrongType, expected, found)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Reason::JsonValue, expected, found)
    }

    fn invalid_length(found: usize, expected: &dyn Expected) -> Self {
        Self::new(Reason::JsonValue, expected, format_args!("{found} elements"))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Reason::JsonValue, Self::one_of(expected), format_args!("{found:?}"))
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Reason::JsonUnknownField, Self::one_of(expected), format_args!("{found:?}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Reason::JsonMissingField, format_args!("the field {field:?}"), "none")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Reason::JsonDuplicateKey, "each key once in an object", format_args!("{field:?} twice"))
    }
}

/// A tree being read. Strings move out of it, so that a large document is not held twice.
struct Tree(Json);

impl IntoDeserializer<'_, TypeFault> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn unexpected(json: &Json) -> Unexpected<'_> {
    match json {
        Json::Null => Unexpected::Other("null"),
        Json::Bool(value) => Unexpected::Bool(*value),
        Json::Integer(value) => Unexpected::Signed(*value),
        Json::String(text) => Unexpected::Str(text),
        Json::Array(_) => Unexpected::Seq,
        Json::Object(_) => Unexpected::Map,
    }
}

fn access(members: Vec<(String, Json)>) -> MapDeserializer<'static, impl Iterator<Item = (Tree, Tree)>, TypeFault> {
    MapDeserializer::new(members.into_iter().map(|(key, value)| (Tree(Json::String(key)), Tree(value))))
}

impl<'de> serde::Deserializer<'de> for Tree {
    type Error = TypeFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeFault> {
        match self.0 {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(value),
            Json::Integer(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i64(value),
            },
            Json::String(text) => visitor.visit_string(text),
            Json::Array(items) => {
                let mut access = SeqDeserializer::new(items.into_iter().map(Tree));
                let value = visitor.visit_seq(&mut access)?;
                access.end()?;
                Ok(value)
            }
            Json::Object(members) => {
                let mut access = access(members);
                let value = visitor.visit_map(&mut access)?;
                access.end()?;
                Ok(value)
            }
        }
    }

    /// What is absent is left out: one document, one spelling.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeFault> {
        match self.0 {
            Json::Null => Err(TypeFault::new(Reason::JsonWrongType, "a value, or the field left out", "null")),
            some => visitor.visit_some(Self(some)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TypeFault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeFault> {
        match self.0 {
            object @ Json::Object(_) => Self(object).deserialize_any(visitor),
            other => Err(serde::de::Error::invalid_type(unexpected(&other), &visitor)),
        }
    }

    /// A unit variant is a string; any other is an object of one member (serde's external tag).
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeFault> {
        match self.0 {
            Json::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Json::Object(mut members) if members.len() == 1 => match members.pop() {
                Some((name, content)) => visitor.visit_enum(Variant { name, content: Some(content) }),
                None => Err(serde::de::Error::invalid_type(Unexpected::Map, &visitor)),
            },
            other => Err(serde::de::Error::invalid_type(unexpected(&other), &visitor)),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// A variant of an enum: its name, and its content if it is not a unit variant.
struct Variant {
    name: String,
    content: Option<Json>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = TypeFault;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), TypeFault> {
        Ok((seed.deserialize(Tree(Json::String(self.name)))?, Content(self.content)))
    }
}

struct Content(Option<Json>);

impl Content {
    fn present(self) -> Result<Tree, TypeFault> {
        let missing = || TypeFault::new(Reason::JsonWrongType, "an object of one member", "a string");
        self.0.map(Tree).ok_or_else(missing)
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = TypeFault;

    fn unit_variant(self) -> Result<(), TypeFault> {
        match self.0 {
            None => Ok(()),
            Some(content) => Err(TypeFault::new(Reason::JsonWrongType, "a string alone", unexpected(&content))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, TypeFault> {
        seed.deserialize(self.present()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, TypeFault> {
        serde::Deserializer::deserialize_tuple(self.present()?, length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeFault> {
        serde::Deserializer::deserialize_struct(self.present()?, "", fields, visitor)
    }
}
