//! rclone mounts the documents, and they are used with the commands that people use on folders.

use crate::support::http::Http;
use crate::support::process::run;
use crate::support::{shared, unique};
use std::fs;
use std::time::Duration;

#[test]
#[ignore = "needs root and FUSE: ./test runs it where they are"]
fn documents_by_rclone() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(5);
    let (place, name) = (folder.path().join("documents"), unique("mounted"));
    fs::create_dir(&place).unwrap();
    let place = place.to_str().unwrap();
    let secret = run("rclone", &["obscure", &person.app_password]).good().trim().to_owned();
    let (url, cache) = (server.url(&person.files), folder.path().join("cache"));
    let log = folder.path().join("log");
    let how = [
        "--daemon",
        "--config",
        "/dev/null",
        "--vfs-cache-mode",
        "writes",
        "--vfs-write-back",
        "1s",
        "--cache-dir",
        cache.to_str().unwrap(),
        "--log-level",
        "INFO",
        "--log-file",
        log.to_str().unwrap(),
    ];
    let whom = ["--webdav-url", &url, "--webdav-user", &person.address, "--webdav-pass", &secret];
    let what = ["--ca-cert", server.certificate().to_str().unwrap(), ":webdav:", place];
    // What is there already is read through the mount, whole and from its end.
    let octets: Vec<u8> = (0..5_000_000_u32).map(|n| (n * 7 % 251) as u8).collect();
    let http = Http::new(server, person);
    assert_eq!(http.request("PUT", &format!("{}{name}.bin", person.files), &[], &octets).status, 201);
    let (there, end) = (folder.path().join("there"), folder.path().join("end"));
    fs::write(&there, &octets).unwrap();
    fs::write(&end, &octets[octets.len() - 1000..]).unwrap();
    let (there, end) = (there.display(), end.display());
    run("rclone", &[&["mount"], &how[..], &whom, &what].concat()).good();
    let script = format!(
        "set -e; cd '{place}'; cmp {name}.bin {there}; tail -c 1000 {name}.bin | cmp - {end}; mkdir {name}; \
         printf 'by hand\\n' > {name}/a.txt; cp {name}/a.txt {name}/b.txt; mv {name}/b.txt {name}/c.txt; \
         head -c 3000000 /dev/zero > {name}/big.bin; cmp -n 3000000 {name}/big.bin /dev/zero; ls {name}"
    );
    let worked = run("sh", &["-c", &script]);
    let get = |file: &str| http.request("GET", &format!("{}{name}/{file}", person.files), &[], b"");
    // The mount sends in the background. Whatever comes of it, the folder must not stay mounted.
    let uploaded = worked.ok
        && (0..300).any(|_| {
            std::thread::sleep(Duration::from_millis(200));
            get("c.txt").text() == "by hand\n" && get("big.bin").body.len() == 3_000_000
        });
    let unmounted = run("umount", &[place]);
    let said = worked.good();
    unmounted.good();
    assert!(uploaded, "what was written in the folder has not arrived:\n{}", fs::read_to_string(log).unwrap_or_default());
    assert!(said.contains("a.txt") && said.contains("c.txt") && !said.contains("b.txt"), "{said}");
    assert_eq!(get("b.txt").status, 404);
}
