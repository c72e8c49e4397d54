//! Documents on their way in and out: large ones in little memory, interrupted ones without a trace; and what is kept of them, by the commands.

use crate::admin::octroi;
use crate::support::http::Http;
use crate::support::process::run;
use crate::support::server::configured;
use crate::support::{Person, Server, eventually, unique};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How long a large document may take, on a machine that has much else to do.
const LARGE_SECONDS: &str = "1800";
/// KiB by which memory may grow while a document of any size goes through.
pub(crate) const GROWTH_KIB: u64 = 16 << 10;

/// Memory of the process in KiB that is no file's.
pub(crate) fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Do it, and say how much memory there was at most meanwhile.
pub(crate) fn most_memory(server: &Server, act: impl FnOnce()) -> u64 {
    let (over, most) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(resident(server), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(10));
            }
        });
        act();
        over.store(true, Ordering::Relaxed);
    });
    most.into_inner()
}

/// Large contents that the data folder holds, each a file of its own.
pub(crate) fn large_files(data: &Path) -> Vec<u64> {
    let mut found = Vec::new();
    let mut folders = vec![data.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "big") {
                found.extend(entry.metadata().map(|metadata| metadata.len()));
            }
        }
    }
    found
}

fn curl<'a>(server: &'a Server, person: &Person, path: &str, more: &[&'a str]) -> Vec<String> {
    let user = format!("{}:{}", person.address, person.app_password);
    let certificate = server.certificate().to_str().unwrap();
    let mut arguments: Vec<String> =
        ["--silent", "--show-error", "--fail", "--cacert", certificate, "--user", &user].map(str::to_owned).into();
    arguments.extend(more.iter().map(ToString::to_string));
    arguments.push(server.url(path));
    arguments
}

/// A file with marks here and there, so that a piece in the wrong place is seen; the rest takes no space.
pub(crate) fn large_file(path: &Path, bytes: u64) {
    let file = File::create(path).unwrap();
    file.set_len(bytes).unwrap();
    for at in (0..bytes - 8).step_by(3_333_333) {
        file.write_all_at(&at.to_be_bytes(), at).unwrap();
    }
}

/// What curl gets is what is in the file; compared as it comes, so that it takes no space.
fn compare(curl: &[String], file: &Path) {
    let mut got = Command::new("timeout").args([LARGE_SECONDS, "curl"]).args(curl).stdout(Stdio::piped()).spawn().unwrap();
    let same = Command::new("cmp").arg(file).arg("-").stdin(got.stdout.take().unwrap()).status().unwrap();
    assert!(same.success() && got.wait().unwrap().success(), "what comes back is not what was sent");
}

fn through_and_back(bytes: u64) {
    let (server, folder) = (Server::demo(), tempfile::tempdir().unwrap());
    let person = server.user(1);
    let (sent, got) = (folder.path().join("sent"), folder.path().join("got"));
    let ask = |path: &str, more: &[&str]| run("curl", &curl(&server, person, path, more)).good();
    let put = |path: &str, file: &Path| {
        let arguments = curl(&server, person, path, &["-T", file.to_str().unwrap()]);
        assert!(Command::new("timeout").args([LARGE_SECONDS, "curl"]).args(arguments).status().unwrap().success(), "PUT {path}");
    };
    let path = format!("{}large.bin", person.files);
    // What is needed once for all comes before it is looked at.
    large_file(&sent, 8 << 20);
    put(&path, &sent);
    ask(&path, &["-o", got.to_str().unwrap()]);
    large_file(&sent, bytes);
    let before = resident(&server);
    let most = most_memory(&server, || put(&path, &sent));
    assert!(most <= before + GROWTH_KIB, "PUT: from {before} to {most} KiB");
    let most = most_memory(&server, || compare(&curl(&server, person, &path, &[]), &sent));
    assert!(most <= before + GROWTH_KIB, "GET: from {before} to {most} KiB");
    // A copy shares what it is a copy of.
    let files = large_files(server.data()).len();
    let destination = format!("Destination: {}", server.url(&format!("{}copy.bin", person.files)));
    ask(&path, &["-X", "COPY", "-H", &destination]);
    assert_eq!(large_files(server.data()).len(), files);
    let (middle, end) = (bytes / 2, bytes / 2 + 99);
    ask(&format!("{}copy.bin", person.files), &["-o", got.to_str().unwrap(), "--range", &format!("{middle}-{end}")]);
    let mut expected = vec![0; 100];
    File::open(&sent).unwrap().read_exact_at(&mut expected, middle).unwrap();
    assert!(fs::read(&got).unwrap() == expected, "a range of the copy");
}

