//! An app password that files and marks, and never destroys: the preset `organise`.

use crate::world::{OFFICE, Person, World, files, mark, propfind, services};
use octroi_gate::{Area, Identifier, Preset};
use octroi_model::{Path, Rights};

async fn go(world: &World, who: &Person, method: &str, from: &str, to: &str, overwrite: &str) -> u16 {
    let destination = files(who, to);
    world.ask(who, OFFICE, method, &files(who, from), &[("destination", &destination), ("overwrite", overwrite)], "").await.status
}

#[tokio::test]
async fn moves_and_marks_but_neither_removes_nor_overwrites() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let other = world.person("claire", "lead", "").await;
    for folder in ["In", "Out"] {
        assert_eq!(world.at_office(&owner, "MKCOL", &files(&owner, folder), "").await.status, 201);
    }
    for document in ["In/a.txt", "In/b.txt", "Out/there.txt"] {
        assert_eq!(world.at_office(&owner, "PUT", &files(&owner, document), document).await.status, 201);
    }
    assert_eq!(world.at_office(&other, "MKCOL", &files(&other, "Theirs"), "").await.status, 201);
    let all = [(Identifier::parse(&owner.address).unwrap(), Rights::ALL)];
    let theirs = Path::parse("Theirs", '/').unwrap();
    world.admin.share(&other.address.parse().unwrap(), Area::Files, &theirs, &all).await.unwrap();
    let organiser = world.narrow(&owner, Preset::Organise.scope(services(), &[])).await;

    let allowed = world.at_office(&organiser, "OPTIONS", &files(&organiser, "In/a.txt"), "").await;
    assert_eq!(allowed.header("allow"), "OPTIONS, PROPFIND, GET, HEAD, COPY, PROPPATCH, MOVE");
    let marked = world.at_office(&organiser, "PROPPATCH", &files(&organiser, "In/a.txt"), &mark("Urgent", true)).await;
    assert!(marked.status == 207 && marked.text().contains("200 OK"), "{}", marked.text());
    assert_eq!(go(&world, &organiser, "MOVE", "In/a.txt", "Out/a.txt", "F").await, 201);
    assert_eq!(world.at_office(&organiser, "GET", &files(&organiser, "Out/a.txt"), "").await.text(), "In/a.txt");
    assert_eq!(world.at_office(&organiser, "GET", &files(&organiser, "In/a.txt"), "").await.status, 404);

    assert_eq!(world.at_office(&organiser, "DELETE", &files(&organiser, "In/b.txt"), "").await.status, 403);
    assert_eq!(world.ask(&organiser, OFFICE, "DELETE", &files(&organiser, "In/"), &[], "").await.status, 403);
    assert_eq!(world.at_office(&organiser, "PUT", &files(&organiser, "In/b.txt"), "over").await.status, 403);
    for method in ["COPY", "MOVE"] {
        assert_eq!(go(&world, &organiser, method, "In/b.txt", "Out/there.txt", "T").await, 403, "{method}");
        assert_eq!(go(&world, &organiser, method, "In/b.txt", "Out/there.txt", "F").await, 412, "{method}");
        assert_eq!(go(&world, &organiser, method, "In/b.txt", "Out", "T").await, 403, "{method} over a folder");
        assert_eq!(go(&world, &organiser, method, "In/", "Out/there.txt", "T").await, 403, "{method} of a folder over a document");
    }
    // Out of the owner's tree it would be gone from there.
    let away = format!("Shared/{}/Theirs/b.txt", other.address);
    assert_eq!(go(&world, &organiser, "MOVE", "In/b.txt", &away, "T").await, 403);
    assert_eq!(go(&world, &organiser, "MOVE", "In/", "Out/In/", "F").await, 403);
    for (document, text) in [("In/b.txt", "In/b.txt"), ("Out/there.txt", "Out/there.txt")] {
        assert_eq!(world.at_office(&owner, "GET", &files(&owner, document), "").await.text(), text);
    }
    // The same person with everything may.
    assert_eq!(go(&world, &owner, "MOVE", "In/b.txt", &away, "T").await, 201);
}

#[tokio::test]
async fn keywords_are_set_cleared_and_told_all_or_nothing() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let document = files(&owner, "a.txt");
    assert_eq!(world.at_office(&owner, "PUT", &document, "a").await.status, 201);
    let told = async || world.at_office(&owner, "PROPFIND", &document, &propfind("<K:Urgent/><K:Done/>")).await.text();
    assert!(!told().await.contains("200 OK"));
    let both = |first: &str, second: &str| {
        format!(
            r#"<D:propertyupdate xmlns:D="DAV:" xmlns:k="urn:octroi:keyword"><D:set><D:prop>{first}</D:prop></D:set>{second}</D:propertyupdate>"#
        )
    };
    let refused = world.at_office(&owner, "PROPPATCH", &document, &both("<k:Urgent>1</k:Urgent><D:getetag>x</D:getetag>", "")).await;
    assert!(refused.text().contains("403 Forbidden") && refused.text().contains("424 Failed Dependency"), "{}", refused.text());
    let odd = world.at_office(&owner, "PROPPATCH", &document, &both("<k:Urgent>yes</k:Urgent><k:Done>1</k:Done>", "")).await.text();
    assert!(odd.contains("409 Conflict") && odd.contains("424 Failed Dependency"), "{odd}");
    assert!(!told().await.contains("200 OK"), "nothing of what was refused was set");
    let set = world.at_office(&owner, "PROPPATCH", &document, &both("<k:Urgent>1</k:Urgent><k:Done>1</k:Done>", "")).await;
    assert!(set.text().contains("200 OK"), "{}", set.text());
    assert!(told().await.contains("<K:Urgent>1</K:Urgent><K:Done>1</K:Done>"));
    // They come with everything too, in a listing as well, and the content is untouched.
    let all = world.ask(&owner, OFFICE, "PROPFIND", &files(&owner, ""), &[("depth", "1")], "").await.text();
    assert!(all.contains("<K:Urgent>1</K:Urgent>"), "{all}");
    assert_eq!(world.at_office(&owner, "GET", &document, "").await.text(), "a");
    let swapped = both("<k:New>1</k:New>", "<D:remove><D:prop><k:URGENT/></D:prop></D:remove>");
    assert!(world.at_office(&owner, "PROPPATCH", &document, &swapped).await.text().contains("200 OK"));
    assert!(!told().await.contains("<K:Urgent>1") && told().await.contains("<K:Done>1"));
}
