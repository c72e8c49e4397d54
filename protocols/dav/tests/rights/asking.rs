//! SEARCH, expand-property, POST to a collection, and what answers leave out when they are asked to.

use crate::world::{OFFICE, Person, World, files, propfind};
use octroi_dav::DavConfig;
use octroi_gate::{Area, Identifier};
use octroi_model::{Path, Rights};
use std::time::Duration;

async fn put(world: &World, who: &Person, path: &str, content: &str, kind: &str) {
    let answer = world.ask(who, OFFICE, "PUT", &files(who, path), &[("content-type", kind)], content).await;
    assert!(answer.status < 300, "{path}");
}

/// A tree with a few documents in it, a folder of which is somebody else's.
async fn cast() -> (World, Person, Person) {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "Hugo Bernard").await;
    let other = world.person("claire", "lead", "").await;
    for folder in ["Actes", "Actes/2026", "Notes"] {
        assert_eq!(world.at_office(&owner, "MKCOL", &files(&owner, folder), "").await.status, 201);
    }
    for (path, content, kind) in [
        ("Actes/decree.txt", "La douane de Bayonne", "text/plain"),
        ("Actes/2026/large.bin", "douane douane douane douane", "application/octet-stream"),
        ("Notes/small.md", "rien", "text/markdown"),
        ("Notes/Bayonne.pdf", "%PDF", "application/pdf"),
    ] {
        put(&world, &owner, path, content, kind).await;
    }
    assert_eq!(world.at_office(&other, "MKCOL", &files(&other, "Secret"), "").await.status, 201);
    put(&world, &other, "Secret/bayonne.txt", "Bayonne", "text/plain").await;
    (world, owner, other)
}

fn search(scope: &str, depth: &str, condition: &str, more: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!("<D:where>{condition}</D:where>") };
    format!(
        r#"<D:searchrequest xmlns:D="DAV:"><D:basicsearch><D:select><D:prop><D:displayname/><D:getcontentlength/></D:prop></D:select><D:from><D:scope><D:href>{scope}</D:href><D:depth>{depth}</D:depth></D:scope></D:from>{condition}{more}</D:basicsearch></D:searchrequest>"#
    )
}

fn names(text: &str) -> Vec<String> {
    let names = text.split("<D:href>").skip(1).filter_map(|part| part.split_once("</D:href>"));
    names.map(|(href, _)| href.trim_end_matches('/').rsplit('/').next().unwrap().to_owned()).collect()
}

async fn found(world: &World, who: &Person, depth: &str, condition: &str, more: &str) -> Vec<String> {
    let answer = world.at_office(who, "SEARCH", &files(who, ""), &search(&files(who, ""), depth, condition, more)).await;
    assert_eq!(answer.status, 207, "{}", answer.text());
    let mut names = names(&answer.text());
    if !more.contains("orderby") {
        names.sort();
    }
    names
}

fn compare(op: &str, property: &str, literal: &str) -> String {
    format!("<D:{op}><D:prop><D:{property}/></D:prop><D:literal>{literal}</D:literal></D:{op}>")
}

