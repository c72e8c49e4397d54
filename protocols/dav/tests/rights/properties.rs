//! Properties of any name: kept as they were sent, all or nothing, with their resource wherever it goes, and under its rights.

use crate::world::{OFFICE, Person, World, files};
use octroi_gate::{Area, Identifier};
use octroi_model::{Path, Rights};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A PROPPATCH body of these instructions.
fn update(instructions: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z" xmlns:A="http://apple.com/ns/ical/" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:M="urn:schemas-microsoft-com:">{instructions}</D:propertyupdate>"#
    )
}

fn set(properties: &str) -> String {
    update(&format!("<D:set><D:prop>{properties}</D:prop></D:set>"))
}

fn ask(properties: &str) -> String {
    format!(
        r#"<D:propfind xmlns:D="DAV:" xmlns:Z="urn:z" xmlns:A="http://apple.com/ns/ical/" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:M="urn:schemas-microsoft-com:"><D:prop>{properties}</D:prop></D:propfind>"#
    )
}

async fn told(world: &World, who: &Person, path: &str, properties: &str) -> String {
    world.at_office(who, "PROPFIND", path, &ask(properties)).await.text()
}

async fn patched(world: &World, who: &Person, path: &str, body: &str) -> String {
    let answer = world.at_office(who, "PROPPATCH", path, body).await;
    assert_eq!(answer.status, 207, "{}", answer.text());
    answer.text()
}

async fn go(world: &World, who: &Person, method: &str, from: &str, to: &str) -> u16 {
    world.ask(who, OFFICE, method, &files(who, from), &[("destination", &files(who, to))], "").await.status
}

