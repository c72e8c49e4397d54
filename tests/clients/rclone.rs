//! rclone's WebDAV: a tree copied up, compared, changed and copied again.

use crate::support::process::run;
use crate::support::{shared, unique};
use std::fs;

#[test]
fn copies_a_tree_and_finds_it_equal() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(4);
    let tree = folder.path().join("tree");
    for (name, bytes) in [("a.txt", 0), ("b é.txt", 10), ("deep/c.bin", 70_000), ("deep/er/d.bin", 2_000_000), ("deep/er/e+f&g.txt", 5)] {
        let file = tree.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, vec![b'x'; bytes]).unwrap();
    }
    let secret = run("rclone", &["obscure", &person.app_password]).good().trim().to_owned();
    let url = server.url(&person.files);
    let remote = format!(":webdav:{}", unique("rclone"));
    let rclone = |arguments: &[&str]| {
        let common =
            ["--config", "/dev/null", "--retries", "1", "--low-level-retries", "1", "--webdav-url", &url, "--webdav-user", &person.address];
        let more = ["--webdav-pass", &secret, "--ca-cert", server.certificate().to_str().unwrap()];
        run("rclone", &[arguments, &common, &more].concat())
    };
    let local = tree.to_str().unwrap();
    rclone(&["copy", local, &remote]).good();
    let said = rclone(&["check", "--download", local, &remote]).good();
    assert!(said.contains("0 differences found") && said.contains("5 matching files"), "{said}");
    fs::write(tree.join("a.txt"), "no longer empty").unwrap();
    rclone(&["check", "--download", local, &remote]).bad();
    fs::remove_file(tree.join("deep/c.bin")).unwrap();
    rclone(&["sync", local, &remote]).good();
    rclone(&["check", "--download", local, &remote]).good();
    let listed = rclone(&["lsf", "-R", &remote]).good();
    assert!(!listed.contains("c.bin") && listed.contains("deep/er/d.bin"), "{listed}");
    rclone(&["purge", &remote]).good();
}

/// As rclone speaks to Nextcloud: digests and dates are kept, and a second run has nothing to do.
fn synchronises(files: usize) {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(4);
    let (tree, log) = (folder.path().join("tree"), folder.path().join("log"));
    for number in 0..files {
        let file = tree.join(format!("{}/{}/{number}.txt", number % 7, number % 5));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("document {number}\n").repeat(number % 50)).unwrap();
    }
    fs::write(tree.join("large.bin"), (0..3_500_000_u32).map(|n| (n * 7 % 251) as u8).collect::<Vec<_>>()).unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(tree.join("large.bin")).unwrap().set_modified(old).unwrap();
    let secret = run("rclone", &["obscure", &person.app_password]).good().trim().to_owned();
    let url = server.url(&person.files);
    let remote = format!(":webdav:{}", unique("sync"));
    let rclone = |arguments: &[&str]| {
        let common = ["--config", "/dev/null", "--retries", "1", "--low-level-retries", "1", "--webdav-url", &url];
        let more = ["--webdav-vendor", "nextcloud", "--webdav-user", &person.address];
        let last = ["--webdav-pass", &secret, "--ca-cert", server.certificate().to_str().unwrap(), "--transfers", "8"];
        run("rclone", &[arguments, &common, &more, &last].concat())
    };
    let local = tree.to_str().unwrap();
    // Each program has so long, and ten thousand documents take longer.
    for part in (0..7).filter(|_| files > 1000) {
        rclone(&["copy", &format!("{local}/{part}"), &format!("{remote}/{part}")]).good();
    }
    rclone(&["sync", local, &remote]).good();
    let said = rclone(&["check", local, &remote]).good();
    assert!(said.contains("0 differences found") && !said.contains("hashes could not be checked"), "{said}");
    let listed = rclone(&["lsl", &format!("{remote}/large.bin")]).good();
    assert!(listed.contains("2001-09-09"), "{listed}");
    rclone(&["sync", "-v", "--log-file", log.to_str().unwrap(), local, &remote]).good();
    let log = fs::read_to_string(&log).unwrap();
    assert!(!log.contains("Copied") && !log.contains("Updated") && log.contains("There was nothing to transfer"), "{log}");
    rclone(&["purge", &remote]).good();
}

#[test]
fn a_second_run_transfers_nothing() {
    synchronises(300);
}

#[test]
#[ignore = "takes minutes: ./test --full"]
fn a_second_run_over_ten_thousand_documents_transfers_nothing() {
    synchronises(10_000);
}
