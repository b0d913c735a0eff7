//! An endpoint of a driver, and what its frames mean.
use crate::codec::{read_list, read_texts, text, write_list, write_texts};
use crate::control_capnp as wire;
pub use crate::control_capnp::Direction;
use crate::error::{ControlError, Result};
use crate::limits::TEXT_BYTES;
use crate::names;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Field {
    pub name: String,
    /// `u8` … `f64`, `bool`, `bytes`, `string`.
    #[cfg_attr(feature = "json", serde(rename = "type"))]
    pub kind: String,
    /// Elements of an array; for `bytes` and `string` the most bytes that they hold.
    pub count: u32,
    /// Bytes from the start of the record.
    pub offset: u32,
    /// One element of what stands for the field in a record that lacks it; what is missing at its end is zeroes.
    pub default: Vec<u8>,
}

/// What a record is since a version that added something to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Layout {
    pub since: String,
    pub bytes: u32,
    /// SHA-256 of the layout and of what its bytes mean.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Endpoint {
    pub name: String,
    #[cfg_attr(feature = "json", serde(with = "crate::json::direction"))]
    pub direction: Direction,
    pub fields: Vec<Field>,
    /// For an out: the inputs that its frames depend on.
    pub depends_on: Vec<String>,
    pub contract: String,
    /// The contract's version that the driver is declared to be written for.
    pub version: String,
    pub capabilities: Vec<String>,
    /// Oldest first; none for opaque payloads.
    pub layouts: Vec<Layout>,
}

impl Endpoint {
    /// One with opaque payloads.
    pub fn opaque(name: &str, direction: Direction) -> Self {
        Self {
            name: name.to_owned(),
            direction,
            fields: Vec::new(),
            depends_on: Vec::new(),
            contract: "opaque".to_owned(),
            version: "1.0.0".to_owned(),
            capabilities: Vec::new(),
            layouts: Vec::new(),
        }
    }

    pub fn read(reader: wire::endpoint::Reader<'_>) -> Result<Self> {
        Ok(Self {
            name: names::name("an endpoint", text("an endpoint", reader.get_name()?)?)?,
            direction: reader.get_direction()?,
            fields: read_list!("the fields", reader.get_fields()?, Field::read),
            depends_on: read_texts("a dependence", reader.get_depends_on()?)?
                .iter()
                .map(|each| names::name("a dependence", each))
                .collect::<Result<_>>()?,
            contract: names::contract("a contract", text("a contract", reader.get_contract()?)?)?,
            version: text("a version", reader.get_version()?)?.to_owned(),
            capabilities: read_texts("a capability", reader.get_capabilities()?)?,
            layouts: read_list!("the layouts", reader.get_layouts()?, Layout::read),
        })
    }

    pub fn write(&self, mut builder: wire::endpoint::Builder<'_>) {
        builder.set_name(self.name.as_str());
        builder.set_direction(self.direction);
        write_list!(builder.init_fields, &self.fields);
        write_texts!(builder.init_depends_on, &self.depends_on);
        builder.set_contract(self.contract.as_str());
        builder.set_version(self.version.as_str());
        write_texts!(builder.init_capabilities, &self.capabilities);
        write_list!(builder.init_layouts, &self.layouts);
    }
}

impl Field {
    pub fn read(reader: wire::field::Reader<'_>) -> Result<Self> {
        let default = reader.get_default()?;
        if default.len() > TEXT_BYTES {
            return Err(ControlError::malformed("a field's default", format_args!("above {TEXT_BYTES} bytes")));
        }
        Ok(Self {
            name: names::name("a field", text("a field", reader.get_name()?)?)?,
            kind: text("a field's type", reader.get_type()?)?.to_owned(),
            count: reader.get_count(),
            offset: reader.get_offset(),
            default: default.to_vec(),
        })
    }

    pub fn write(&self, mut builder: wire::field::Builder<'_>) {
        builder.set_name(self.name.as_str());
        builder.set_type(self.kind.as_str());
        builder.set_count(self.count);
        builder.set_offset(self.offset);
        builder.set_default(&self.default);
    }
}

impl Layout {
    pub fn read(reader: wire::layout::Reader<'_>) -> Result<Self> {
        Ok(Self {
            since: text("a version", reader.get_since()?)?.to_owned(),
            bytes: reader.get_bytes(),
            hash: names::hash("a layout", text("a layout", reader.get_hash()?)?)?,
        })
    }

    pub fn write(&self, mut builder: wire::layout::Builder<'_>) {
        builder.set_since(self.since.as_str());
        builder.set_bytes(self.bytes);
        builder.set_hash(self.hash.as_str());
    }
}