#[tokio::test]
async fn they_are_kept_as_they_were_sent() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let document = files(&owner, "a.txt");
    assert_eq!(world.at_office(&owner, "PUT", &document, "a").await.status, 201);
    let etag = world.at_office(&owner, "GET", &document, "").await.header("etag").to_owned();
    // RFC 4918 section 9.2.2's shape, with what is hard to keep.
    let value =
        r#"<Z:Authors xml:lang="fr"><Z:Author k="a&#10;b">Jim &amp; Jules <i xmlns="urn:y">mixed</i> &lt;x&gt;</Z:Author></Z:Authors>"#;
    let done = patched(&world, &owner, &document, &set(value)).await;
    assert!(done.contains("200 OK") && !done.contains("404"), "{done}");
    let kept = r#"<Z:Authors xmlns:Z="urn:z" xml:lang="fr"><Z:Author k="a&#10;b">Jim &amp; Jules <i xmlns="urn:y">mixed</i> &lt;x&gt;</Z:Author></Z:Authors>"#;
    assert!(told(&world, &owner, &document, "<Z:Authors/>").await.contains(kept));
    for everything in ["", r#"<propfind xmlns="DAV:"><allprop/></propfind>"#] {
        assert!(world.at_office(&owner, "PROPFIND", &document, everything).await.text().contains(kept), "with all");
    }
    let names = world.at_office(&owner, "PROPFIND", &document, r#"<propfind xmlns="DAV:"><propname/></propfind>"#).await.text();
    assert!(names.contains(r#"<x:Authors xmlns:x="urn:z"/>"#) && names.contains("<D:getetag/>"), "{names}");
    // The content is as it was.
    assert_eq!(world.at_office(&owner, "GET", &document, "").await.header("etag"), etag);
    let gone = patched(&world, &owner, &document, &update("<D:remove><D:prop><Z:Authors/><Z:never/></D:prop></D:remove>")).await;
    assert!(gone.contains("200 OK") && !gone.contains("404"), "removing what is not there is no error: {gone}");
    assert!(!told(&world, &owner, &document, "<Z:Authors/>").await.contains("200 OK"));
}

#[tokio::test]
async fn all_or_nothing() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    for path in [files(&owner, "a.txt"), files(&owner, "Folder/"), format!("/dav/calendars/{}/team/", owner.address)] {
        let made = match path.rsplit_once('.') {
            Some((_, "txt")) => world.at_office(&owner, "PUT", &path, "a").await,
            _ if path.contains("calendars") => world.at_office(&owner, "MKCALENDAR", &path, "").await,
            _ => world.at_office(&owner, "MKCOL", &path, "").await,
        };
        assert_eq!(made.status, 201, "{path}");
        let refused = patched(&world, &owner, &path, &set("<Z:a>1</Z:a><D:getetag>x</D:getetag><D:displayname>Name</D:displayname>")).await;
        assert!(refused.contains("<D:error><D:cannot-modify-protected-property/></D:error>"), "{refused}");
        assert!(refused.contains("403 Forbidden") && refused.contains("424 Failed Dependency") && !refused.contains("200 OK"), "{refused}");
        let after = told(&world, &owner, &path, "<Z:a/><D:displayname/>").await;
        assert!(!after.contains(">1</Z:a>") && !after.contains(">Name<"), "{after}");
        let done = patched(&world, &owner, &path, &set("<Z:a>1</Z:a><D:displayname>Name</D:displayname>")).await;
        assert!(done.contains("200 OK"), "{done}");
        let after = told(&world, &owner, &path, "<Z:a/><D:displayname/>").await;
        assert!(after.contains(">1</Z:a>") && after.contains(">Name</D:displayname>"), "{after}");
        // In order: set, then removed, then set again.
        let again = update(
            "<D:set><D:prop><Z:a>2</Z:a></D:prop></D:set><D:remove><D:prop><Z:a/></D:prop></D:remove><D:set><D:prop><Z:a>3</Z:a></D:prop></D:set>",
        );
        patched(&world, &owner, &path, &again).await;
        assert!(told(&world, &owner, &path, "<Z:a/>").await.contains(">3</Z:a>"));
        // RFC 8144 section 2.2.
        let minimal = world.ask(&owner, OFFICE, "PROPPATCH", &path, &[("prefer", "return=minimal")], &set("<Z:a>4</Z:a>")).await;
        assert!(minimal.status == 204 && minimal.header("preference-applied") == "return=minimal" && minimal.body.is_empty());
    }
}

#[tokio::test]
async fn they_go_where_their_resource_goes() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let has =
        async |path: &str, value: &str| told(&world, &owner, &files(&owner, path), "<Z:a/>").await.contains(&format!(">{value}</Z:a>"));
    assert_eq!(world.at_office(&owner, "MKCOL", &files(&owner, "F"), "").await.status, 201);
    for (document, value) in [("F/a.txt", "one"), ("F/b.txt", "two")] {
        assert_eq!(world.at_office(&owner, "PUT", &files(&owner, document), "x").await.status, 201);
        patched(&world, &owner, &files(&owner, document), &set(&format!("<Z:a>{value}</Z:a>"))).await;
    }
    patched(&world, &owner, &files(&owner, "F/"), &set("<Z:a>folder</Z:a>")).await;
    assert_eq!(go(&world, &owner, "COPY", "F/a.txt", "F/c.txt").await, 201);
    assert!(has("F/c.txt", "one").await && has("F/a.txt", "one").await);
    assert_eq!(go(&world, &owner, "COPY", "F/b.txt", "F/c.txt").await, 204);
    assert!(has("F/c.txt", "two").await, "what is overwritten has those of what came");
    assert_eq!(go(&world, &owner, "MOVE", "F/c.txt", "F/d.txt").await, 201);
    assert!(has("F/d.txt", "two").await);
    assert_eq!(go(&world, &owner, "COPY", "F/", "G/").await, 201);
    assert!(has("G/", "folder").await && has("G/a.txt", "one").await);
    assert_eq!(go(&world, &owner, "MOVE", "G/", "H/").await, 201);
    assert!(has("H/", "folder").await && has("H/b.txt", "two").await);
    // Another content keeps them, another resource has none.
    assert_eq!(world.at_office(&owner, "PUT", &files(&owner, "H/a.txt"), "y").await.status, 204);
    assert!(has("H/a.txt", "one").await);
    assert_eq!(world.at_office(&owner, "DELETE", &files(&owner, "H/a.txt"), "").await.status, 204);
    assert_eq!(world.at_office(&owner, "PUT", &files(&owner, "H/a.txt"), "z").await.status, 201);
    assert!(!has("H/a.txt", "one").await);
}

