//! davfs2: the documents mounted as a folder, used with the commands that people use on folders.

use crate::support::process::{run, run_in};
use crate::support::{shared, unique};
use std::fs;
use std::path::Path;

#[test]
#[ignore = "needs root and /dev/fuse: ./test --full"]
fn a_mounted_folder_reads_and_writes() {
    assert!(Path::new("/dev/fuse").exists(), "there is no /dev/fuse on this machine");
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let person = server.user(5);
    let (top, name) = (folder.path(), unique("mounted"));
    let url = server.url(&person.files);
    let (place, cache) = (top.join("documents"), top.join("cache"));
    fs::create_dir(&place).unwrap();
    fs::create_dir(&cache).unwrap();
    // Without locks: they are not offered yet. The cache of the mount must not outlive the test.
    let config = format!(
        "use_locks 0\nask_auth 0\ndelay_upload 0\nsecrets {}\ntrust_ca_cert {}\ncache_dir {}\n",
        top.join("secrets").display(),
        server.certificate().display(),
        cache.display()
    );
    fs::write(top.join("conf"), config).unwrap();
    fs::write(top.join("secrets"), format!("{url} {} {}\n", person.address, person.app_password)).unwrap();
    run("chmod", &["600", top.join("secrets").to_str().unwrap()]).good();
    let options = format!("conf={},uid=0,gid=0", top.join("conf").display());
    run_in(top, &[], "y\n", "mount", &["-t", "davfs", "-o", &options, &url, place.to_str().unwrap()]).good();
    let script = format!(
        "set -e; cd '{}'; mkdir {name}; printf 'by hand\\n' > {name}/a.txt; cp {name}/a.txt {name}/b.txt; mv {name}/b.txt {name}/c.txt; \
         head -c 3000000 /dev/urandom > {name}/big.bin; cksum < {name}/big.bin; ls {name}",
        place.display()
    );
    let worked = run("sh", &["-c", &script]);
    // Unmounting waits until everything is uploaded.
    let unmounted = run("umount", &[place.to_str().unwrap()]);
    let said = worked.good();
    unmounted.good();
    assert!(said.contains("a.txt") && said.contains("c.txt") && !said.contains("b.txt"), "{said}");
    let http = crate::support::http::Http::new(server, person);
    assert_eq!(http.request("GET", &format!("{}{name}/c.txt", person.files), &[], b"").text(), "by hand\n");
    assert_eq!(http.request("GET", &format!("{}{name}/big.bin", person.files), &[], b"").body.len(), 3_000_000);
}
