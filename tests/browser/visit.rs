//! A browser as a test uses it: go to a page, fill in, send, read, press keys, look.

use super::driver::{Driver, Element, Order, element};
use crate::support::{Server, eventually};
use data_encoding::BASE64;
use serde_json::Value;
use std::path::Path;

/// Keys without a character of their own, as the WebDriver calls them.
const TAB: &str = "\u{E004}";
pub(super) const ENTER: &str = "\u{E007}";

/// A wide screen and a telephone, in CSS pixels.
pub(super) const WIDE: (u32, u32) = (1920, 1080);
pub(super) const NARROW: (u32, u32) = (390, 844);

/// What every page must keep to, as a list of what it does not.
const FAULTS: &str = r"
    const faults = [];
    const all = selector => [...document.querySelectorAll(selector)];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
        const wide = all('body *').filter(e => e.getBoundingClientRect().right > root.clientWidth + 1).map(e => e.tagName + '.' + e.className);
        faults.push('it overflows: ' + root.scrollWidth + ' > ' + root.clientWidth + ' by ' + wide.join(' '));
    }
    const edge = document.querySelector('main').getBoundingClientRect().right;
    for (const part of all('main *')) if (part.getBoundingClientRect().right > edge) faults.push('it stands out of its page: ' + part.tagName);
    const levels = all('h1, h2, h3, h4').map(e => Number(e.tagName[1]));
    if (levels.filter(level => level === 1).length !== 1 || levels[0] !== 1) faults.push('not one h1 first: ' + levels);
    levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) faults.push('a heading is skipped: ' + levels); });
    for (const field of all('input:not([type=hidden]), select, textarea')) if (!field.labels.length) faults.push('no label: ' + field.name);
    for (const described of all('[aria-describedby], [aria-labelledby]'))
        for (const name of ['aria-describedby', 'aria-labelledby'])
            for (const id of (described.getAttribute(name) || '').split(' ').filter(Boolean))
                if (!document.getElementById(id)) faults.push(name + ' leads nowhere: ' + id);
    const ids = all('[id]').map(e => e.id);
    if (new Set(ids).size !== ids.length) faults.push('an id comes twice: ' + ids);
    for (const landmark of ['header', 'main']) if (all(landmark).length !== 1) faults.push('not one ' + landmark);
    const navs = all('nav').map(e => e.getAttribute('aria-label'));
    if (!navs.length || !navs.every(Boolean) || new Set(navs).size !== navs.length) faults.push('not each nav with a name of its own: ' + navs);
    if (all('script, [onclick], [onchange], [onsubmit]').some(e => !e.src || !e.src.includes('/portal/passkey.js?'))) faults.push('a script');
    if (!root.lang) faults.push('no language');
    if (all('nav [aria-current=page]').length !== 1) faults.push('no current page');
    for (const table of all('table')) if (!table.caption) faults.push('a table without caption');
    return faults;
";

/// A browser at a server's portal.
pub(super) struct Browser<'a> {
    pub(super) server: &'a Server,
    driver: Box<dyn Driver>,
}

impl<'a> Browser<'a> {
    pub(super) fn new(server: &'a Server, driver: Box<dyn Driver>) -> Self {
        Self { server, driver }
    }

    /// Go to a path of the server.
    #[track_caller]
    pub(super) fn go(&mut self, path: &str) {
        let url = self.server.url(path);
        self.order(&Order::Go(&url));
    }

    /// What the page says, as it is seen.
    #[track_caller]
    pub(super) fn text(&mut self) -> String {
        self.run("return document.body.innerText;").as_str().unwrap().to_owned()
    }

    /// What an element says.
    #[track_caller]
    pub(super) fn text_of(&mut self, selector: &str) -> String {
        self.run(&format!("return document.querySelector({}).innerText;", Value::from(selector))).as_str().unwrap().to_owned()
    }

    /// The heading of the page.
    #[track_caller]
    pub(super) fn heading(&mut self) -> String {
        self.text_of("h1")
    }

    /// Is there such an element?
    #[track_caller]
    pub(super) fn has(&mut self, selector: &str) -> bool {
        self.run(&format!("return document.querySelector({}) !== null;", Value::from(selector))).as_bool().unwrap()
    }

    /// Choose from a list by the value.
    #[track_caller]
    pub(super) fn choose(&mut self, selector: &str, value: &str) {
        let script = format!(
            "const list = document.querySelector({}); list.value = {}; return list.value;",
            Value::from(selector),
            Value::from(value)
        );
        assert_eq!(self.run(&script), value, "{selector} has it");
    }

    /// Write into a field.
    #[track_caller]
    pub(super) fn fill(&mut self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.order(&Order::Type(&element, text));
    }

