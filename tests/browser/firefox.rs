//! Firefox, driven through Marionette.

use super::driver::{Driver, Order, authenticator, key_actions};
use crate::support::marionette::Marionette;
use serde_json::{Value, json};

/// English, dark colours, and no calls to anybody.
const PREFERENCES: &str = r#"
user_pref("intl.accept_languages", "en");
user_pref("layout.css.prefers-color-scheme.content-override", 0);
user_pref("app.normandy.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("security.webauth.webauthn_enable_softtoken", true);
user_pref("security.webauth.webauthn_enable_usbtoken", false);
"#;

/// A Firefox that runs.
pub(super) struct Firefox(Marionette);

impl Firefox {
    /// Start one with an empty profile.
    pub(super) fn start() -> Self {
        let size = [("MOZ_HEADLESS_WIDTH", "1920"), ("MOZ_HEADLESS_HEIGHT", "1200")];
        Self(Marionette::start("firefox-esr", PREFERENCES, &size, &json!({"acceptInsecureCerts": true})))
    }
}

impl Driver for Firefox {
    fn name(&self) -> &'static str {
        "firefox"
    }

    fn obey(&mut self, order: &Order<'_>) -> Result<Value, String> {
        let mut answer = match order {
            Order::Go(url) => self.0.ask("WebDriver:Navigate", &json!({"url": url})),
            Order::Find(selector) => self.0.ask("WebDriver:FindElement", &json!({"using": "css selector", "value": selector})),
            Order::Click(element) => self.0.ask("WebDriver:ElementClick", &json!({"id": element.0})),
            Order::Type(element, text) => self.0.ask("WebDriver:ElementSendKeys", &json!({"id": element.0, "text": text})),
            Order::Press(keys) => self.0.ask("WebDriver:PerformActions", &json!({"actions": key_actions(keys)})),
            Order::Run(script) => self.0.ask("WebDriver:ExecuteScript", &json!({"script": script, "args": []})),
            Order::Screenshot => self.0.ask("WebDriver:TakeScreenshot", &json!({"full": false, "hash": false})),
        }?;
        Ok(answer["value"].take())
    }

    fn add_authenticator(&mut self) -> Result<Value, String> {
        self.0.ask("WebAuthn:AddVirtualAuthenticator", &authenticator())
    }

    fn resize(&mut self, width: u32, height: u32) {
        // A window has a least width; the part of it that shows the page has none.
        let script = format!(
            "for (const [name, size] of [['width', {width}], ['height', {height}]]) for (const bound of ['', 'min-', 'max-'])
                window.gBrowser.selectedBrowser.style.setProperty(bound + name, size + 'px', 'important');"
        );
        self.0.ask("Marionette:SetContext", &json!({"value": "chrome"})).unwrap();
        self.0.ask("WebDriver:ExecuteScript", &json!({"script": script, "args": []})).unwrap();
        self.0.ask("Marionette:SetContext", &json!({"value": "content"})).unwrap();
    }
}