#[tokio::test]
async fn a_search_finds_what_fits_and_nothing_of_others() {
    let (world, owner, _) = cast().await;
    let find = async |condition: &str| found(&world, &owner, "infinity", condition, "").await;
    assert_eq!(find(&compare("gt", "getcontentlength", "10")).await, ["decree.txt", "large.bin"]);
    assert_eq!(find(&compare("like", "displayname", "%.MD")).await, ["small.md"]);
    // Names and the text of what is text, in any case; what is no text is found by its name.
    assert_eq!(find("<D:contains>BAYONNE</D:contains>").await, ["Bayonne.pdf", "decree.txt"]);
    assert_eq!(find("<D:and><D:contains>douane</D:contains><D:contains>bayonne</D:contains></D:and>").await, ["decree.txt"]);
    assert_eq!(find("<D:not><D:is-collection/></D:not>").await.len(), 4);
    assert_eq!(
        find(&format!("<D:or>{}{}</D:or>", compare("eq", "displayname", "notes"), compare("eq", "getcontenttype", "text/plain"))).await,
        ["Notes", "decree.txt"]
    );
    assert_eq!(find(&compare("lt", "getlastmodified", "2001-01-01T00:00:00Z")).await, [""; 0]);
    assert_eq!(find(&compare("gte", "getlastmodified", "2001-01-01T00:00:00Z")).await.len(), 4);
    let home = owner.address.clone();
    assert_eq!(found(&world, &owner, "0", "", "").await, std::slice::from_ref(&home));
    assert_eq!(found(&world, &owner, "1", "", "").await, ["Actes".to_owned(), "Notes".to_owned(), home]);
    let order = "<D:orderby><D:order><D:prop><D:getcontentlength/></D:prop><D:descending/></D:order></D:orderby>";
    let documents = "<D:is-defined><D:prop><D:getcontentlength/></D:prop></D:is-defined>";
    let ordered = found(&world, &owner, "infinity", documents, order).await;
    assert!(ordered[..2] == ["large.bin", "decree.txt"] && ordered.len() == 4, "{ordered:?}");
    let first = found(&world, &owner, "infinity", documents, &format!("{order}<D:limit><D:nresults>1</D:nresults></D:limit>")).await;
    assert_eq!(first, ["large.bin"]);
    // Properties that clients set are found too.
    let set = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><p xmlns="urn:x">12</p></D:prop></D:set></D:propertyupdate>"#;
    assert_eq!(world.at_office(&owner, "PROPPATCH", &files(&owner, "Notes/small.md"), set).await.status, 207);
    assert_eq!(find(r#"<D:gt><D:prop><p xmlns="urn:x"/></D:prop><D:literal>9</D:literal></D:gt>"#).await, ["small.md"]);
}

#[tokio::test]
async fn a_search_stays_within_rights_and_limits() {
    let (world, owner, other) = cast().await;
    let scope = |path: &str| search(path, "infinity", "", "");
    for beyond in [files(&other, ""), "/dav/".to_owned(), files(&owner, "Nothing/"), format!("/dav/calendars/{}/", owner.address)] {
        let answer = world.at_office(&owner, "SEARCH", &files(&owner, ""), &scope(&beyond)).await;
        assert!(answer.status == 409 && answer.text().contains("search-scope-valid"), "{beyond}: {} {}", answer.status, answer.text());
    }
    // What is shared is found where it appears, until it is no longer.
    let bayonne = "<D:contains>bayonne</D:contains>";
    let share = async |rights: &str| {
        let acl = [(Identifier::parse(&owner.address).unwrap(), Rights::parse(rights).unwrap())];
        let path = Path::parse("Secret", '/').unwrap();
        world.admin.share(&other.address.parse().unwrap(), Area::Files, &path, &acl).await.unwrap();
        found(&world, &owner, "infinity", bayonne, "").await
    };
    assert_eq!(share("lr").await, ["Bayonne.pdf", "bayonne.txt", "decree.txt"]);
    assert_eq!(share("l").await, ["Bayonne.pdf", "decree.txt"]);
    let unknown = r#"<D:searchrequest xmlns:D="DAV:"><q xmlns="urn:q"/></D:searchrequest>"#;
    let answer = world.at_office(&owner, "SEARCH", &files(&owner, ""), unknown).await;
    assert!(answer.status == 422 && answer.text().contains("search-grammar-supported"), "{}", answer.text());
    // What is in several scopes is told once.
    let (top, folder) = (files(&owner, ""), files(&owner, ""));
    let scopes = format!("<D:scope><D:href>{folder}</D:href><D:depth>1</D:depth></D:scope>");
    let whole = search(&top, "infinity", "", "");
    let twice = whole.replace("</D:from>", &format!("{scopes}</D:from>"));
    let count = async |body: &str| world.at_office(&owner, "SEARCH", &top, body).await.text().matches("<D:response>").count();
    assert!(twice.len() > whole.len() && count(&whole).await > 1);
    assert_eq!(count(&twice).await, count(&whole).await);
    let discovery = r#"<D:query-schema-discovery xmlns:D="DAV:"><D:basicsearch/></D:query-schema-discovery>"#;
    let schema = world.at_office(&owner, "SEARCH", &files(&owner, ""), discovery).await.text();
    assert!(schema.contains("<D:basicsearchschema>") && schema.contains("<D:any-other-property/>"), "{schema}");
    let options = world.at_office(&owner, "OPTIONS", &files(&owner, ""), "").await;
    assert!(options.header("dasl") == "<DAV:basicsearch>" && options.header("allow").contains("SEARCH"));
    let grammar = world.at_office(&owner, "PROPFIND", &files(&owner, ""), &propfind("<D:supported-query-grammar-set/>")).await.text();
    assert!(grammar.contains("<D:grammar><D:basicsearch/></D:grammar>"), "{grammar}");
}

#[tokio::test]
async fn hrefs_are_followed_in_place() {
    let (world, owner, _) = cast().await;
    let body = r#"<D:expand-property xmlns:D="DAV:"><D:property name="current-user-principal"><D:property name="displayname"/><D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"><D:property name="owner"><D:property name="displayname"/></D:property></D:property></D:property><D:property name="nothing"/></D:expand-property>"#;
    let told = world.at_office(&owner, "REPORT", &files(&owner, ""), body).await;
    assert_eq!(told.status, 207);
    let text = told.text();
    assert!(text.contains("<D:current-user-principal><D:response><D:href>/dav/principals/"), "{text}");
    assert!(text.contains("<D:displayname>Hugo Bernard</D:displayname>") && text.contains("<D:nothing/>"), "{text}");
    // A credential for documents opens no calendars: their home stays what it was.
    assert!(text.contains(&format!("<D:href>/dav/calendars/{}/</D:href>", owner.address)), "{text}");
    let deep = world.ask(&owner, OFFICE, "REPORT", &files(&owner, ""), &[("depth", "1")], body).await;
    assert_eq!(deep.status, 403);
    for bad in ["<D:property/>", "<D:property name='&lt;x'/>"] {
        let body = format!(r#"<D:expand-property xmlns:D="DAV:">{bad}</D:expand-property>"#);
        assert_eq!(world.at_office(&owner, "REPORT", &files(&owner, ""), &body).await.status, 400, "{bad}");
    }
    // However often it leads to itself, it ends.
    let mut inner = String::from(r#"<D:property name="displayname"/>"#);
    for _ in 0..10 {
        inner = format!(r#"<D:property name="owner"><D:property name="principal-URL"/>{inner}</D:property>"#);
    }
    let body = format!(r#"<D:expand-property xmlns:D="DAV:">{inner}</D:expand-property>"#);
    assert_eq!(world.at_office(&owner, "REPORT", &files(&owner, ""), &body).await.status, 207);
}

#[tokio::test]
async fn the_server_names_what_is_posted() {
    let (world, owner, other) = cast().await;
    let told = world.at_office(&owner, "PROPFIND", &files(&owner, "Notes/"), &propfind("<D:add-member/>")).await.text();
    let url = format!("{}?add-member", files(&owner, "Notes/"));
    assert!(told.contains(&format!("<D:add-member><D:href>{url}</D:href></D:add-member>")), "{told}");
    let post = async |more: &[(&str, &str)]| world.ask(&owner, OFFICE, "POST", &url, more, "posted").await;
    let made = post(&[("content-type", "text/plain")]).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let location = made.header("location").to_owned();
    assert!(location.starts_with(&files(&owner, "Notes/")) && location.to_ascii_lowercase().ends_with(".txt"), "{location}");
    assert_eq!(world.at_office(&owner, "GET", &location, "").await.text(), "posted");
    // What is there is never written over.
    assert!(post(&[("slug", "The Beach.txt")]).await.header("location").ends_with("The%20Beach.txt"));
    assert!(post(&[("slug", "The Beach.txt")]).await.header("location").ends_with("The%20Beach%20%282%29.txt"));
    let elsewhere = post(&[("slug", "../../evil")]).await;
    assert!(elsewhere.header("location").ends_with("/Notes/evil"), "{}", elsewhere.header("location"));
    for (path, status) in [(files(&owner, "Notes/"), 405), (format!("{}?add-member", files(&other, "Secret/")), 404)] {
        assert_eq!(world.ask(&owner, OFFICE, "POST", &path, &[], "x").await.status, status, "{path}");
    }
}

#[tokio::test]
async fn answers_leave_out_what_was_not_wanted() {
    let (world, owner, _) = cast().await;
    let body = propfind("<D:getetag/><D:nothing/>");
    let list = async |more: &[(&str, &str)]| {
        let more = [more, &[("depth", "1")]].concat();
        world.ask(&owner, OFFICE, "PROPFIND", &files(&owner, "Notes/"), &more, &body).await.text()
    };
    let all = list(&[]).await;
    assert!(all.contains("404 Not Found") && names(&all).len() == 3);
    assert!(!list(&[("brief", "t")]).await.contains("404") && !list(&[("prefer", "return=minimal")]).await.contains("404"));
    // RFC 8144 section 3.2.
    assert_eq!(names(&list(&[("prefer", "depth-noroot")]).await), ["Bayonne.pdf", "small.md"]);
    assert_eq!(names(&list(&[("prefer", "return=minimal, depth-noroot")]).await).len(), 2);
    let deep = world.ask(&owner, OFFICE, "PROPFIND", &files(&owner, ""), &[("depth", "infinity")], "").await;
    assert!(deep.status == 403 && deep.text().contains("propfind-finite-depth"));
    let told = world.at_office(&owner, "PROPFIND", &files(&owner, "Notes/small.md"), &r#"<D:propfind xmlns:D="DAV:" xmlns:O="http://owncloud.org/ns"><D:prop><O:size/><O:permissions/><D:supported-method-set/><D:supported-live-property-set/><D:resourcetype/></D:prop></D:propfind>"#.replace('\n', "")).await.text();
    assert!(told.contains("<OC:size>4</OC:size>") && told.contains("<OC:permissions>GDNVW</OC:permissions>"), "{told}");
    assert!(told.contains(r#"<D:supported-method name="PROPPATCH"/>"#) && !told.contains("404"), "{told}");
}

#[tokio::test]
async fn principals_match_by_a_property_of_members() {
    let (world, owner, other) = cast().await;
    let ask = |property: &str| {
        format!(
            r#"<D:principal-match xmlns:D="DAV:"><D:principal-property><D:{property}/></D:principal-property><D:prop><D:getetag/></D:prop></D:principal-match>"#
        )
    };
    let acl = [(Identifier::parse(&owner.address).unwrap(), Rights::parse("lr").unwrap())];
    world.admin.share(&other.address.parse().unwrap(), Area::Files, &Path::parse("Secret", '/').unwrap(), &acl).await.unwrap();
    // RFC 3744 section 9.3: what I own, at any depth; not what others share with me.
    let mine = world.at_office(&owner, "REPORT", &files(&owner, ""), &ask("owner")).await.text();
    let mut found = names(&mine);
    found.retain(|name| name != "Shared" && *name != other.address);
    found.sort();
    assert_eq!(found, ["2026", "Actes", "Bayonne.pdf", "Notes", "decree.txt", "large.bin", "small.md"], "{mine}");
    assert!(names(&world.at_office(&owner, "REPORT", &files(&owner, ""), &ask("getetag")).await.text()).is_empty());
    let bad = r#"<D:principal-match xmlns:D="DAV:"/>"#;
    assert_eq!(world.at_office(&owner, "REPORT", &files(&owner, ""), bad).await.status, 400);
}

#[tokio::test]
async fn a_search_that_is_cut_says_so() {
    let limits = [
        DavConfig { search_visits_max: 5, ..DavConfig::default() },
        DavConfig { search_results_max: 5, ..DavConfig::default() },
        DavConfig { search_time: Duration::ZERO, ..DavConfig::default() },
    ];
    for limit in limits {
        let world = World::limited(limit).await;
        let owner = world.person("hugo", "lead", "").await;
        for number in 0..8 {
            put(&world, &owner, &format!("{number}.txt"), "douane", "text/plain").await;
        }
        let answer = world.at_office(&owner, "SEARCH", &files(&owner, ""), &search(&files(&owner, ""), "1", "", "")).await.text();
        assert!(answer.contains("HTTP/1.1 507 Insufficient Storage") && names(&answer).len() < 8, "{answer}");
        // Who wants few has them.
        let few = search(&files(&owner, ""), "1", "", "<D:limit><D:nresults>1</D:nresults></D:limit>");
        assert!(!world.at_office(&owner, "SEARCH", &files(&owner, ""), &few).await.text().contains("507"));
    }
    // Two documents can be read, for both texts.
    let world = World::limited(DavConfig { search_bytes_max: 24, ..DavConfig::default() }).await;
    let owner = world.person("hugo", "lead", "").await;
    for number in 0..3 {
        put(&world, &owner, &format!("{number}.txt"), "douane", "text/plain").await;
    }
    let texts = "<D:and><D:contains>dou</D:contains><D:contains>ane</D:contains></D:and>";
    let answer = world.at_office(&owner, "SEARCH", &files(&owner, ""), &search(&files(&owner, ""), "1", texts, "")).await.text();
    assert!(answer.contains("507") && answer.contains("1.txt") && !answer.contains("2.txt"), "{answer}");
}
