//! How programs find their way by themselves: Nextcloud's login flow, as DAVx5 and others speak it, and Apple's profiles.

use crate::admin::octroi;
use crate::portal::{Browser, MAIN, between, code, enrol_elsewhere, newcomer_as, next_code};
use crate::support::http::{Http, Response};
use crate::support::imap::Imap;
use crate::support::process::run;
use crate::support::server::configured;
use crate::support::{Server, eventually, shared};
use serde_json::Value;

const BEGIN: &str = "/index.php/login/v2";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A program that waits.
pub(crate) struct Flow {
    token: String,
    /// Path of the page that its owner is sent to.
    pub(crate) page: String,
    poll: String,
}

fn json(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
    serde_json::from_slice(&response.body).unwrap()
}

pub(crate) fn begin(server: &Server, program: &str) -> Flow {
    let begun = Http::anonymous(server).request("POST", BEGIN, &[("User-Agent", program)], b"");
    assert_eq!(begun.status, 200);
    let told = json(&begun);
    let path = |url: &str| url.strip_prefix(&server.url("")).unwrap_or_else(|| panic!("{url} is not of this server")).to_owned();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Flow { token: text(&told["poll"]["token"]), page: path(&text(&told["login"])), poll: path(&text(&told["poll"]["endpoint"])) }
}

pub(crate) fn poll(server: &Server, flow: &Flow) -> Response {
    Http::anonymous(server).request("POST", &flow.poll, &[FORM], format!("token={}", flow.token).as_bytes())
}

#[test]
fn a_program_is_connected_at_the_portal_and_gets_what_was_ticked() {
    let server = shared();
    let address = newcomer_as(server, "plain");
    let flow = begin(server, "DAVx5/4.4 <b>x</b>");
    assert_eq!(poll(server, &flow).status, 404, "not yet");
    // Who is not signed in comes to the page after signing in.
    let mut browser = Browser::open(server);
    browser.go(&flow.page);
    assert!(browser.page.contains(&format!("name=\"to\" value=\"{}\"", flow.page)), "{}", browser.page);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN), ("to", &flow.page)]);
    assert!(browser.page.contains("Set up a second factor first"), "{}", browser.page);
    browser.enrol();
    browser.go(&flow.page);
    assert!(browser.page.contains("DAVx5/4.4 &lt;b&gt;x") && !browser.page.contains("<b>x"), "{}", browser.page);
    assert!(browser.page.contains(">127.0.0.1<") && browser.page.contains("value=\"caldav\" checked"), "{}", browser.page);
    browser.send(&flow.page, &[("label", "phone")]);
    assert!(browser.page.contains("id=\"service-fault\""), "{}", browser.page);
    browser.send(&flow.page, &[("label", "phone"), ("service", "imap")]);
    assert!(browser.page.contains("id=\"service-fault\""), "mail is not what such a program gets: {}", browser.page);
    assert_eq!(poll(server, &flow).status, 404);
    browser.send(&flow.page, &[("label", "phone"), ("service", "caldav"), ("service", "carddav")]);
    assert!(browser.page.contains("The program is connected"), "{}", browser.page);
    browser.go(&flow.page);
    assert!(browser.page.contains("No program waits here"), "{}", browser.page);

    let wrong = Flow { token: "0".repeat(64), ..begin(server, "other") };
    assert_eq!(poll(server, &wrong).status, 404);
    let granted = poll(server, &flow);
    assert_eq!((granted.status, granted.header("cache-control")), (200, Some("no-store")));
    let granted = json(&granted);
    let text = |name: &str| granted[name].as_str().unwrap().to_owned();
    assert_eq!((text("server"), text("loginName")), (server.url(""), address.clone()));
    assert_eq!(poll(server, &flow).status, 404, "it is handed over once");

    // DAVx5 goes on at /remote.php/dav of the server that it was told.
    let secret = text("appPassword");
    assert!(!browser.page.contains(&secret));
    let http = Http::with(server, &address, &secret);
    for (method, path) in
        [("PROPFIND", "/remote.php/dav"), ("GET", "/remote.php/dav/"), ("OPTIONS", "/.well-known/caldav"), ("POST", "/.well-known/carddav")]
    {
        let elsewhere = Http::anonymous(server).request(method, path, &[], b"");
        assert_eq!((elsewhere.status, elsewhere.header("location")), (301, Some("/dav/")), "{method} {path}");
    }
    let asked = br#"<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>"#;
    let home = http.request("PROPFIND", "/dav/", &[("Depth", "0")], asked);
    assert!(home.status == 207 && home.text().contains("/dav/principals/"), "{}", home.text());
    assert_eq!(http.request("PROPFIND", &format!("/dav/contacts/{address}/"), &[("Depth", "0")], b"").status, 207);
    assert_eq!(
        http.request("PROPFIND", &format!("/dav/files/{address}/"), &[("Depth", "0")], b"").status,
        401,
        "documents were not ticked"
    );
    assert!(Imap::try_login(server, &address, &secret).is_err());
    browser.go("/portal/app-passwords");
    assert!(browser.page.contains("phone"), "{}", browser.page);
}

