//! Files of the data folder that are the server's own: whole and on disk, or as they were, and for nobody else's eyes.

use octroi_gate::Admin;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The names of what the data folder holds that is sealed under its key, for a backup.
pub(crate) fn sealed(folder: &Path) -> Vec<String> {
    let names = [crate::dkim::FILE, crate::push::FILE].into_iter();
    names.filter(|name| folder.join(name).exists()).map(str::to_owned).collect()
}

/// What a file holds that is sealed under the data folder's key; `None` if it is not there. `mend`: what to do if it is of another folder.
pub(crate) fn load_sealed(file: &Path, admin: &Admin, mend: &str) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let sealed = match fs::read(file) {
        Ok(sealed) => sealed,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("cannot read {}: {e}", file.display())),
    };
    let opened = admin.unseal(&sealed).ok_or_else(|| format!("{} was sealed under another secret.key: {mend}", file.display()))?;
    Ok(Some(opened))
}

/// Seal octets and put them in the place of a file's.
pub(crate) fn save_sealed(file: &Path, admin: &Admin, octets: &[u8]) -> Result<(), String> {
    let sealed = admin.seal(octets).map_err(|r| format!("{} could not be sealed: {r}", file.display()))?;
    replace(file, &sealed).map_err(|e| format!("cannot write {}: {e}", file.display()))
}

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
