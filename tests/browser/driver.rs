//! What every browser can be told, and how what it answers is read. The words are those of the W3C's WebDriver.

use serde_json::Value;

/// The key under which an element's id is told.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// An element of the page that is shown.
#[derive(Debug, Clone)]
pub(super) struct Element(pub(super) String);

/// One thing to do.
#[derive(Debug)]
pub(super) enum Order<'a> {
    Go(&'a str),
    /// The first element that a CSS selector finds.
    Find(&'a str),
    Click(&'a Element),
    Type(&'a Element, &'a str),
    /// Press and release keys, one after the other, wherever the focus is.
    Press(&'a str),
    /// A script's body; its `return` is the answer.
    Run(&'a str),
    Screenshot,
}

/// A browser that runs. It ends when this is dropped.
pub(super) trait Driver {
    /// What it is called in reports and file names.
    fn name(&self) -> &'static str;

    /// Do it; the answer's value, or what went wrong.
    fn obey(&mut self, order: &Order<'_>) -> Result<Value, String>;

    /// Give the browser an authenticator for passkeys that always says yes.
    fn add_authenticator(&mut self) -> Result<Value, String>;

    /// Give the page's own area that size in CSS pixels, also below what the window could have.
    fn resize(&mut self, width: u32, height: u32);
}

/// An element in an answer.
pub(super) fn element(value: &Value) -> Option<Element> {
    Some(Element(value[ELEMENT].as_str()?.to_owned()))
}

/// The authenticator of [`Driver::add_authenticator`], as the W3C's WebAuthn wants it of a WebDriver.
pub(super) fn authenticator() -> Value {
    serde_json::json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserConsenting": true,
        "isUserVerified": true,
    })
}

/// The actions of pressing keys, as the WebDriver wants them.
pub(super) fn key_actions(keys: &str) -> Value {
    let strokes: Vec<Value> =
        keys.chars().flat_map(|key| ["keyDown", "keyUp"].map(|kind| serde_json::json!({"type": kind, "value": key.to_string()}))).collect();
    serde_json::json!([{"type": "key", "id": "keyboard", "actions": strokes}])
}
