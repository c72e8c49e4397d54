//! A full disk over HTTP: what does not fit is refused with 507, and neither it nor a part of it is there afterwards.

use crate::support::http::Http;
use crate::support::process::run;
use crate::support::server::configured;
use crate::support::{Server, unique};
use std::process::Command;
use std::thread;

/// A server whose data folder is a file system of that size, in a mount namespace of its own; and the one that its folder came from, which
/// has ended. Their certificate is the same.
fn on_a_small_disk(size: &str) -> (Server, Server) {
    let mut first = configured("[limits.dav]\ndocument_bytes_max = 1000000000\n");
    assert!(first.stop());
    let script = "cp -a \"$1\" \"$1.copy\" && mount -t tmpfs -o size=\"$2\" none \"$1\" && cp -a \"$1.copy/.\" \"$1\" && \
                  exec \"$3\" serve --config \"$4\"";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(first.data());
    command.args([size, crate::support::server::OCTROI, first.config()]);
    let server = Server::foreign(command, first.facts().clone(), first.people().to_vec(), tempfile::tempdir().unwrap());
    (server, first)
}

/// An octet for a number; nothing that could be made smaller comes of many.
fn mixed(number: u32) -> u8 {
    let mixed = (number ^ (number >> 16)).wrapping_mul(0x45d9_f3b5);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    (mixed >> 24) as u8
}

#[test]
fn what_does_not_fit_leaves_nothing_behind() {
    let (server, _first) = on_a_small_disk("48m");
    let person = &server.people()[0];
    let http = Http::new(&server, person);
    let home = format!("/dav/files/{}/", person.address);
    let octets = |bytes: u32, seed: u32| (0..bytes).map(|n| mixed(n ^ (seed << 25))).collect::<Vec<_>>();
    let folder = tempfile::tempdir().unwrap();
    let (file, user) = (folder.path().join("sent"), format!("{}:{}", person.address, person.app_password));
    // By curl, which reads while it sends: what is refused half way is told before all of it has gone.
    let put = |name: &str, octets: &[u8]| -> u16 {
        std::fs::write(&file, octets).unwrap();
        let (url, certificate) = (server.url(&format!("{home}{name}")), server.certificate().to_str().unwrap());
        let how = ["--silent", "--cacert", certificate, "--user", &user, "--output", "/dev/null", "--write-out", "%{http_code}"];
        run("curl", &[&how[..], &["--upload-file", file.to_str().unwrap(), &url]].concat()).good().parse().unwrap()
    };
    let get = |name: &str| http.request("GET", &format!("{home}{name}"), &[], b"");
    let fill = |prefix: &str, bytes: u32| {
        let mut kept = Vec::new();
        loop {
            let (name, content) = (format!("{prefix}-{}.bin", kept.len()), octets(bytes, kept.len() as u32));
            match put(&name, &content) {
                201 => kept.push((name, content)),
                status => break (kept, name, status),
            }
            assert!(kept.len() < 60_000_000 / bytes as usize, "the disk is not full");
        }
    };
    // Large ones, each a file of its own, then small ones that go into the journal.
    let (mut kept, refused, status) = fill("large", 8_000_000);
    assert_eq!((status, get(&refused).status), (507, 404));
    assert!(kept.len() >= 2, "some fit");
    // What is written over stays as it was when the new does not fit.
    let (name, old) = kept[0].clone();
    assert_eq!(put(&name, &octets(9_000_000, 99)), 507);
    assert!(get(&name).body == old, "the old content stays");
    let (small, refused, status) = fill("small", 400_000);
    assert_eq!((status, get(&refused).status), (507, 404));
    assert!(!small.is_empty(), "what was refused before took no room");
    kept.extend(small);
    let listed = http.request("PROPFIND", &home, &[("Depth", "1")], b"").text();
    assert_eq!(listed.matches("<D:getcontentlength>").count(), kept.len());
    for (name, content) in &kept {
        assert!(get(name).body == *content, "{name}");
    }
}

/// Two programs write the same document at once, again and again: at any moment it is what one of them has sent, whole.
#[test]
fn two_writers_never_mix() {
    let server = crate::support::shared();
    let person = server.user(6);
    let path = format!("{}{}.bin", person.files, unique("both"));
    let content = |letter: u8| vec![letter; 1_500_000 + usize::from(letter) * 1000];
    let http = || Http::new(server, person);
    assert_eq!(http().request("PUT", &path, &[], &content(b'a')).status, 201);
    thread::scope(|scope| {
        let writers: Vec<_> = [b'a', b'b', b'c']
            .into_iter()
            .map(|letter| {
                let (path, http) = (&path, http());
                scope.spawn(move || {
                    for _ in 0..8 {
                        assert_eq!(http.request("PUT", path, &[], &content(letter)).status, 204);
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let got = http().request("GET", &path, &[], b"").body;
            assert!(got == content(got[0]), "a mixture of {} octets", got.len());
        }
    });
    let versions = path.rsplit_once('/').map(|(folder, name)| format!("{folder}/.versions/{name}/")).unwrap();
    let listed = http().request("PROPFIND", &versions, &[("Depth", "1")], b"").text();
    let lengths: Vec<usize> =
        listed.split("<D:getcontentlength>").skip(1).map(|rest| rest.split('<').next().unwrap().parse().unwrap()).collect();
    assert!(!lengths.is_empty() && lengths.iter().all(|length| [b'a', b'b', b'c'].iter().any(|letter| content(*letter).len() == *length)));
}