    /// Click on what leads to no other page.
    #[track_caller]
    pub(super) fn click(&mut self, selector: &str) {
        let element = self.find(selector);
        self.order(&Order::Click(&element));
    }

    /// Click on what leads to another page, and wait for that one.
    #[track_caller]
    pub(super) fn follow(&mut self, selector: &str) {
        let element = self.find(selector);
        self.leaving(|browser| {
            browser.order(&Order::Click(&element));
        });
    }

    /// Give the browser an authenticator for passkeys.
    #[track_caller]
    pub(super) fn add_authenticator(&mut self) {
        self.driver.add_authenticator().unwrap();
    }

    /// Press keys that lead to another page, and wait for that one.
    #[track_caller]
    pub(super) fn press_and_follow(&mut self, keys: &str) {
        self.leaving(|browser| {
            // The last key comes up when its page may be gone already, which a driver may tell as an error: what counts is that another is there.
            if let Err(error) = browser.driver.obey(&Order::Press(keys)) {
                eprintln!("{}: while leaving: {error}", browser.driver.name());
            }
        });
    }

    /// Press keys, wherever the focus is.
    #[track_caller]
    pub(super) fn press(&mut self, keys: &str) {
        self.order(&Order::Press(keys));
    }

    /// Id or words of what has the focus.
    #[track_caller]
    pub(super) fn focus(&mut self) -> String {
        let found = self.run("const e = document.activeElement; return e.id || e.innerText.trim();");
        found.as_str().unwrap().to_owned()
    }

    /// Press Tab, and wait until something else has the focus.
    #[track_caller]
    pub(super) fn tab(&mut self) {
        self.run("document.activeElement.dataset.before = 'yes';");
        self.press(TAB);
        eventually("another focus", || (self.run("return document.activeElement.dataset.before === undefined;") == true).then_some(()));
        self.run("document.querySelectorAll('[data-before]').forEach(e => e.removeAttribute('data-before'));");
    }

    /// Run a script's body; what it returns.
    #[track_caller]
    pub(super) fn run(&mut self, script: &str) -> Value {
        self.order(&Order::Run(script))
    }

    /// Give the page that size in CSS pixels.
    #[track_caller]
    pub(super) fn resize(&mut self, (width, height): (u32, u32)) {
        self.driver.resize(width, height);
        eventually("the page to have its size", || (self.run("return window.innerWidth;") == width).then_some(()));
    }

    /// Is an element seen?
    #[track_caller]
    pub(super) fn shows(&mut self, selector: &str) -> bool {
        let script = format!("return document.querySelector({}).checkVisibility();", Value::from(selector));
        self.run(&script).as_bool().unwrap()
    }

    /// The page must be sound in both sizes; pictures of it are kept.
    #[track_caller]
    pub(super) fn look(&mut self, name: &str) {
        for (width, height) in [WIDE, NARROW] {
            self.resize((width, height));
            let shown = self.run("return document.documentElement.scrollHeight;").as_u64().unwrap();
            let faults = self.run(FAULTS);
            self.driver.resize(width, u32::try_from(shown).unwrap().max(height));
            let picture = self.order(&Order::Screenshot);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
            std::fs::create_dir_all(&folder).unwrap();
            let file = folder.join(format!("{name}-{width}-{}.png", self.driver.name()));
            std::fs::write(file, BASE64.decode(picture.as_str().unwrap().as_bytes()).unwrap()).unwrap();
            assert_eq!(faults, serde_json::json!([]), "{name} in {} at {width}×{height}", self.driver.name());
        }
        self.resize(WIDE);
    }

    #[track_caller]
    fn find(&mut self, selector: &str) -> Element {
        let found = self.order(&Order::Find(selector));
        element(&found).unwrap_or_else(|| panic!("no element in {found}"))
    }

    /// Do what leads away from this page, and wait until another one is there.
    #[track_caller]
    fn leaving(&mut self, act: impl FnOnce(&mut Self)) {
        self.run("document.documentElement.dataset.old = 'yes';");
        act(self);
        let there = "return document.readyState === 'complete' && document.documentElement.dataset.old === undefined;";
        // In between there may be no page at all to ask.
        eventually("another page", || self.driver.obey(&Order::Run(there)).ok().filter(|value| *value == Value::Bool(true)));
    }

    #[track_caller]
    fn order(&mut self, order: &Order<'_>) -> Value {
        let name = self.driver.name();
        match self.driver.obey(order) {
            Ok(value) => value,
            Err(error) => {
                let page = self.driver.obey(&Order::Run("return location.href + '\\n' + document.body.innerText;")).unwrap_or_default();
                panic!("{name}: {order:?}: {error}\non {}", page.as_str().unwrap_or_default())
            }
        }
    }
}
