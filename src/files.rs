//! Files of the data folder that are the server's own: whole and on disk, or as they were, and for nobody else's eyes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Put octets in the place of a file's.
pub(crate) fn replace(file: &Path, octets: &[u8]) -> io::Result<()> {
    let mut partial = file.as_os_str().to_owned();
    partial.push(".new");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    out.write_all(octets)?;
    out.sync_all()?;
    fs::rename(&partial, file)?;
    fs::File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
}
