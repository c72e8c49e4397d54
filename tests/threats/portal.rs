//! The portal: sessions that somebody planted, forms of another site, frames, redirects, and names that are markup.

use crate::portal::{MAIN, code, newcomer};
use crate::support::http::{Http, Response};
use crate::support::imap::Imap;
use crate::support::process::run_in;
use crate::support::server::{DOMAIN, OCTROI};
use crate::support::{Server, shared, unique};
use std::path::Path;

/// Pages that are there; the last one is not.
const PAGES: [&str; 8] = [
    "/portal/",
    "/portal/sign-in",
    "/portal/help",
    "/portal/password",
    "/portal/second-factor",
    "/portal/second-factor/confirm",
    "/portal/app-passwords",
    "/portal/never-made",
];

/// A browser of which only the cookie is kept.
struct Browser<'a> {
    server: &'a Server,
    cookie: String,
    page: String,
}

impl<'a> Browser<'a> {
    fn open(server: &'a Server) -> Self {
        let mut browser = Self { server, cookie: String::new(), page: String::new() };
        browser.get("/portal/sign-in");
        browser
    }

    fn get(&mut self, path: &str) -> Response {
        self.request("GET", path, &[], "")
    }

    /// A form, with the token of the last page that had one.
    fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.post_from(path, fields, &[])
    }

    fn post_from(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Response {
        let token = self.token();
        let pairs =
            [("token", token.as_str())].iter().chain(fields).map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>();
        self.request("POST", path, headers, &pairs.join("&"))
    }

    fn token(&self) -> String {
        let (_, rest) = self.page.split_once("name=\"token\" value=\"").unwrap_or_else(|| panic!("no form in {}", self.page));
        rest.split('"').next().unwrap().to_owned()
    }

    fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let cookie = format!("__Host-octroi={}", self.cookie);
        let fixed = [("Cookie", cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded"), ("Accept-Language", "en")];
        let response = Http::anonymous(self.server).request(method, path, &[&fixed[..], headers].concat(), body.as_bytes());
        if let Some(set) = response.header("set-cookie") {
            set.split(['=', ';']).nth(1).unwrap().clone_into(&mut self.cookie);
        }
        if response.text().contains("name=\"token\"") {
            self.page = response.text();
        }
        response
    }

    fn is_signed_in(&mut self) -> bool {
        let page = self.get("/portal/").text();
        page.contains("/portal/sign-out")
    }

    /// The same with another value of the cookie.
    fn with_cookie(&self, cookie: &str) -> Self {
        Self { server: self.server, cookie: cookie.to_owned(), page: String::new() }
    }

    fn enrol(&mut self) -> String {
        self.get("/portal/second-factor");
        self.post("/portal/second-factor", &[]);
        self.get("/portal/second-factor/confirm");
        let (_, rest) = self.page.split_once("id=\"secret\">").unwrap();
        let secret = rest.split('<').next().unwrap().to_owned();
        self.post("/portal/second-factor/confirm", &[("code", &code(&secret))]);
        secret
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Fixation: whoever planted or saw the cookie before a step up has nothing after it.
#[test]
fn the_cookie_changes_at_each_step_up() {
    let server = shared();
    let address = newcomer(server);
    let mut browser = Browser::open(server);
    let planted = browser.cookie.clone();
    browser.post("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    let signed_in = browser.cookie.clone();
    assert_ne!(planted, signed_in);
    assert!(browser.is_signed_in() && !browser.with_cookie(&planted).is_signed_in());

    let secret = browser.enrol();
    let stepped_up = browser.cookie.clone();
    assert_ne!(signed_in, stepped_up);
    assert!(browser.is_signed_in() && !browser.with_cookie(&signed_in).is_signed_in());

    // A value of one's own choosing is not taken up either.
    let chosen = "ab".repeat(32);
    let mut again = browser.with_cookie(&chosen);
    again.get("/portal/sign-in");
    again.post("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    let awaits_code = again.cookie.clone();
    assert!(awaits_code != chosen && !again.is_signed_in(), "the password alone opens nothing");
    again.get("/portal/sign-in");
    let next = octroi_gate::code_at(&secret.replace(' ', ""), octroi_model::UnixTime::now().0 + 30).unwrap();
    again.post("/portal/code", &[("code", &next)]);
    assert!(again.is_signed_in(), "{}", again.page);
    assert_ne!(again.cookie, awaits_code);
    assert!(!again.with_cookie(&awaits_code).is_signed_in() && !again.with_cookie(&chosen).is_signed_in());

    // Signing out ends it on the server, not only in the browser.
    let last = again.cookie.clone();
    again.post("/portal/sign-out", &[]);
    assert!(!again.with_cookie(&last).is_signed_in());
}

/// Forgery: another site makes the browser of somebody who is signed in send a form.
#[test]
fn a_form_from_another_site_does_nothing() {
    let server = shared();
    let address = newcomer(server);
    let mut browser = Browser::open(server);
    browser.post("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    assert!(browser.is_signed_in());
    let foreign: [&[(&str, &str)]; 5] = [
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "https://localhost.evil.example")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
    ];
    for headers in foreign {
        let said = browser.post_from("/portal/sign-out", &[], headers);
        assert_eq!(said.status, 403, "{headers:?}");
        assert!(browser.is_signed_in(), "{headers:?}");
    }
    // The token of a visitor of their own is what another site could get.
    let token = Browser::open(server).token();
    let said = browser.request("POST", "/portal/sign-out", &[], &format!("token={token}"));
    assert!(said.status == 403 && browser.is_signed_in());
    // A link or a picture is no form.
    for path in ["/portal/sign-out", "/portal/app-passwords/revoke"] {
        browser.get(path);
        assert!(browser.is_signed_in(), "GET {path}");
    }
    let ours = [("Origin", "https://localhost"), ("Sec-Fetch-Site", "same-origin")];
    let before = browser.cookie.clone();
    browser.get("/portal/");
    assert_eq!(browser.post_from("/portal/sign-out", &[], &ours).status, 303);
    assert!(!browser.with_cookie(&before).is_signed_in(), "the portal's own form does what it says");
}

/// Clickjacking and injected scripts: no page may be framed or run anything that it does not bring itself.
#[test]
fn every_page_forbids_frames_and_foreign_scripts() {
    let server = shared();
    let address = newcomer(server);
    let mut browser = Browser::open(server);
    browser.post("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    let cookie = browser.cookie.clone();
    for mut visitor in [browser.with_cookie(&cookie), browser.with_cookie("")] {
        for path in PAGES {
            let response = visitor.get(path);
            let policy = response.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
            assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{path}: {policy}");
            // What is no page at all has the listener's own policy, under which nothing runs.
            assert!(!policy.contains("unsafe-") || policy.contains("sandbox"), "{path}: {policy}");
            assert!(!policy.contains('*') && !policy.contains("allow-scripts"), "{path}: {policy}");
            assert_eq!(response.header("x-frame-options"), Some("DENY"), "{path}");
            assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert!(response.header("strict-transport-security").is_some(), "{path}");
            assert!(
                response.header("cache-control").is_some_and(|cache| cache.contains("no-store") || cache.contains("private")),
                "{path}"
            );
            if let Some(set) = response.header("set-cookie") {
                for attribute in ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                    assert!(set.contains(attribute), "{path}: {set}");
                }
            }
        }
    }
}

/// Open redirect: the page that was asked for before signing in is one of ours, whatever the form says.
#[test]
fn signing_in_leads_to_no_other_site() {
    let server = shared();
    let address = newcomer(server);
    let to = |to: &str| {
        let mut browser = Browser::open(server);
        let said = browser.post("/portal/sign-in", &[("address", &address), ("password", MAIN), ("to", to)]);
        assert_eq!(said.status, 303, "{to}");
        said.header("location").unwrap().to_owned()
    };
    assert_eq!(to("/portal/help"), "/portal/help");
    for elsewhere in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/portal//evil.example/",
        "/portal/../evil",
        "/portal/%2e%2e/%2fevil.example",
        "/portal/@evil.example",
        "/portal/\r\nLocation: https://evil.example/",
        "javascript:alert(1)",
        "/dav/",
        "",
    ] {
        assert_eq!(to(elsewhere), "/portal/", "{elsewhere:?}");
    }
    let mut browser = Browser::open(server);
    for path in ["/portal//evil.example/", "/portal/help?//evil.example", "/portal/%2f%2fevil.example/"] {
        let response = browser.get(path);
        assert!(!response.text().contains("evil.example"), "{path}: {}", response.text());
        assert!(response.header("location").is_none_or(|location| !location.contains("evil")), "{path}");
    }
}

/// Script by a name: what people, programs and administrators call things is text.
#[test]
fn what_people_name_is_text_on_every_page() {
    const MARKUP: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let server = shared();
    let address = format!("{}@{DOMAIN}", unique("named"));
    let data = server.data().to_str().unwrap();
    let arguments = ["account", "add", &address, "--profile", "agent", "--name", MARKUP, "--password-stdin", "--data", data];
    run_in(Path::new("."), &[], &format!("{MAIN}\n"), OCTROI, &arguments).good();
    let mint = ["app-password", "mint", &address, "--label", MARKUP, "--services", "imap", "--data", data];
    let secret = crate::support::server::last_word(&run_in(Path::new("."), &[], "", OCTROI, &mint).good());
    // A program's own name comes to the portal too.
    let mut imap = Imap::try_login(server, &address, &secret).unwrap();
    imap.command("ID (\"name\" \"<script>alert(2)</script>\" \"version\" \"<img src=x>\")");
    let mut browser = Browser::open(server);
    let typed = browser.post("/portal/sign-in", &[("address", MARKUP), ("password", "wrong")]);
    let mut pages = vec![("the sign-in form".to_owned(), typed.text())];
    browser.post("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    assert!(browser.is_signed_in());
    browser.enrol();
    pages.extend(PAGES.map(|path| (path.to_owned(), browser.get(path).text())));
    let label = browser.get("/portal/app-passwords");
    assert!(label.text().contains("&lt;script&gt;"), "the label is shown");
    let made = browser.post("/portal/app-passwords", &[("label", MARKUP), ("service", "none"), ("access", MARKUP), ("days", MARKUP)]);
    pages.push(("a form that was not taken".to_owned(), made.text()));
    for (page, text) in pages {
        let lower = text.to_ascii_lowercase();
        for markup in ["<script>alert", "<img src=x", "\"'><"] {
            assert!(!lower.contains(markup), "{page} has {markup}: {text}");
        }
    }
}