#[tokio::test]
async fn windows_and_rclone_set_times() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let document = files(&owner, "a.txt");
    assert_eq!(world.at_office(&owner, "PUT", &document, "a").await.status, 201);
    // What the Windows redirector sends after each PUT.
    let windows = "<M:Win32CreationTime>Tue, 01 Jan 2019 00:00:00 GMT</M:Win32CreationTime><M:Win32LastAccessTime>Tue, 01 Jan 2019 00:00:00 GMT</M:Win32LastAccessTime><M:Win32LastModifiedTime>Tue, 01 Jan 2019 00:00:00 GMT</M:Win32LastModifiedTime><M:Win32FileAttributes>00000020</M:Win32FileAttributes>";
    assert!(patched(&world, &owner, &document, &set(windows)).await.contains("200 OK"));
    let after = told(&world, &owner, &document, "<D:getlastmodified/><M:Win32FileAttributes/><M:Win32LastModifiedTime/>").await;
    assert!(after.contains("<D:getlastmodified>Tue, 01 Jan 2019 00:00:00 GMT</D:getlastmodified>") && !after.contains("404"), "{after}");
    assert_eq!(world.at_office(&owner, "PUT", &document, "b").await.status, 204);
    let after = told(&world, &owner, &document, "<D:getlastmodified/><M:Win32FileAttributes/><M:Win32LastModifiedTime/>").await;
    assert!(!after.contains("2019") && after.contains(">00000020<"), "what said something of the octets went with them: {after}");
    // rclone's way with ownCloud and its kin.
    assert!(patched(&world, &owner, &document, &set("<D:lastmodified>1577836800</D:lastmodified>")).await.contains("200 OK"));
    assert!(told(&world, &owner, &document, "<D:getlastmodified/>").await.contains("Wed, 01 Jan 2020 00:00:00 GMT"));
    let more = "<D:creationdate>2018-01-01T00:00:00Z</D:creationdate><D:getcontentlanguage>fr</D:getcontentlanguage><D:getcontenttype>text/x-a</D:getcontenttype>";
    assert!(patched(&world, &owner, &document, &set(more)).await.contains("200 OK"));
    let after = told(&world, &owner, &document, "<D:creationdate/><D:getcontentlanguage/><D:getcontenttype/>").await;
    assert!(after.contains(">2018-01-01T00:00:00Z<") && after.contains(">fr<") && after.contains(">text/x-a<") && !after.contains("404"));
    assert_eq!(world.at_office(&owner, "GET", &document, "").await.header("content-type"), "text/x-a");
}

/// RFC 9110 section 8.5: kept as the property that says the same, and given out again.
#[tokio::test]
async fn the_language_of_a_document_is_kept() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let document = files(&owner, "a.txt");
    let put = async |headers: &[(&str, &str)], body: &str| world.ask(&owner, OFFICE, "PUT", &document, headers, body).await.status;
    let language = async || {
        let got = world.at_office(&owner, "GET", &document, "").await;
        got.header("content-language").to_owned()
    };
    assert_eq!(put(&[("content-language", "fr, en-GB")], "a").await, 201);
    assert_eq!(language().await, "fr, en-GB");
    assert!(told(&world, &owner, &document, "<D:getcontentlanguage/>").await.contains(">fr, en-GB<"));
    assert_eq!(put(&[], "b").await, 204);
    assert_eq!(language().await, "fr, en-GB", "who says nothing of it does not change it");
    assert_eq!(put(&[("content-language", "de<x>")], "c").await, 204);
    assert_eq!(language().await, "fr, en-GB");
    assert!(patched(&world, &owner, &document, &set("<D:getcontentlanguage>br</D:getcontentlanguage>")).await.contains("200 OK"));
    assert_eq!(language().await, "br");
    assert!(
        patched(&world, &owner, &document, &update("<D:remove><D:prop><D:getcontentlanguage/></D:prop></D:remove>"))
            .await
            .contains("200 OK")
    );
    assert_eq!(language().await, "");
    assert_eq!(put(&[("content-language", "oc")], "d").await, 204);
    assert_eq!(language().await, "oc");
}

