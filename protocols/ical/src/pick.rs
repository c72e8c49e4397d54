//! Parts of an object: `comp` and `prop` of RFC 4791 section 9.6, `prop` of RFC 6352 section 10.4.

use crate::edit::{end_line, fold};
use crate::tree::{Entry, Node, Tree};

/// What is wanted of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// Its name, in upper case.
    pub name: String,
    /// Which properties; `None`: all.
    pub properties: Option<Vec<PickProperty>>,
    /// Which of its components; `None`: all, whole.
    pub components: Option<Vec<Pick>>,
}

/// A property that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickProperty {
    /// Its name, in any case.
    pub name: String,
    /// Without what it says (`novalue="yes"`).
    pub novalue: bool,
}

/// The parts of an object that are wanted; lines are the octets that were put. Components at the top with another name are left out.
pub fn pick(tree: &Tree<'_>, wanted: &Pick) -> Vec<u8> {
    let mut out = Vec::new();
    for node in tree.components.iter().filter(|node| node.name == wanted.name) {
        take(tree, node, wanted, &mut out);
    }
    out
}

/// As deep as components can be, which `Tree` limits.
fn take(tree: &Tree<'_>, node: &Node<'_>, wanted: &Pick, out: &mut Vec<u8>) {
    out.extend_from_slice(&tree.octets[node.begin.clone()]);
    for entry in &node.properties {
        property(tree, entry, wanted, out);
    }
    for node in &node.components {
        match &wanted.components {
            None => out.extend_from_slice(&tree.octets[node.range.clone()]),
            Some(list) => {
                if let Some(wanted) = list.iter().find(|wanted| wanted.name == node.name) {
                    take(tree, node, wanted, out);
                }
            }
        }
    }
    out.extend_from_slice(&tree.octets[node.end.clone()]);
    // Somebody else's may follow.
    end_line(out, "\r\n");
}

fn property(tree: &Tree<'_>, entry: &Entry<'_>, wanted: &Pick, out: &mut Vec<u8>) {
    let found = wanted.properties.as_ref().map(|list| list.iter().find(|wanted| entry.is(&wanted.name)));
    match found {
        None | Some(Some(PickProperty { novalue: false, .. })) => out.extend_from_slice(&tree.octets[entry.range.clone()]),
        Some(Some(PickProperty { novalue: true, .. })) => out.extend(fold(&entry.text()[..entry.text().len() - entry.value().len()])),
        Some(None) => {}
    }
}
