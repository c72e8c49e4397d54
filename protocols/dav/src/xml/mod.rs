//! XML in and out: a reader with limits and a writer that cannot forget to escape.

mod reader;
mod writer;

pub(crate) use reader::{Element, ElementName, XmlFault, parse};
pub(crate) use writer::Xml;