/// ownCloud's clients know a document again by it.
#[tokio::test]
async fn an_id_stays_while_a_document_changes_and_its_folder_moves() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    for folder in ["F/", "G/"] {
        assert_eq!(world.at_office(&owner, "MKCOL", &files(&owner, folder), "").await.status, 201);
    }
    for path in ["F/a.txt", "F/b.txt"] {
        assert_eq!(world.at_office(&owner, "PUT", &files(&owner, path), "a").await.status, 201);
    }
    let id = async |path: &str| {
        let asked = r#"<D:propfind xmlns:D="DAV:" xmlns:o="http://owncloud.org/ns"><D:prop><o:id/></D:prop></D:propfind>"#;
        let text = world.ask(&owner, OFFICE, "PROPFIND", &files(&owner, path), &[("depth", "0")], asked).await.text();
        text.split("<OC:id>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let (document, folder) = (id("F/a.txt").await, id("F/").await);
    assert!(document != id("F/b.txt").await && folder != id("G/").await && document != folder);
    assert_eq!(world.at_office(&owner, "PUT", &files(&owner, "F/a.txt"), "b").await.status, 204);
    assert_eq!(go(&world, &owner, "MOVE", "F/", "H/").await, 201);
    assert_eq!((id("H/a.txt").await, id("H/").await), (document, folder));
}

/// What is kept beside a document takes room of whose it is.
#[tokio::test]
async fn they_count_in_the_quota() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let limit = octroi_model::QuotaLimit { bytes: 9000, items: None };
    world.admin.set_quota(&owner.address.parse().unwrap(), None, Some(limit)).await.unwrap();
    let document = files(&owner, "a.txt");
    assert_eq!(world.at_office(&owner, "PUT", &document, "a").await.status, 201);
    let large = |name: &str| set(&format!("<Z:{name}>{}</Z:{name}>", "x".repeat(4000)));
    for name in ["a", "b"] {
        assert!(patched(&world, &owner, &document, &large(name)).await.contains("200 OK"));
    }
    let refused = world.at_office(&owner, "PROPPATCH", &document, &large("c")).await;
    assert!(refused.text().contains("507") || refused.status == 507, "{} {}", refused.status, refused.text());
    assert!(told(&world, &owner, &document, "<Z:c/>").await.contains("404"));
    let remove = update("<D:remove><D:prop><Z:a/></D:prop></D:remove>");
    assert!(patched(&world, &owner, &document, &remove).await.contains("200 OK"));
    assert!(patched(&world, &owner, &document, &large("c")).await.contains("200 OK"));
    assert_eq!(world.at_office(&owner, "PUT", &files(&owner, "b.txt"), &"x".repeat(2000)).await.status, 507);
}

#[tokio::test]
async fn they_are_limited() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    assert_eq!(world.at_office(&owner, "PUT", &files(&owner, "a.txt"), "a").await.status, 201);
    assert_eq!(world.at_office(&owner, "MKCOL", &files(&owner, "F/"), "").await.status, 201);
    for path in [files(&owner, "a.txt"), files(&owner, "F/")] {
        let full = |answer: String| assert!(answer.contains("507 Insufficient Storage") && !answer.contains("200 OK"), "{answer}");
        full(patched(&world, &owner, &path, &set(&format!("<Z:a>{}</Z:a>", "x".repeat(8 * 1024)))).await);
        let many = (0..65).fold(String::new(), |mut all, n| {
            write!(all, "<Z:n{n}>x</Z:n{n}>").unwrap();
            all
        });
        full(patched(&world, &owner, &path, &set(&many)).await);
        let large = |name: &str| format!("<Z:{name}>{}</Z:{name}>", "x".repeat(7 * 1024));
        assert!(patched(&world, &owner, &path, &set(&large("a"))).await.contains("200 OK"));
        assert!(patched(&world, &owner, &path, &set(&large("b"))).await.contains("200 OK"));
        full(patched(&world, &owner, &path, &set(&large("c"))).await);
        // Who makes room has it.
        let swap = update(&format!("<D:remove><D:prop><Z:a/></D:prop></D:remove><D:set><D:prop>{}</D:prop></D:set>", large("c")));
        assert!(patched(&world, &owner, &path, &swap).await.contains("200 OK"));
    }
}