#[test]
fn a_large_document_takes_little_memory() {
    through_and_back(256 << 20);
}

#[test]
#[ignore = "takes minutes and 5 GiB of disk: ./test --full"]
fn a_document_of_four_gibibytes_takes_little_memory() {
    through_and_back((4 << 30) + 12_345);
}

/// A client that sends slowly, and that nobody waits for.
fn slowly(server: &Server, person: &Person, path: &str, file: &Path, rate: &str) -> Child {
    let arguments = curl(server, person, path, &["--limit-rate", rate, "-T", file.to_str().unwrap()]);
    Command::new("curl").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn an_interrupted_upload_leaves_the_old_version_and_nothing_else() {
    let (server, folder) = (Server::demo(), tempfile::tempdir().unwrap());
    let person = server.user(1);
    let (path, sent) = (format!("{}{}", person.files, unique("interrupted")), folder.path().join("sent"));
    let http = Http::new(&server, person);
    assert_eq!(http.request("PUT", &path, &[], b"old").status, 201);
    large_file(&sent, 20 << 20);
    let mut client = slowly(&server, person, &path, &sent, "4M");
    eventually("a part of it on the disk", || large_files(server.data()).iter().any(|bytes| *bytes > 2 << 20).then_some(()));
    client.kill().unwrap();
    client.wait().unwrap();
    eventually("the part to be gone", || large_files(server.data()).is_empty().then_some(()));
    assert_eq!(http.request("GET", &path, &[], b"").text(), "old");
}

#[test]
fn a_killed_server_has_the_old_version_or_the_new() {
    let (mut server, folder) = (configured(""), tempfile::tempdir().unwrap());
    let path = |server: &Server| format!("/dav/files/{}/killed.bin", server.user(1).address);
    let (mut now, mut done) = (Vec::new(), 0);
    for round in 0..6_u8 {
        let sent = folder.path().join(format!("sent{round}"));
        // Never the same octets in two of them.
        let next = vec![round + 1; (3 << 20) + usize::from(round)];
        fs::write(&sent, &next).unwrap();
        let mut client = slowly(&server, server.user(1), &path(&server), &sent, "12M");
        thread::sleep(Duration::from_millis(60 + 90 * u64::from(round)));
        server = server.killed_and_started_again();
        client.kill().unwrap();
        client.wait().unwrap();
        let found = Http::new(&server, server.user(1)).request("GET", &path(&server), &[], b"");
        if found.status == 200 && found.body == next {
            now = next;
            done += 1;
        } else {
            assert!(found.body == now || found.status == 404 && now.is_empty(), "round {round}: {} {}", found.status, found.body.len());
        }
        assert_eq!(large_files(server.data()).len(), done, "what was not committed is gone, and what was is there");
    }
}

/// The requests of rclone's WebDAV with `nextcloud_chunk_size` (1.63 and later; `backend/webdav/chunking.go`), as Debian's is older: the parts
/// are named by their octets, and the server is killed between them.
#[test]
fn parts_survive_a_crash_and_become_a_document() {
    let mut server = configured("");
    let whole: Vec<u8> = (0..5_000_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let of = |server: &Server, path: &str| format!("/dav/uploads/{}/rclone-chunked-upload-1/{path}", server.user(1).address);
    assert_eq!(Http::new(&server, server.user(1)).request("MKCOL", &of(&server, ""), &[], b"").status, 201);
    for (number, part) in whole.chunks(1_800_000).enumerate() {
        let offset = number * 1_800_000;
        let name = format!("{offset:015}-{:015}", offset + part.len());
        assert_eq!(Http::new(&server, server.user(1)).request("PUT", &of(&server, &name), &[], part).status, 201);
        server = server.killed_and_started_again();
    }
    let http = Http::new(&server, server.user(1));
    let (path, length) = (format!("/dav/files/{}/whole.bin", server.user(1).address), whole.len().to_string());
    let headers = [("Destination", path.as_str()), ("OC-Total-Length", &length), ("X-OC-Mtime", "1000000000")];
    let made = http.request("MOVE", &of(&server, ".file"), &headers, b"");
    assert_eq!((made.status, made.header("x-oc-mtime")), (201, Some("accepted")));
    let got = http.request("GET", &path, &[], b"");
    assert!(got.body == whole && got.header("last-modified") == Some("Sun, 09 Sep 2001 01:46:40 GMT"));
    assert_eq!(http.request("PROPFIND", &of(&server, ""), &[("Depth", "1")], b"").status, 404);
}

/// What is removed is listed, restored and emptied by the command; a folder is told how many versions to keep.
#[test]
fn trash_and_versions_by_the_commands() {
    let server = configured("[documents]\nversions = 5\n");
    let person = server.user(1);
    let http = Http::new(&server, person);
    let at = |path: &str| format!("/dav/files/{}/{path}", person.address);
    let status = |method: &str, path: &str, text: &str| http.request(method, &at(path), &[], text.as_bytes()).status;
    assert_eq!(status("MKCOL", "a", ""), 201);
    assert_eq!((status("PUT", "a/b.txt", "one"), status("DELETE", "a/b.txt", "")), (201, 204));
    let address = person.address.as_str();
    let listed = octroi(&server, &["trash", "list", address]).good();
    assert!(listed.contains(&format!("{address}\t3\ta/b.txt\n")), "{listed}");
    octroi(&server, &["trash", "restore", address, "a/b.txt"]).good();
    assert_eq!(http.request("GET", &at("a/b.txt"), &[], b"").text(), "one");
    octroi(&server, &["trash", "restore", address, "a/b.txt"]).bad();
    assert_eq!((status("DELETE", "a/b.txt", ""), status("PUT", "a/b.txt", "two")), (204, 201));
    let taken = octroi(&server, &["trash", "restore", address, "a/b.txt"]).bad();
    assert!(taken.contains("--to"), "{taken}");
    octroi(&server, &["trash", "restore", address, "a/b.txt", "--to", "new/c.txt"]).good();
    assert_eq!(http.request("GET", &at("new/c.txt"), &[], b"").text(), "one");
    assert_eq!(status("DELETE", "new/c.txt", ""), 204);
    octroi(&server, &["trash", "empty", address, "--older-than", "1d"]).good();
    assert!(octroi(&server, &["trash", "list", address]).good().contains("new/c.txt"));
    octroi(&server, &["trash", "empty", address]).good();
    assert!(octroi(&server, &["trash", "list", address]).good().trim().is_empty());
    let said = octroi(&server, &["versions", "show", address, "a"]).good();
    assert!(said.contains("versions 5\n"), "{said}");
    octroi(&server, &["versions", "set", address, "a", "1", "30"]).good();
    for text in ["three", "four", "five"] {
        assert_eq!(status("PUT", "a/b.txt", text), 204);
    }
    let versions = http.request("PROPFIND", &at("a/.versions/b.txt/"), &[("Depth", "1")], b"").text();
    assert_eq!(versions.matches("<D:response>").count(), 2, "{versions}");
    octroi(&server, &["versions", "inherit", address, "a"]).good();
    assert!(octroi(&server, &["versions", "show", address, "a"]).good().contains("versions 5\ndays 90"));
    octroi(&server, &["versions", "set", address, "a", "5000"]).bad();
}
