//! LMTP's socket in the file system, with the mode and group that the configuration names.
//!
//! Called by `server`. Who can open the file can deliver mail, so it has its mode before it has its name.

use crate::config::Listen;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use tokio::net::UnixListener;

/// Listen at `path`. A socket that nobody listens at any more is replaced, anything else is left alone.
pub(crate) fn bind(path: &Path, listen: &Listen) -> Result<UnixListener, String> {
    let mode = listen.socket_mode().map_err(|e| e.to_string())?;
    let group = listen.lmtp_socket_group.as_deref().map(group).transpose()?;
    let fail = |e: io::Error| format!("cannot listen at {}: {e}", path.display());
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => return Err(format!("cannot listen at {}: it is no socket", path.display())),
        Ok(_) if UnixStream::connect(path).is_ok() => return Err(format!("cannot listen at {}: somebody does", path.display())),
        _ => {}
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".new");
    let partial = Path::new(&partial);
    match fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let listener = UnixListener::bind(partial).map_err(fail)?;
    // Nobody connects to a name that they do not expect, and it is closed before it gets the one that they do.
    fs::set_permissions(partial, fs::Permissions::from_mode(0o600)).map_err(fail)?;
    if let Some(group) = group {
        chown(partial, None, Some(group)).map_err(fail)?;
    }
    fs::set_permissions(partial, fs::Permissions::from_mode(mode)).map_err(fail)?;
    fs::rename(partial, path).map_err(fail)?;
    Ok(listener)
}

/// The number of a group: as it is, or from the machine's own list.
fn group(name: &str) -> Result<u32, String> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let list = fs::read_to_string("/etc/group").map_err(|e| format!("cannot read /etc/group: {e}"))?;
    number_in(&list, name).ok_or_else(|| format!("there is no group `{name}` in /etc/group; its number does as well"))
}

fn number_in(list: &str, name: &str) -> Option<u32> {
    let mut lines = list.lines().map(|line| line.split(':'));
    let mut of_group = lines.find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
    of_group.nth(1)?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name() {
        let list = "root:x:0:\npostfix:x:112:\npostdrop:x:113:lea,leo\n";
        assert_eq!(number_in(list, "postfix"), Some(112));
        assert_eq!(number_in(list, "post"), None);
        assert_eq!(group("7"), Ok(7));
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_and_is_replaced_only_if_it_is_dead() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lmtp");
        let listen = Listen { lmtp_socket_mode: Some("0620".to_owned()), ..Listen::default() };
        let first = bind(&path, &listen).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        assert!(bind(&path, &listen).unwrap_err().contains("somebody does"));
        drop(first);
        drop(bind(&path, &listen).unwrap());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(bind(&path, &listen).unwrap_err().contains("no socket"));
    }
}
