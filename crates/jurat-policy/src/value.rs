//! Serde straight into regorus' values: the input of a judgement is made without a JSON text or a
//! second tree in between.

use std::fmt;

use regorus::Value;
use serde::{Serialize, ser};

/// Turns anything that serializes into a value.
///
/// # Errors
/// What has no form in JSON: map keys that are not texts, and numbers that are not finite.
pub(crate) fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, NotJson> {
    value.serialize(Writer)
}

/// Why a value has no form in JSON.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotJson(String);

impl ser::Error for NotJson {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct Writer;

/// An array or object under construction.
struct Building {
    items: Vec<Value>,
    fields: regorus::value::Object,
    key: Option<Value>,
    variant: Option<&'static str>,
}

impl Building {
    fn new(variant: Option<&'static str>, capacity: usize) -> Self {
        Self {
            items: Vec::with_capacity(capacity),
            fields: regorus::value::Object::new(),
            key: None,
            variant,
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), NotJson> {
        self.fields.insert(Value::from(key), value.serialize(Writer)?);
        Ok(())
    }

    fn array(self) -> Value {
        wrap(self.variant, Value::from(self.items))
    }

    fn object(self) -> Value {
        wrap(self.variant, self.fields.into_value())
    }
}

fn wrap(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        None => value,
        Some(variant) => {
            let mut object = regorus::value::Object::new();
            object.insert(Value::from(variant), value);
            object.into_value()
        }
    }
}

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = NotJson;
    type SerializeSeq = Building;
    type SerializeTuple = Building;
    type SerializeTupleStruct = Building;
    type SerializeTupleVariant = Building;
    type SerializeMap = Building;
    type SerializeStruct = Building;
    type SerializeStructVariant = Building;

    fn serialize_bool(self, v: bool) -> Result<Value, NotJson> {
        Ok(Value::from(v))
    }
    fn serialize_i8(self, v: i8) -> Result<Value, NotJson> {
        Ok(Value::from(i64::from(v)))
    }
    fn serialize_i16(self, v: i16) -> Result<Value, NotJson> {
        Ok(Value::from(i64::from(v)))
    }
    fn serialize_i32(self, v: i32) -> Result<Value, NotJson> {
        Ok(Value::from(i64::from(v)))
    }
    fn serialize_i64(self, v: i64) -> Result<Value, NotJson> {
        // regorus keeps a number in one of several forms and tells them apart when it compares.
        Ok(u64::try_from(v).map_or_else(|_negative| Value::from(v), Value::from))
    }
    fn serialize_u8(self, v: u8) -> Result<Value, NotJson> {
        Ok(Value::from(u64::from(v)))
    }
    fn serialize_u16(self, v: u16) -> Result<Value, NotJson> {
        Ok(Value::from(u64::from(v)))
    }
    fn serialize_u32(self, v: u32) -> Result<Value, NotJson> {
        Ok(Value::from(u64::from(v)))
    }
    fn serialize_u64(self, v: u64) -> Result<Value, NotJson> {
        Ok(Value::from(v))
    }
    fn serialize_f32(self, v: f32) -> Result<Value, NotJson> {
        self.serialize_f64(f64::from(v))
    }
    fn serialize_f64(self, v: f64) -> Result<Value, NotJson> {
        if v.is_finite() {
            Ok(Value::from(v))
        } else {
            Err(NotJson("a number is not finite".to_owned()))
        }
    }
    fn serialize_char(self, v: char) -> Result<Value, NotJson> {
        Ok(Value::from(v.to_string()))
    }
    fn serialize_str(self, v: &str) -> Result<Value, NotJson> {
        Ok(Value::from(v))
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<Value, NotJson> {
        Ok(Value::from(v.iter().map(|byte| Value::from(u64::from(*byte))).collect::<Vec<_>>()))
    }
    fn serialize_none(self) -> Result<Value, NotJson> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, NotJson> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, NotJson> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, NotJson> {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, NotJson> {
        Ok(Value::from(variant))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, NotJson> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, NotJson> {
        Ok(wrap(Some(variant), value.serialize(self)?))
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Building, NotJson> {
        Ok(Building::new(None, len.unwrap_or(0).min(1024)))
    }
    fn serialize_tuple(self, len: usize) -> Result<Building, NotJson> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Building, NotJson> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Building, NotJson> {
        Ok(Building::new(Some(variant), len.min(1024)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Building, NotJson> {
        Ok(Building::new(None, 0))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Building, NotJson> {
        Ok(Building::new(None, 0))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Building, NotJson> {
        Ok(Building::new(Some(variant), 0))
    }
}

impl ser::SerializeSeq for Building {
    type Ok = Value;
    type Error = NotJson;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
        self.items.push(value.serialize(Writer)?);
        Ok(())
    }
    fn end(self) -> Result<Value, NotJson> {
        Ok(self.array())
    }
}

impl ser::SerializeTuple for Building {
    type Ok = Value;
    type Error = NotJson;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
        ser::SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<Value, NotJson> {
        Ok(self.array())
    }
}

impl ser::SerializeTupleStruct for Building {
    type Ok = Value;
    type Error = NotJson;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
        ser::SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<Value, NotJson> {
        Ok(self.array())
    }
}

impl ser::SerializeTupleVariant for Building {
    type Ok = Value;
    type Error = NotJson;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
        ser::SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<Value, NotJson> {
        Ok(self.array())
    }
}

impl ser::SerializeMap for Building {
    type Ok = Value;
    type Error = NotJson;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotJson> {
        let key = key.serialize(Writer)?;
        if !matches!(key, Value::String(_)) {
            return Err(NotJson("a key is not a text".to_owned()));
        }
        self.key = Some(key);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotJson> {
        let key = self.key.take().ok_or_else(|| NotJson("a value has no key".to_owned()))?;
        self.fields.insert(key, value.serialize(Writer)?);
        Ok(())
    }
    fn end(self) -> Result<Value, NotJson> {
        Ok(self.object())
    }
}

impl ser::SerializeStruct for Building {
    type Ok = Value;
    type Error = NotJson;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NotJson> {
        self.field(key, value)
    }
    fn end(self) -> Result<Value, NotJson> {
        Ok(self.object())
    }
}

impl ser::SerializeStructVariant for Building {
    type Ok = Value;
    type Error = NotJson;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NotJson> {
        self.field(key, value)
    }
    fn end(self) -> Result<Value, NotJson> {
        Ok(self.object())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::corpus;

    #[test]
    fn the_input_is_the_json_of_the_intent() {
        for intent in corpus::intents() {
            let text = serde_json::to_string(&intent).unwrap();
            let parsed = regorus::Value::from_json_str(&text).unwrap();
            assert_eq!(super::to_value(&intent).unwrap(), parsed);
        }
    }

    #[test]
    fn numbers_compare_as_json_numbers() {
        let values = json!({"a": 1, "b": -1, "c": 1.5, "d": [null, true, "x"], "e": u64::MAX});
        let parsed = regorus::Value::from_json_str(&values.to_string()).unwrap();
        assert_eq!(super::to_value(&values).unwrap(), parsed);
    }
}