#[tokio::test]
async fn sharees_have_their_own_view_and_need_the_right_for_the_rest() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    let reader = world.person("claire", "lead", "").await;
    let writer = world.person("marc", "lead", "").await;
    let calendar = format!("/dav/calendars/{}/team/", owner.address);
    let making = r#"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop><D:displayname>Work</D:displayname><A:calendar-color symbolic-color="red">#FF0000</A:calendar-color></D:prop></D:set></C:mkcalendar>"#;
    assert_eq!(world.at_office(&owner, "MKCALENDAR", &calendar, making).await.status, 201);
    let red = r#"<A:calendar-color xmlns:A="http://apple.com/ns/ical/" symbolic-color="red">#FF0000</A:calendar-color>"#;
    assert!(told(&world, &owner, &calendar, "<A:calendar-color/>").await.contains(red), "attributes stay");
    let acl = [
        (Identifier::parse(&reader.address).unwrap(), Rights::parse("lr").unwrap()),
        (Identifier::parse(&writer.address).unwrap(), Rights::parse("lrwi").unwrap()),
    ];
    let path = Path::parse("team", '/').unwrap();
    world.admin.share(&owner.address.parse().unwrap(), Area::Calendars, &path, &acl).await.unwrap();
    let shared = |who: &Person| format!("/dav/calendars/{}/team~{}/", who.address, owner.address);
    let mine = r#"<A:calendar-color symbolic-color="blue">#0000FF</A:calendar-color><D:displayname>Hugo's</D:displayname><A:calendar-order>3</A:calendar-order><C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"#;
    for who in [&reader, &writer] {
        let path = shared(who);
        assert!(told(&world, who, &path, "<A:calendar-color/><D:displayname/>").await.contains("#FF0000"));
        assert!(patched(&world, who, &path, &set(mine)).await.contains("200 OK"));
        let seen = told(&world, who, &path, "<A:calendar-color/><D:displayname/><C:schedule-calendar-transp/>").await;
        assert!(
            seen.contains("#0000FF") && seen.contains("Hugo&apos;s") | seen.contains("Hugo's") && seen.contains("transparent"),
            "{seen}"
        );
    }
    let theirs = told(&world, &owner, &calendar, "<A:calendar-color/><D:displayname/><A:calendar-order/>").await;
    assert!(theirs.contains(red) && theirs.contains(">Work<") && theirs.contains("404"), "the owner's is untouched: {theirs}");
    // What is everybody's takes the right to write.
    let described = set("<C:calendar-description>x</C:calendar-description><A:calendar-color>#00FF00</A:calendar-color>");
    let refused = world.at_office(&reader, "PROPPATCH", &shared(&reader), &described).await;
    assert!(refused.status == 403 && refused.text().contains("need-privileges"), "{}", refused.text());
    assert!(told(&world, &reader, &shared(&reader), "<A:calendar-color/>").await.contains("#0000FF"));
    assert!(patched(&world, &writer, &shared(&writer), &described).await.contains("200 OK"));
    assert!(told(&world, &writer, &shared(&writer), "<A:calendar-color/>").await.contains("#00FF00"));
    let theirs = told(&world, &owner, &calendar, "<C:calendar-description/><A:calendar-color/>").await;
    assert!(theirs.contains(">x</C:calendar-description>") && theirs.contains(red), "{theirs}");
    // Taken back, the owner's shows again.
    let back = update("<D:remove><D:prop><A:calendar-color/><D:displayname/></D:prop></D:remove>");
    assert!(patched(&world, &reader, &shared(&reader), &back).await.contains("200 OK"));
    assert!(told(&world, &reader, &shared(&reader), "<A:calendar-color/><D:displayname/>").await.contains("#FF0000"));
}

