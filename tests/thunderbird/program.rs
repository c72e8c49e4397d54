//! Thunderbird, driven through Marionette. Scripts run in its chrome context, where `steps.js` and `calendars.js` have the services that its
//! windows stand on.

use crate::support::PATIENCE;
use crate::support::marionette::Marionette;
use serde_json::{Value, json};

const PREFERENCES: &str = r#"
user_pref("mailnews.start_page.enabled", false);
user_pref("mail.provider.enabled", false);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("network.proxy.no_proxies_on", "localhost, 127.0.0.1");
"#;

/// What each step is sent with.
const STEPS: &str = concat!(include_str!("steps.js"), include_str!("calendars.js"));

/// A Thunderbird that runs. It ends when this is dropped.
pub(super) struct Thunderbird(Marionette);

impl Thunderbird {
    /// Start one with an empty profile.
    pub(super) fn start() -> Self {
        let mut program = Marionette::start("thunderbird", PREFERENCES, &[], &json!({}));
        program.ask("Marionette:SetContext", &json!({"value": "chrome"})).unwrap();
        // A step gives up by itself before that, and says what it waited for.
        program.ask("WebDriver:SetTimeouts", &json!({"script": PATIENCE.as_millis() - 10_000})).unwrap();
        Self(program)
    }

    /// Do a step of these files; what it returns.
    #[track_caller]
    pub(super) fn step(&mut self, name: &str, arguments: &Value) -> Value {
        self.try_step(name, arguments).unwrap_or_else(|why| panic!("{name} {arguments}: {why}"))
    }

    fn try_step(&mut self, name: &str, arguments: &Value) -> Result<Value, String> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async () => {{ {STEPS}; return steps.{name}(...JSON.parse(arguments[0])); }})()
                 .then(value => done({{ value: value ?? null }}), error => done({{ error: String(error) }}));"
        );
        let parameters = json!({"script": script, "args": [arguments.to_string()], "sandbox": "system"});
        let mut answer = self.0.ask("WebDriver:ExecuteAsyncScript", &parameters)?["value"].take();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["value"].take()),
        }
    }
}
