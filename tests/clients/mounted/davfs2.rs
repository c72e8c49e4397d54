//! davfs2: the documents mounted as a folder by what Debian has for that; edited, renamed, locked, counted, and there when it is unmounted.

use crate::admin::{mint, octroi};
use crate::support::http::Http;
use crate::support::process::run_in;
use crate::support::server::DOMAIN;
use crate::support::{shared, unique};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What is done in the folder. It is mounted in a mount namespace of its own, so that nothing stays behind whatever happens.
const SCRIPT: &str = r#"
set -e
mount -i -t tmpfs none "$HERE/mount"
echo "$SECRET" | mount.davfs -o "conf=$HERE/davfs2.conf,username=$ADDRESS,uid=root,gid=root" "$URL" "$HERE/mount" > /dev/null
cd "$HERE/mount"
ls
df -P -k . | tail -n 1 | sed 's/^[^ ]* */df /'
mkdir 'déjà vu' 'déjà vu/deep'
echo 'first line' > notes.txt
echo 'x & y' > 'déjà vu/deep/x & y#1.txt'
sed -i 's/first/1st/' notes.txt
echo 'second line' >> notes.txt
mv 'déjà vu' tree
mv tree/deep/x* tree/renamed.txt
rmdir tree/deep
cp notes.txt copy.txt
rm copy.txt
head -c 3000000 /dev/zero > large.bin
exec 4>>held.txt
echo held >&4
echo "locked $(curl --silent --cacert "$HERE/certificate.pem" --user "$ADDRESS:$SECRET" --upload-file notes.txt --output /dev/null --write-out '%{http_code}' "${URL}held.txt")"
exec 4>&-
cat "Shared/$OWNER/$FOLDER/kept.txt"
for refused in "echo more >> Shared/$OWNER/$FOLDER/kept.txt" "echo new > Shared/$OWNER/$FOLDER/new.txt" "mkdir Shared/$OWNER/$FOLDER/new" \
    "rm Shared/$OWNER/$FOLDER/kept.txt" "mv notes.txt Shared/$OWNER/$FOLDER/kept.txt"; do
    if sh -c "$refused" 2> /dev/null; then echo "done: $refused"; fi
done
ls -R
cd /
umount "$HERE/mount"
echo unmounted
"#;

#[test]
#[ignore = "needs root and FUSE: ./test runs it where they are"]
fn documents_by_davfs2() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let address = format!("{}@{DOMAIN}", unique("davfs"));
    octroi(server, &["account", "add", &address, "--profile", "agent"]).good();
    octroi(server, &["quota", "set", &address, "100M"]).good();
    let (secret, _) = mint(server, &address, "files");
    let (owner, common) = (server.user(5), unique("common"));
    let theirs = Http::new(server, owner);
    assert_eq!(theirs.request("MKCOL", &format!("{}{common}/", owner.files), &[], b"").status, 201);
    assert_eq!(theirs.request("PUT", &format!("{}{common}/kept.txt", owner.files), &[], b"kept\n").status, 201);
    octroi(server, &["share", &owner.address, &format!("files/{common}"), "--with", &format!("{address}=lr")]).good();

    let here = folder.path();
    prepare(here, server.certificate());
    let files = format!("/dav/files/{address}/");
    let variables = [
        ("HERE", here.to_str().unwrap()),
        ("URL", &server.url(&files)),
        ("ADDRESS", &address),
        ("SECRET", &secret),
        ("OWNER", &owner.address),
        ("FOLDER", &common),
        ("LC_ALL", "C.UTF-8"),
    ];
    let said = run_in(here, &variables, "", "unshare", &["--mount", "sh", "-c", SCRIPT]).good();
    for line in ["Shared", "locked 423", "kept", "renamed.txt", "unmounted"] {
        assert!(said.lines().any(|l| l == line), "{line}: {said}");
    }
    for lost in ["déjà vu", "copy.txt", "deep", "done: ", "new.txt"] {
        assert!(!said.contains(lost), "{lost}: {said}");
    }
    let df: Vec<&str> = said.lines().find_map(|l| l.strip_prefix("df ")).unwrap().split_whitespace().collect();
    assert_eq!(df[2], (100 * 1024).to_string(), "all of the quota is free: {said}");

    let http = Http::with(server, &address, &secret);
    let get = |name: &str| http.request("GET", &format!("{files}{name}"), &[], b"");
    assert_eq!(get("notes.txt").text(), "1st line\nsecond line\n");
    assert_eq!(get("tree/renamed.txt").text(), "x & y\n");
    assert_eq!(get("held.txt").text(), "held\n");
    assert_eq!(get("large.bin").body.len(), 3_000_000);
    assert_eq!(get("copy.txt").status, 404);
    assert_eq!(theirs.request("GET", &format!("{}{common}/kept.txt", owner.files), &[], b"").text(), "kept\n");
    let left = octroi(server, &["locks", "list"]).good();
    assert!(!left.contains(&address), "it has unlocked what it locked: {left}");
}

/// Its configuration, and what it must be able to read as the user that it becomes. A buffer of 16 KiB is less than what kernels from 6.16 on
/// ask for a listing, which then fails. What has been written is sent by the unmounting and not because time has passed.
fn prepare(here: &Path, certificate: &Path) {
    let (cache, copy) = (here.join("cache"), here.join("certificate.pem"));
    fs::create_dir(&cache).unwrap();
    fs::create_dir(here.join("mount")).unwrap();
    fs::copy(certificate, &copy).unwrap();
    let configuration =
        format!("trust_server_cert {}\ncache_dir {}\nbuf_size 64\ndelay_upload 600\nuse_locks 1\n", copy.display(), cache.display());
    fs::write(here.join("davfs2.conf"), configuration).unwrap();
    for (path, mode) in [(here, 0o755), (&copy, 0o644), (&cache, 0o1775)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    assert!(Command::new("chgrp").arg("davfs2").arg(&cache).status().unwrap().success(), "there is a group davfs2 with davfs2");
}