#[tokio::test]
async fn a_change_is_told_by_a_sync_and_locks_nobody_out() {
    let world = World::new().await;
    let owner = world.person("hugo", "lead", "").await;
    assert_eq!(world.at_office(&owner, "PUT", &files(&owner, "a.txt"), "a").await.status, 201);
    let sync = async |token: &str| {
        let body = format!(
            r#"<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"#
        );
        world.at_office(&owner, "REPORT", &files(&owner, ""), &body).await.text()
    };
    let token = |text: &str| text.split_once("<D:sync-token>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let first = token(&sync("").await);
    assert!(!sync(&first).await.contains("a.txt"));
    patched(&world, &owner, &files(&owner, "a.txt"), &set("<Z:a>1</Z:a>")).await;
    let second = sync(&first).await;
    assert!(second.contains("a.txt"), "{second}");
    // The same again changes nothing.
    patched(&world, &owner, &files(&owner, "a.txt"), &set("<Z:a>1</Z:a>")).await;
    assert!(!sync(&token(&second)).await.contains("a.txt"));
    let etag = world.at_office(&owner, "GET", &files(&owner, "a.txt"), "").await.header("etag").to_owned();
    let put = world.ask(&owner, OFFICE, "PUT", &files(&owner, "a.txt"), &[("if-match", &etag)], "b").await;
    assert_eq!(put.status, 204, "whoever saw the content may replace it");
}

/// One instruction: which property, and its new value or that it goes.
type Step = (u8, Option<String>);

/// Bodies of random instructions against a map.
#[test]
fn random_updates_do_what_a_map_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (world, owner) = runtime.block_on(async {
        let world = World::new().await;
        let owner = world.person("hugo", "lead", "").await;
        assert_eq!(world.at_office(&owner, "PUT", &files(&owner, "a.txt"), "a").await.status, 201);
        assert_eq!(world.at_office(&owner, "MKCOL", &files(&owner, "F/"), "").await.status, 201);
        (world, owner)
    });
    let step = (0..5_u8, proptest::option::of("[ -9;-~é]{0,12}"));
    let bodies = proptest::collection::vec((proptest::collection::vec(step, 1..5), any::<bool>()), 1..5);
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let run = |bodies: Vec<(Vec<Step>, bool)>, path: &str| {
        runtime.block_on(async {
            let all = (0..5).map(|n| format!("<Z:p{n}/>")).collect::<String>();
            patched(&world, &owner, path, &update(&format!("<D:remove><D:prop>{all}</D:prop></D:remove>"))).await;
            let mut model: BTreeMap<u8, String> = BTreeMap::new();
            for (steps, fails) in bodies {
                let mut body = String::new();
                let mut after = model.clone();
                for (which, value) in &steps {
                    let (act, text) = value.as_ref().map_or(("remove", String::new()), |value| ("set", escape(value)));
                    write!(body, "<D:{act}><D:prop><Z:p{which}>{text}</Z:p{which}></D:prop></D:{act}>").unwrap();
                    match value {
                        Some(value) => drop(after.insert(*which, value.clone())),
                        None => drop(after.remove(which)),
                    }
                }
                if fails {
                    body.push_str("<D:remove><D:prop><D:resourcetype/></D:prop></D:remove>");
                } else {
                    model = after;
                }
                let answer = patched(&world, &owner, path, &update(&body)).await;
                assert_eq!(answer.contains("200 OK"), !fails, "{answer}");
                let told = told(&world, &owner, path, &all).await;
                for which in 0..5 {
                    let expected = model.get(&which).map(|value| {
                        let inside = escape(value).replace('"', "&quot;");
                        if inside.is_empty() {
                            format!(r#"<Z:p{which} xmlns:Z="urn:z"/>"#)
                        } else {
                            format!(r#"<Z:p{which} xmlns:Z="urn:z">{inside}</Z:p{which}>"#)
                        }
                    });
                    let missing = format!(r#"<x:p{which} xmlns:x="urn:z"/>"#);
                    assert!(told.contains(expected.as_ref().unwrap_or(&missing)), "{expected:?} in {told}");
                }
            }
        });
    };
    proptest!(ProptestConfig::with_cases(40), |(bodies in bodies, folder in any::<bool>())| {
        run(bodies, &files(&owner, if folder { "F/" } else { "a.txt" }));
    });
}