/// Somebody who was sent a link connects the program of whoever sent it: it gets nowhere before the owner has confirmed where it comes from.
#[test]
fn a_program_from_elsewhere_waits_for_its_owners_confirmation() {
    const ELSEWHERE: &str = "127.0.9.9";
    let server = &configured("[limits.gate]\nconfirm_wait_seconds = 1\n");
    let address = newcomer_as(server, "plain");
    let resolve = format!("localhost:{}:127.0.0.1", server.port("https"));
    let certificate = server.certificate().to_str().unwrap();
    let from = ["--silent", "--show-error", "--cacert", certificate, "--interface", ELSEWHERE, "--resolve", &resolve];
    let curl = |path: &str, more: &[&str]| run("curl", &[&from[..], more, &[&server.url(path)]].concat()).good();
    let begun: Value = serde_json::from_str(&curl(BEGIN, &["-X", "POST"])).unwrap();
    let page = begun["login"].as_str().unwrap().strip_prefix(&server.url("")).unwrap().to_owned();
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    browser.go(&page);
    assert!(browser.page.contains(ELSEWHERE) && browser.page.contains("does not come from where your browser is"), "{}", browser.page);
    browser.send(&page, &[("label", "theirs"), ("service", "files")]);
    let token = format!("token={}", begun["poll"]["token"].as_str().unwrap());
    let granted: Value = serde_json::from_str(&curl(&format!("{BEGIN}/poll"), &["--data", &token])).unwrap();
    let user = format!("{address}:{}", granted["appPassword"].as_str().unwrap());
    let files = format!("/dav/files/{address}/");
    let ask =
        || curl(&files, &["--user", &user, "-X", "PROPFIND", "-H", "Depth: 0", "--output", "/dev/null", "--write-out", "%{http_code}"]);
    assert_eq!(ask(), "503");
    browser.go("/portal/devices");
    assert!(browser.page.contains("theirs") && browser.page.contains(ELSEWHERE), "{}", browser.page);
}

#[test]
fn nothing_is_granted_without_its_owner_and_their_second_factor() {
    let server = shared();
    let address = newcomer_as(server, "plain");
    let secret = enrol_elsewhere(server, &address);
    let flow = begin(server, "");
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.go(&flow.page);
    assert!(!browser.page.contains("name=\"service\""), "the password alone comes to no page of theirs: {}", browser.page);
    browser.send("/portal/code", &[("code", &next_code(&secret))]);
    browser.go(&flow.page);
    assert!(browser.page.contains("did not say") && browser.page.contains("name=\"service\""), "{}", browser.page);
    let token = between(&browser.page, "name=\"token\" value=\"", "\"").to_owned();
    browser.send_with(&flow.page, "0000", &[("label", "x"), ("service", "files")]);
    assert_eq!(poll(server, &flow).status, 404, "a forged form grants nothing");
    browser.send_with(&flow.page, &token, &[("act", "refuse")]);
    assert!(browser.page.contains("The program gets nothing"), "{}", browser.page);
    browser.send_with(&flow.page, &token, &[("label", "x"), ("service", "files")]);
    assert!(browser.page.contains("No program waits here"), "{}", browser.page);
    assert_eq!(poll(server, &flow).status, 404);
    let minted = octroi(server, &["audit", "show", "--account", &address]).good();
    assert!(!minted.contains("app-password mint"), "{minted}");
    let _ = code(&secret);
    for path in ["/portal/connect/", "/portal/connect/0000", &format!("/portal/connect/{}", flow.token)] {
        browser.go(path);
        assert!(browser.page.contains("Not found") || browser.page.contains("No program waits"), "{path}: {}", browser.page);
    }
}

