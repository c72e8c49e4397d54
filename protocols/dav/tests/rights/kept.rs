//! Versions and the trash over WebDAV: where they are found, how they are restored, and that a reserved action stays one on that way too.

use crate::world::{OFFICE, Person, SECURED, World, files};

const NAMES: &str = r#"<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/></D:prop></D:propfind>"#;

/// The paths of what is in a folder, itself left out, as the answer has them.
async fn list(world: &World, person: &Person, path: &str) -> Vec<String> {
    let answer = world.ask(person, OFFICE, "PROPFIND", &files(person, path), &[("depth", "1")], NAMES).await;
    assert_eq!(answer.status, 207, "{path}: {}", answer.text());
    let text = answer.text();
    let hrefs = text.split("<D:href>").skip(1).map(|rest| rest.split("</D:href>").next().unwrap().to_owned());
    hrefs.skip(1).collect()
}

async fn ask(world: &World, person: &Person, method: &str, path: &str, to: &str, body: &str) -> u16 {
    let to = files(person, to);
    world.ask(person, OFFICE, method, &files(person, path), &[("destination", &to)], body).await.status
}

#[tokio::test]
async fn a_version_is_read_and_copied_back() {
    let world = World::new().await;
    let person = world.person("agent", "agent", "").await;
    for (text, status) in [("one", 201), ("two", 204), ("three", 204)] {
        assert_eq!(ask(&world, &person, "PUT", "note.txt", "", text).await, status);
    }
    assert!(!list(&world, &person, "").await.iter().any(|href| href.contains(".versions")), "no program carries them along");
    assert_eq!(list(&world, &person, ".versions/").await, [files(&person, ".versions/note.txt/")]);
    let versions = list(&world, &person, ".versions/note.txt/").await;
    assert_eq!(versions.len(), 2);
    let oldest = world.ask(&person, OFFICE, "GET", &versions[0], &[], "").await;
    assert_eq!((oldest.status, oldest.text().as_str(), oldest.header("content-type")), (200, "one", "text/plain"));
    let to = files(&person, "note.txt");
    assert_eq!(world.ask(&person, OFFICE, "COPY", &versions[0], &[("destination", &to)], "").await.status, 204);
    assert_eq!(world.ask(&person, OFFICE, "GET", &to, &[], "").await.text(), "one");
    // Nothing is put there, or written over, or moved there; its owner may remove one, not all at once.
    assert_eq!(ask(&world, &person, "PUT", ".versions/note.txt/x", "", "x").await, 403);
    assert_eq!(world.ask(&person, OFFICE, "PUT", &versions[0], &[], "x").await.status, 403);
    assert_eq!(ask(&world, &person, "MKCOL", ".versions/x/", "", "").await, 403);
    assert_eq!(ask(&world, &person, "COPY", "note.txt", ".versions/note.txt/x", "").await, 403);
    assert_eq!(ask(&world, &person, "DELETE", ".versions/note.txt/", "", "").await, 403);
    assert_eq!(ask(&world, &person, "DELETE", ".versions/", "", "").await, 403);
    assert_eq!(world.ask(&person, OFFICE, "DELETE", &versions[0], &[], "").await.status, 204);
    assert_eq!(list(&world, &person, ".versions/note.txt/").await.len(), 2, "one was removed, one came by the copy");
    for taken in [".versions", ".trash", ".versions/"] {
        let method = if taken.ends_with('/') { "MKCOL" } else { "PUT" };
        assert!(matches!(ask(&world, &person, method, taken, "", "").await, 403 | 405), "{taken}");
    }
}

/// RFC 3253 section 3.7: the versions that are kept and the document after them, asked of it or of one of them.
#[tokio::test]
async fn the_tree_of_versions_is_told() {
    let world = World::new().await;
    let (person, other) = (world.person("agent", "agent", "").await, world.person("other", "agent", "").await);
    for text in ["1", "22", "333"] {
        ask(&world, &person, "PUT", "note%20%C3%A9.txt", "", text).await;
    }
    ask(&world, &person, "PUT", "other.txt", "", "x").await;
    let tree = r#"<D:version-tree xmlns:D="DAV:"><D:prop><D:version-name/><D:getcontentlength/><D:predecessor-set/><D:successor-set/></D:prop></D:version-tree>"#;
    let report = async |who: &Person, path: &str| world.ask(who, OFFICE, "REPORT", path, &[], tree).await;
    let document = files(&person, "note%20%C3%A9.txt");
    let kept = list(&world, &person, ".versions/note%20%C3%A9.txt/").await;
    let told = report(&person, &document).await;
    assert_eq!(told.status, 207, "{}", told.text());
    let told = told.text();
    let responses: Vec<&str> = told.split("<D:response>").skip(1).collect();
    assert_eq!(responses.len(), 3, "{told}");
    let hrefs = [kept[0].as_str(), kept[1].as_str(), document.as_str()];
    for (at, response) in responses.iter().enumerate() {
        assert!(response.starts_with(&format!("<D:href>{}</D:href>", hrefs[at])), "{response}");
        let length = format!("<D:getcontentlength>{}</D:getcontentlength>", at + 1);
        let set = |name: &str, href: Option<&&str>| match href {
            Some(href) => format!("<D:{name}><D:href>{href}</D:href></D:{name}>"),
            None => format!("<D:{name}></D:{name}>"),
        };
        let (before, after) = (set("predecessor-set", at.checked_sub(1).map(|at| &hrefs[at])), set("successor-set", hrefs.get(at + 1)));
        assert!(response.contains(&length) && response.contains(&before) && response.contains(&after), "{response}");
    }
    assert!(responses[2].contains("<D:version-name>current</D:version-name>") && responses[0].contains("-0001</D:version-name>"), "{told}");
    assert_eq!(report(&person, &kept[0]).await.text(), told, "a version tells the same");
    // Without versions there is the document alone; a folder has none; of others nothing is told.
    assert_eq!(report(&person, &files(&person, "other.txt")).await.text().matches("<D:response>").count(), 1);
    assert_eq!(report(&person, &files(&person, "")).await.status, 403);
    assert_eq!(report(&other, &document).await.status, 404);
    // What is gone has versions still.
    assert_eq!(ask(&world, &person, "DELETE", "note%20%C3%A9.txt", "", "").await, 204);
    assert_eq!(report(&person, &kept[1]).await.text().matches("<D:response>").count(), 2);
    let reports = r#"<D:propfind xmlns:D="DAV:"><D:prop><D:supported-report-set/></D:prop></D:propfind>"#;
    let supported = world.ask(&person, OFFICE, "PROPFIND", &files(&person, "other.txt"), &[("depth", "0")], reports).await.text();
    assert!(supported.contains("<D:version-tree/>") && !supported.contains("<D:sync-collection/>"), "{supported}");
    let supported = world.ask(&person, OFFICE, "PROPFIND", &files(&person, ""), &[("depth", "0")], reports).await.text();
    assert!(!supported.contains("<D:version-tree/>") && supported.contains("<D:sync-collection/>"), "{supported}");
}

