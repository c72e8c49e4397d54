//! Links that open a document in an office program, which then speaks WebDAV with an app password. By Microsoft's "Office URI Schemes" and
//! LibreOffice's handler for them: `ofe` to edit, `ofv` to read.

use octroi_http::encode_segment;
use octroi_model::{Address, Path};

/// Endings that Word, Excel and PowerPoint open, and the scheme of each.
const SCHEMES: [(&str, &str, &[&str]); 3] = [
    ("ms-word", "Word", &["doc", "docx", "docm", "dot", "dotx", "dotm", "odt", "rtf"]),
    ("ms-excel", "Excel", &["xls", "xlsx", "xlsm", "xlsb", "xltx", "xltm", "ods"]),
    ("ms-powerpoint", "PowerPoint", &["ppt", "pptx", "pptm", "pps", "ppsx", "potx", "odp"]),
];
/// What LibreOffice opens beside these.
const OPEN_DOCUMENT: [&str; 4] = ["odg", "odf", "ott", "ots"];

/// Program and URL for each program that opens a document, by the ending of its name. `dav`: what the URLs of documents begin with.
pub(crate) fn links(dav: &str, address: &Address, path: &Path, writes: bool) -> Vec<(&'static str, String)> {
    let Some((_, ending)) = path.names().last().and_then(|name| name.as_str().rsplit_once('.')) else { return Vec::new() };
    let ending = ending.to_ascii_lowercase();
    let found = SCHEMES.into_iter().find(|(_, _, endings)| endings.contains(&ending.as_str()));
    if found.is_none() && !OPEN_DOCUMENT.contains(&ending.as_str()) {
        return Vec::new();
    }
    let names: Vec<String> = path.names().iter().map(|name| encode_segment(name.as_str())).collect();
    let url = format!("{dav}/dav/files/{}/{}", encode_segment(&address.to_string()), names.join("/"));
    let command = if writes { "ofe" } else { "ofv" };
    let microsoft = found.map(|(scheme, program, _)| (program, format!("{scheme}:{command}|u|{url}")));
    microsoft.into_iter().chain([("LibreOffice", format!("vnd.libreoffice.command:{command}|u|{url}"))]).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn endings_have_their_programs_and_names_are_encoded() {
        let of =
            |path: &str, writes| links("https://mail.example", &"léa@a.example".parse().unwrap(), &Path::parse(path, '/').unwrap(), writes);
        assert_eq!(
            of("Actes/a b|c.DOCX", true),
            [
                ("Word", "ms-word:ofe|u|https://mail.example/dav/files/l%C3%A9a@a.example/Actes/a%20b%7Cc.DOCX".to_owned()),
                (
                    "LibreOffice",
                    "vnd.libreoffice.command:ofe|u|https://mail.example/dav/files/l%C3%A9a@a.example/Actes/a%20b%7Cc.DOCX".to_owned()
                )
            ]
        );
        assert!(of("a.xls", false)[0].1.starts_with("ms-excel:ofv|u|https://"));
        assert_eq!(of("a.odp", true)[0].0, "PowerPoint");
        assert_eq!(of("a.odg", true).len(), 1);
        for none in ["a.pdf", "a", "docx", "a.docx.exe", ".html"] {
            assert!(of(none, true).is_empty(), "{none}");
        }
    }
}
