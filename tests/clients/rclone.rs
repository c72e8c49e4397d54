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
