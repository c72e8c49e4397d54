//! XML in and out: a reader with limits and a writer that cannot forget to escape.

mod kept;
mod reader;
mod writer;

pub(crate) use kept::{kept, kept_children};
pub(crate) use reader::{Element, ElementName, XmlFault, is_name, parse};
pub(crate) use writer::Xml;