#[test]
fn programs_that_wait_are_bounded_in_number_and_time() {
    let server = &configured("[limits.portal]\nlogin_flow_seconds = 6\n");
    let http = Http::anonymous(server);
    let begun: Vec<u16> = (0..12).map(|_| http.request("POST", BEGIN, &[], b"").status).collect();
    assert_eq!((begun.iter().filter(|status| **status == 200).count(), begun[11]), (10, 429), "{begun:?}");
    std::thread::sleep(std::time::Duration::from_secs(7));
    // What nobody fetches is taken back.
    let address = newcomer_as(server, "plain");
    let mut browser = Browser::open(server);
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.enrol();
    let late = begin(server, "late");
    browser.go(&late.page);
    browser.send(&late.page, &[("label", "late"), ("service", "files")]);
    assert!(browser.page.contains("The program is connected"), "{}", browser.page);
    eventually("it to be revoked", || {
        browser.go("/portal/app-passwords");
        browser.page.contains("There are none yet").then_some(())
    });
    assert_eq!(poll(server, &late).status, 404);
    let flow = begin(server, "x");
    assert_eq!(
        http.request("POST", &flow.poll, &[("Content-Type", "application/json")], format!("{{\"token\":\"{}\"}}", flow.token).as_bytes())
            .status,
        404
    );
    for body in [vec![], vec![0xff; 100], vec![b'x'; 100_000]] {
        assert_eq!(http.request("POST", &flow.poll, &[FORM], &body).status, 404);
    }
    assert_eq!(http.request("GET", BEGIN, &[], b"").status, 405);
}

#[test]
fn a_profile_for_apples_devices_holds_what_is_served_and_no_secret() {
    let server = shared();
    let address = newcomer_as(server, "plain");
    let mut browser = Browser::open(server);
    browser.go("/portal/apple-profile");
    assert!(browser.page.contains("name=\"password\""), "it is somebody's own: {}", browser.page);
    browser.go("/portal/help");
    assert!(!browser.page.contains("/portal/apple-profile"));
    browser.send("/portal/sign-in", &[("address", &address), ("password", MAIN)]);
    browser.go("/portal/help");
    assert!(browser.page.contains("href=\"/portal/apple-profile\""), "{}", browser.page);
    browser.curl("/portal/apple-profile", &["--include"]);
    assert!(browser.page.to_lowercase().contains("content-type: application/x-apple-aspen-config"), "{}", browser.page);
    browser.go("/portal/apple-profile");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &browser.page).unwrap();
    // Somebody else's reader of such files.
    let script = "import plistlib, sys, json; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let read: Value = serde_json::from_str(&run("python3", &["-c", script, file.path().to_str().unwrap()]).good()).unwrap();
    assert_eq!(read["PayloadType"], "Configuration");
    let kinds: Vec<&str> =
        read["PayloadContent"].as_array().unwrap().iter().map(|payload| payload["PayloadType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["com.apple.mail.managed", "com.apple.caldav.account", "com.apple.carddav.account"]);
    let mail = &read["PayloadContent"][0];
    assert_eq!(
        (&mail["EmailAddress"], &mail["IncomingMailServerPortNumber"]),
        (&Value::from(address.as_str()), &Value::from(server.port("imaps")))
    );
    assert_eq!(read["PayloadContent"][1]["CalDAVPort"], server.port("https"));
    assert!(!browser.page.contains(MAIN));
}