#[tokio::test]
async fn what_was_removed_is_moved_back() {
    let world = World::new().await;
    let person = world.person("agent", "agent", "").await;
    for path in ["a/", "a/b/"] {
        assert_eq!(ask(&world, &person, "MKCOL", path, "", "").await, 201);
    }
    for path in ["a/one.txt", "a/b/two.txt"] {
        assert_eq!(ask(&world, &person, "PUT", path, "", path).await, 201);
        assert_eq!(ask(&world, &person, "DELETE", path, "", "").await, 204);
    }
    assert_eq!(list(&world, &person, "").await, [files(&person, "a/")]);
    assert_eq!(list(&world, &person, ".trash/a/").await, [files(&person, ".trash/a/b/"), files(&person, ".trash/a/one.txt")]);
    assert_eq!(ask(&world, &person, "MOVE", ".trash/a/one.txt", "a/back.txt", "").await, 201);
    let back = world.ask(&person, OFFICE, "GET", &files(&person, "a/back.txt"), &[], "").await;
    assert_eq!(back.text(), "a/one.txt");
    // A folder whole, and what an overwriting MOVE takes away.
    assert_eq!(ask(&world, &person, "DELETE", "a/", "", "").await, 204);
    assert_eq!(ask(&world, &person, "MKCOL", "a/", "", "").await, 201);
    let kept = list(&world, &person, ".trash/").await.into_iter().find(|href| !href.ends_with("/a/")).unwrap();
    let kept = kept.strip_prefix(&files(&person, "")).unwrap().to_owned();
    assert_eq!(ask(&world, &person, "MOVE", &kept, "a/", "").await, 204);
    assert_eq!(world.ask(&person, OFFICE, "GET", &files(&person, "a/back.txt"), &[], "").await.text(), "a/one.txt");
    // Nothing is put into it; what is removed there is gone.
    assert_eq!(ask(&world, &person, "PUT", ".trash/x", "", "x").await, 403);
    assert_eq!(ask(&world, &person, "MOVE", "a/back.txt", ".trash/x", "").await, 403);
    assert_eq!(ask(&world, &person, "DELETE", ".trash/a/b/two.txt", "", "").await, 204);
    assert_eq!(ask(&world, &person, "GET", ".trash/a/b/two.txt", "", "").await, 404);
}

/// A way round a reserved action would be to throw an act away, or write over it, and bring it back among those that are validated.
#[tokio::test]
async fn what_is_brought_back_among_validated_acts_is_validated() {
    let world = World::new().await;
    let person = world.person("agent", "agent", "").await;
    for path in ["Actes/", "Actes/Validated/"] {
        assert_eq!(ask(&world, &person, "MKCOL", path, "", "").await, 201);
    }
    for text in ["one", "two"] {
        ask(&world, &person, "PUT", "Actes/draft.txt", "", text).await;
    }
    ask(&world, &person, "PUT", "Actes/other.txt", "", "other").await;
    assert_eq!(ask(&world, &person, "DELETE", "Actes/other.txt", "", "").await, 204);
    let version = list(&world, &person, "Actes/.versions/draft.txt/").await.remove(0);
    let trashed = files(&person, ".trash/Actes/other.txt");
    let to = files(&person, "Actes/Validated/act.txt");
    for (method, source) in [("COPY", &version), ("MOVE", &version), ("COPY", &trashed), ("MOVE", &trashed)] {
        assert_eq!(world.ask(&person, OFFICE, method, source, &[("destination", &to)], "").await.status, 403, "{method} {source}");
    }
    assert!(list(&world, &person, "Actes/Validated/").await.is_empty());
    world.confirm(&person, SECURED, 0).await;
    for (method, source, status) in [("COPY", &version, 201), ("MOVE", &trashed, 204)] {
        let done = world.ask(&person, SECURED, method, source, &[("destination", &to)], "").await;
        assert_eq!(done.status, status, "{method} {source}: {}", done.text());
    }
}
