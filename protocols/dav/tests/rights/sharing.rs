//! RFC 3744: ACLs, privileges and principals, and that nobody learns what they must not know.

use crate::world::{Person, World, files, propfind};
use octroi_gate::Identifier;

pub(crate) fn acl(aces: &[(&str, &str)]) -> String {
    let ace = |(who, privileges): &(&str, &str)| {
        let principal = if who.starts_with('/') { format!("<D:href>{who}</D:href>") } else { (*who).to_owned() };
        let privileges: String = privileges.split_whitespace().map(|p| format!("<D:privilege><{p}/></D:privilege>")).collect();
        format!("<D:ace><D:principal>{principal}</D:principal><D:grant>{privileges}</D:grant></D:ace>")
    };
    let aces: String = aces.iter().map(ace).collect();
    format!(r#"<D:acl xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:P="urn:octroi:privilege">{aces}</D:acl>"#)
}

pub(crate) fn principal(person: &Person) -> String {
    format!("/dav/principals/{}/", person.address)
}

fn search(text: &str) -> String {
    format!(
        r#"<D:principal-property-search xmlns:D="DAV:"><D:property-search><D:prop><D:displayname/></D:prop><D:match>{text}</D:match></D:property-search><D:prop><D:displayname/><C:calendar-user-address-set xmlns:C="urn:ietf:params:xml:ns:caldav"/></D:prop><D:apply-to-principal-collection-set/></D:principal-property-search>"#
    )
}

/// A lead with a shared folder that holds a document, and two agents.
pub(crate) async fn cast() -> (World, Person, Person, Person) {
    let world = World::new().await;
    let lead = world.person("hugo", "lead", "Hugo Bernard").await;
    let lea = world.person("lea", "agent", "Léa Martin").await;
    let paul = world.person("paul", "agent", "Paul Durand").await;
    assert_eq!(world.at_office(&lead, "MKCOL", &files(&lead, "Dossier/"), "").await.status, 201);
    assert_eq!(world.at_office(&lead, "MKCOL", &files(&lead, "Dossier/Notes/"), "").await.status, 201);
    assert_eq!(world.at_office(&lead, "PUT", &files(&lead, "Dossier/a.txt"), "a").await.status, 201);
    (world, lead, lea, paul)
}

#[tokio::test]
async fn a_share_opens_what_it_grants_and_its_end_closes_it() {
    let (world, lead, lea, paul) = cast().await;
    let (folder, theirs) = (files(&lead, "Dossier/"), files(&lea, &format!("Shared/{}/Dossier/", lead.address)));
    let nothing = files(&lea, &format!("Shared/{}/Nothing/", lead.address));
    // What is not shared is what is not there, whatever is asked of it.
    for method in ["PROPFIND", "GET", "OPTIONS", "ACL", "PROPPATCH", "REPORT", "DELETE", "MKCOL", "LOCK"] {
        let body = if method == "ACL" { acl(&[]) } else { String::new() };
        let (hidden, none) = (world.at_office(&lea, method, &theirs, &body).await, world.at_office(&lea, method, &nothing, &body).await);
        assert_eq!((hidden.status, hidden.text()), (none.status, none.text()), "{method}");
        assert!(hidden.status >= 400, "{method}");
    }
    let shared =
        world.at_office(&lead, "ACL", &folder, &acl(&[(&principal(&lea), "D:read D:bind"), ("<D:authenticated/>", "D:read")])).await;
    assert_eq!(shared.status, 403, "the profile shares with nobody at once: {}", shared.text());
    assert!(shared.text().contains("allowed-principal"));
    let shared = world.at_office(&lead, "ACL", &folder, &acl(&[(&principal(&lea), "D:read D:bind")])).await;
    assert_eq!(shared.status, 200, "{}", shared.text());
    let held = world.at_office(&lea, "PROPFIND", &theirs, &propfind("<D:current-user-privilege-set/><D:owner/><D:acl/>")).await.text();
    for privilege in ["<D:read/>", "<D:bind/>", &format!("<D:href>{}</D:href>", principal(&lead))] {
        assert!(held.contains(privilege), "{privilege}: {held}");
    }
    for absent in ["<D:write/>", "<D:unbind/>", "<D:write-acl/>", "<D:ace>", &paul.address] {
        assert!(!held.contains(absent), "{absent}: {held}");
    }
    assert_eq!(world.at_office(&lea, "PUT", &format!("{theirs}b.txt"), "b").await.status, 201);
    assert_eq!(world.at_office(&lea, "PUT", &format!("{theirs}a.txt"), "over").await.status, 403);
    assert_eq!(world.at_office(&lea, "DELETE", &format!("{theirs}a.txt"), "").await.status, 403);
    let refused = world.at_office(&lea, "ACL", &theirs, &acl(&[(&principal(&paul), "D:read")])).await;
    assert!(refused.status == 403 && refused.text().contains("<D:write-acl/>"), "{} {}", refused.status, refused.text());
    assert!(!world.at_office(&lea, "OPTIONS", &theirs, "").await.header("allow").contains("ACL"));
    assert_eq!(world.at_office(&lead, "ACL", &folder, &acl(&[])).await.status, 200);
    assert_eq!(world.at_office(&lea, "PROPFIND", &theirs, "").await.status, 404);
}

#[tokio::test]
async fn an_acl_is_read_and_written_back_unchanged() {
    let (world, lead, lea, _) = cast().await;
    world.admin.add_group("quai").await.unwrap();
    let letters = |text: &str| octroi_model::Rights::parse(text).unwrap();
    let odd = [
        (Identifier::parse(&lea.address).unwrap(), letters("lriw0s")),
        (Identifier::parse("group:quai").unwrap(), letters("lrikx1")),
        (Identifier::parse("profile:agent").unwrap(), letters("1")),
    ];
    let path = octroi_model::Path::parse("Dossier", '/').unwrap();
    world.admin.share(&lead.address.parse().unwrap(), octroi_gate::Area::Files, &path, &odd).await.unwrap();
    let folder = files(&lead, "Dossier/");
    let wanted = propfind("<D:acl/><D:inherited-acl-set/><D:acl-restrictions/><D:supported-privilege-set/><D:group/>");
    let told = world.at_office(&lead, "PROPFIND", &folder, &wanted).await.text();
    let aces: Vec<&str> = told.split("<D:ace>").skip(1).map(|ace| ace.split("</D:ace>").next().unwrap()).collect();
    assert!(aces.len() == 4 && aces[0].contains("<D:protected/>") && aces[0].contains(&principal(&lead)), "{told}");
    let theirs: String = aces[1..].iter().map(|ace| format!("<D:ace>{ace}</D:ace>")).collect();
    let body = acl(&[]).replace("</D:acl>", &format!("{theirs}</D:acl>"));
    let written = world.at_office(&lead, "ACL", &folder, &body).await;
    assert_eq!(written.status, 200, "{} for {body}", written.text());
    assert_eq!(world.at_office(&lead, "PROPFIND", &folder, &wanted).await.text(), told);
    for part in ["<D:grant-only/>", "<D:no-invert/>", "<D:abstract/>", "<P:move-away/>", "<D:inherited-acl-set></D:inherited-acl-set>"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // What lies in it has its ACL, and says from where.
    for inside in ["Dossier/Notes/", "Dossier/a.txt"] {
        let told = world.at_office(&lead, "PROPFIND", &files(&lead, inside), &wanted).await.text();
        assert!(told.contains(&format!("<D:inherited><D:href>{folder}</D:href></D:inherited>")), "{inside}: {told}");
        assert!(told.contains(&format!("<D:inherited-acl-set><D:href>{folder}</D:href></D:inherited-acl-set>")), "{inside}: {told}");
    }
    assert_eq!(world.at_office(&lead, "ACL", &files(&lead, "Dossier/a.txt"), &acl(&[])).await.status, 405);
}

#[tokio::test]
async fn a_calendar_can_be_shared_for_busy_times_alone() {
    let (world, lead, lea, _) = cast().await;
    let calendar = format!("/dav/calendars/{}/team/", lead.address);
    assert_eq!(world.at_office(&lead, "MKCALENDAR", &calendar, "").await.status, 201);
    let shared = world.at_office(&lead, "ACL", &calendar, &acl(&[(&principal(&lea), "C:read-free-busy")])).await;
    assert_eq!(shared.status, 200, "{}", shared.text());
    let told = world.at_office(&lead, "PROPFIND", &calendar, &propfind("<D:acl/>")).await.text();
    assert!(told.contains("<D:grant><D:privilege><C:read-free-busy/></D:privilege></D:grant>"), "{told}");
    let theirs = format!("/dav/calendars/{}/team~{}/", lea.address, lead.address);
    assert_eq!(world.at_office(&lea, "PROPFIND", &theirs, "").await.status, 404);
}

#[tokio::test]
async fn nobody_grants_more_than_they_have() {
    let (world, lead, lea, paul) = cast().await;
    let folder = files(&lead, "Dossier/");
    assert_eq!(world.at_office(&lead, "ACL", &folder, &acl(&[(&principal(&lea), "D:read P:send-as")])).await.status, 200);
    // Not even who may share: the other lead has everything but the removal.
    let second = world.person("claire", "lead", "Claire Petit").await;
    let some = "D:read D:write-content D:bind D:write-acl";
    assert_eq!(world.at_office(&lead, "ACL", &folder, &acl(&[(&principal(&second), some)])).await.status, 200);
    let theirs = files(&second, &format!("Shared/{}/Dossier/", lead.address));
    let keep = (principal(&second), some);
    let more = world.at_office(&second, "ACL", &theirs, &acl(&[(&keep.0, keep.1), (&principal(&paul), "D:read D:unbind")])).await;
    assert!(more.status == 403 && more.text().contains("<D:unbind/>"), "{} {}", more.status, more.text());
    let as_much = world.at_office(&second, "ACL", &theirs, &acl(&[(&keep.0, keep.1), (&principal(&paul), "D:read")])).await;
    assert_eq!(as_much.status, 200, "{}", as_much.text());
}

#[tokio::test]
async fn others_are_named_only_to_who_may_share_with_them() {
    let (world, lead, lea, paul) = cast().await;
    world.admin.add_group("quai").await.unwrap();
    world.admin.add_group("direction").await.unwrap();
    world.admin.set_member("direction", &lea.address.parse().unwrap(), true).await.unwrap();
    let ask = async |who: &Person, body: &str| world.at_office(who, "REPORT", "/dav/principals/", body).await;
    let found = ask(&lead, &search("DURAND")).await;
    assert_eq!(found.status, 207);
    assert!(found.text().contains(&format!("mailto:{}", paul.address)) && !found.text().contains(&lea.address), "{}", found.text());
    assert!(ask(&lead, &search("quai")).await.text().contains("/dav/principals/group/quai/"));
    assert!(!ask(&lead, &search("direction")).await.text().contains("<D:response>"), "a group that it may not share with");
    // An agent shares with nobody, and finds nobody.
    for text in ["durand", "nobody", "quai"] {
        let found = ask(&lea, &search(text)).await;
        assert!(found.status == 207 && !found.text().contains("<D:response>"), "{text}: {}", found.text());
    }
    let nobody = "/dav/principals/nobody@octroi.example/".to_owned();
    for path in [principal(&paul), "/dav/principals/group/quai/".to_owned(), "/dav/principals/profile/lead/".to_owned()] {
        for method in ["PROPFIND", "OPTIONS", "GET", "REPORT", "PUT", "DELETE"] {
            let (hidden, none) = (world.at_office(&lea, method, &path, "").await, world.at_office(&lea, method, &nobody, "").await);
            assert_eq!((hidden.status, hidden.text()), (none.status, none.text()), "{method} {path}");
            assert_eq!(hidden.status, 404, "{method} {path}");
        }
    }
    // Nor by trying to share: whoever is named, there or not, gets the same refusal.
    assert_eq!(world.at_office(&lea, "MKCOL", &files(&lea, "Mine/"), "").await.status, 201);
    let try_with = async |who: &str| world.at_office(&lea, "ACL", &files(&lea, "Mine/"), &acl(&[(who, "D:read")])).await;
    let (there, none) = (try_with(&principal(&paul)).await, try_with(&nobody).await);
    assert_eq!((there.status, there.text()), (none.status, none.text()));
    assert!(try_with(&nobody).await.text().contains("allowed-principal"));
    let unknown = world.at_office(&lead, "ACL", &files(&lead, "Dossier/"), &acl(&[(&nobody, "D:read")])).await;
    assert!(unknown.text().contains("recognized-principal"), "{}", unknown.text());

    let seen =
        world.at_office(&lead, "PROPFIND", &principal(&paul), &propfind("<D:displayname/><D:principal-URL/><C:calendar-home-set/>")).await;
    assert!(seen.status == 207 && seen.text().contains("Paul Durand"), "{}", seen.text());
    assert!(!seen.text().contains("/dav/calendars/"), "{}", seen.text());
    let own = r#"<D:principal-match xmlns:D="DAV:"><D:self/><D:prop><D:displayname/></D:prop></D:principal-match>"#;
    let own = ask(&lea, own).await.text();
    assert!(own.contains(&principal(&lea)) && own.contains("/dav/principals/group/direction/") && !own.contains("quai"), "{own}");
    let member = world.at_office(&lea, "PROPFIND", &principal(&lea), &propfind("<D:group-membership/><D:alternate-URI-set/>")).await.text();
    assert!(member.contains("/dav/principals/group/direction/") && member.contains(&format!("mailto:{}", lea.address)), "{member}");
}

#[tokio::test]
async fn who_stands_in_an_acl_is_told_to_its_editor() {
    let (world, lead, lea, _) = cast().await;
    let folder = files(&lead, "Dossier/");
    assert_eq!(world.at_office(&lead, "ACL", &folder, &acl(&[(&principal(&lea), "D:read")])).await.status, 200);
    let report = r#"<D:acl-principal-prop-set xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:acl-principal-prop-set>"#;
    let told = world.at_office(&lead, "REPORT", &folder, report).await.text();
    assert!(told.contains("Hugo Bernard") && told.contains("Léa Martin"), "{told}");
    let theirs = files(&lea, &format!("Shared/{}/Dossier/", lead.address));
    assert_eq!(world.at_office(&lea, "REPORT", &theirs, report).await.status, 403);
    let options = world.at_office(&lead, "OPTIONS", &folder, "").await;
    assert!(options.header("dav").split(", ").any(|class| class == "access-control"));
    assert!(options.header("allow").split(", ").any(|method| method == "ACL"));
}
