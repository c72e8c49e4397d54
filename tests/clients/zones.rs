//! From where: the same person with the same app password at the office, at a secured post and from anywhere. The demo's profiles call
//! 127.0.0.0/16 the office and 127.0.2.0/24 the secured posts; every other loopback address is anywhere.

use crate::demo::shared_documents;
use crate::support::http::Http;
use crate::support::process::run;
use crate::support::{Person, Server, shared, unique};

const OFFICE: &str = "127.0.0.9";
const SECURED: &str = "127.0.2.9";
const ANYWHERE: &str = "127.1.0.9";

/// The code of this moment (RFC 6238), by Python's own library: the tests share no code with the server.
fn code(person: &Person) -> String {
    let program = "import base64,hmac,struct,sys,time\n\
                   secret=sys.argv[1]; key=base64.b32decode(secret+'='*(-len(secret)%8))\n\
                   digest=hmac.new(key,struct.pack('>Q',int(time.time())//30),'sha1').digest()\n\
                   at=digest[-1]&15\n\
                   print('%06d'%((struct.unpack('>I',digest[at:at+4])[0]&0x7fffffff)%1000000))";
    run("python3", &["-c", program, &person.totp_secret]).good().trim().to_owned()
}

/// One request by curl from that address of ours; the body and the status.
fn from(server: &Server, source: &str, person: &Person, secret: &str, path: &str, more: &[&str]) -> (String, u16) {
    let user = format!("{}:{secret}", person.address);
    let certificate = server.certificate().to_str().unwrap();
    let (url, resolve) = (server.url(path), format!("localhost:{}:127.0.0.1", server.port("https")));
    let fixed = ["--silent", "--show-error", "--cacert", certificate, "--interface", source, "--resolve", &resolve, "--user", &user];
    let said = run("curl", &[&fixed[..], &["--write-out", "\n%{http_code}"], more, &[&url]].concat()).good();
    let (body, status) = said.rsplit_once('\n').unwrap();
    (body.to_owned(), status.parse().unwrap())
}

#[test]
fn from_home_only_with_remote_access() {
    let server = shared();
    let agent = server.with_profile("agent");
    let list = ["-X", "PROPFIND", "-H", "Depth: 0"];
    assert_eq!(from(server, OFFICE, agent, &agent.app_password, &agent.files, &list).1, 207);
    // To a stranger it must look like a wrong password.
    assert_eq!(from(server, ANYWHERE, agent, &agent.app_password, &agent.files, &list).1, 401);
}

/// An operator comes from anywhere, with a second factor that is remembered for the network. A client that does not know of codes
/// is told to come back later, not that its password is wrong, so that it keeps it.
#[test]
fn a_new_network_is_confirmed_once() {
    let server = Server::demo();
    let operator = server.with_profile("operator");
    let list = ["-X", "PROPFIND", "-H", "Depth: 0", "--dump-header", "-"];
    let shared = format!("{}Shared/", operator.files);
    let (said, status) = from(&server, ANYWHERE, operator, &operator.app_password, &shared, &list);
    assert!(status == 503 && said.to_lowercase().contains("retry-after:"), "{status} {said}");
    let now = code(operator);
    let with_code = format!("{} {now}", operator.app_password);
    assert_eq!(from(&server, ANYWHERE, operator, &with_code, &shared, &list).1, 207);
    assert_eq!(from(&server, ANYWHERE, operator, &operator.app_password, &shared, &list).1, 207);
    // The next network is another one, and a code counts once.
    assert_eq!(from(&server, "127.1.0.10", operator, &operator.app_password, &shared, &list).1, 503);
    assert_ne!(from(&server, "127.1.0.10", operator, &with_code, &shared, &list).1, 207);
}

/// Official acts are read at the office, and written nowhere but at a secured post after a fresh second factor.
#[test]
fn acts_are_written_at_a_secured_post_only() {
    let server = Server::demo();
    let agent = server.with_profile("agent");
    let act = format!("{}Actes/{}.txt", shared_documents(&Http::new(&server, agent), &agent.files), unique("acte"));
    let put = ["-X", "PUT", "--data", "Un acte.", "--dump-header", "-"];
    let (why, status) = from(&server, OFFICE, agent, &agent.app_password, &act, &put);
    assert!(status == 403 && why.contains("need-privileges"), "{status} {why}");
    assert_eq!(from(&server, SECURED, agent, &agent.app_password, &act, &put).1, 403);
    let fresh = format!("{} {}", agent.app_password, code(agent));
    let (why, status) = from(&server, SECURED, agent, &fresh, &act, &put);
    assert_eq!(status, 201, "{why}");
    assert_eq!(from(&server, OFFICE, agent, &agent.app_password, &act, &[]).0, "Un acte.");
    assert_eq!(from(&server, OFFICE, agent, &agent.app_password, &act, &["-X", "DELETE"]).1, 403);
}

/// A file manager opens half a dozen connections at once from a network that is not confirmed. They wait together, open together when it
/// is, and clients that hung up leave room for others.
#[test]
fn a_burst_waits_once_and_opens_together() {
    let server = Server::demo();
    let operator = server.with_profile("operator");
    let shared = format!("{}Shared/", operator.files);
    let list = ["-X", "PROPFIND", "-H", "Depth: 0"];
    let status =
        |source: &str, secret: &str, more: &[&str]| from(&server, source, operator, secret, &shared, &[&list[..], more].concat()).1;
    let start = std::time::Instant::now();
    std::thread::scope(|scope| {
        let burst: Vec<_> = (0..6).map(|_| scope.spawn(|| status(ANYWHERE, &operator.app_password, &[]))).collect();
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert!(burst.iter().all(|request| !request.is_finished()), "all wait");
        assert_eq!(status(ANYWHERE, &format!("{} {}", operator.app_password, code(operator)), &[]), 207);
        assert!(burst.into_iter().all(|request| request.join().unwrap() == 207), "all open");
    });
    assert!(start.elapsed() < std::time::Duration::from_secs(15));

    // The gate keeps eight waits for an account: twelve that hung up have each given theirs back.
    let hung_up = |source: &str, seconds: &str| {
        let url = server.url(&shared);
        let user = format!("{}:{}", operator.address, operator.app_password);
        let resolve = format!("localhost:{}:127.0.0.1", server.port("https"));
        let arguments =
            ["--silent", "--insecure", "--max-time", seconds, "--interface", source, "--resolve", &resolve, "--user", &user, &url];
        // 28: the time ran out, so it was kept waiting.
        std::process::Command::new("curl").args(arguments).stdout(std::process::Stdio::null()).status().unwrap().code() == Some(28)
    };
    for number in 1..=12 {
        assert!(hung_up("127.1.1.1", "0.5"), "{number}");
    }
    assert!(hung_up("127.1.2.1", "2"));

    // While eight wait, the ninth is told at once when to come again.
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (1..=8)
            .map(|number| {
                let hung_up = &hung_up;
                scope.spawn(move || hung_up(&format!("127.1.3.{number}"), "8"))
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_secs(3));
        let start = std::time::Instant::now();
        let dump = [&list[..], &["--dump-header", "-"]].concat();
        let (said, status) = from(&server, "127.1.3.9", operator, &operator.app_password, &shared, &dump);
        assert!(status == 503 && said.to_lowercase().contains("retry-after:"), "{status} {said}");
        assert!(start.elapsed() < std::time::Duration::from_secs(3));
        assert!(waiting.into_iter().all(|request| request.join().unwrap()));
    });
}
