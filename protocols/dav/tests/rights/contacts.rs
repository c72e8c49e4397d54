//! `addressbook-query` before a real store: which cards, what of them, how many.

use crate::world::{OFFICE, Person, World};
use octroi_dav::DavConfig;

async fn book(world: &World, person: &Person, name: &str) -> String {
    let book = format!("/dav/contacts/{}/{name}/", person.address);
    let body = r#"<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop><D:resourcetype><D:collection/><C:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>"#;
    assert_eq!(world.at_office(person, "MKCOL", &book, body).await.status, 201);
    book
}

async fn cards(world: &World, person: &Person, book: &str, names: &[&str]) {
    for name in names {
        let card =
            format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\nFN:{name} Müller\r\nEMAIL;TYPE=work:{name}@a.example\r\nEND:VCARD\r\n");
        let put = world.at_office(person, "PUT", &format!("{book}{name}.vcf"), &card).await;
        assert_eq!(put.status, 201, "{}", put.text());
    }
}

fn query(prop: &str, filter: &str) -> String {
    format!(
        r#"<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop>{prop}</D:prop>{filter}</C:addressbook-query>"#
    )
}

const NAMED_ANA: &str =
    r#"<C:filter><C:prop-filter name="FN"><C:text-match match-type="starts-with">ANA</C:text-match></C:prop-filter></C:filter>"#;

#[tokio::test]
async fn a_query_finds_cards_and_tells_what_is_asked_of_them() {
    let world = World::limited(DavConfig { query_results_max: 3, ..DavConfig::default() }).await;
    let hugo = world.person("hugo", "lead", "").await;
    let book = book(&world, &hugo, "book").await;
    cards(&world, &hugo, &book, &["ana", "anabel", "bob", "zoe"]).await;
    let ask = async |path: &str, depth: &str, body: &str| world.ask(&hugo, OFFICE, "REPORT", path, &[("depth", depth)], body).await;

    let data = r#"<D:getetag/><C:address-data><C:prop name="EMAIL"/></C:address-data>"#;
    let found = ask(&book, "1", &query(data, NAMED_ANA)).await;
    assert_eq!(found.status, 207, "{}", found.text());
    let text = found.text();
    assert!(text.contains("/ana.vcf") && text.contains("/anabel.vcf") && !text.contains("bob"), "{text}");
    assert!(text.contains("BEGIN:VCARD&#13;\nVERSION:3.0&#13;\nEMAIL;TYPE=work:ana@a.example&#13;\nEND:VCARD"), "{text}");

    // Not deeper than is asked; a card by itself; the home only with all depths.
    assert!(!ask(&book, "0", &query("<D:getetag/>", NAMED_ANA)).await.text().contains("D:response"));
    let one = ask(&format!("{book}ana.vcf"), "0", &query("<D:getetag/>", NAMED_ANA)).await.text();
    assert_eq!(one.matches("<D:response>").count(), 1, "{one}");
    let home = format!("/dav/contacts/{}/", hugo.address);
    assert_eq!(ask(&home, "infinity", &query("", NAMED_ANA)).await.text().matches("<D:response>").count(), 2);
    assert_eq!(ask(&home, "1", &query("", NAMED_ANA)).await.text().matches("<D:response>").count(), 0);

    // As many as are wanted, or may be told.
    let two = r"<C:filter/><C:limit><C:nresults>2</C:nresults></C:limit>";
    for (limits, told) in [(two, 2), ("<C:filter/>", 3)] {
        let cut = ask(&book, "1", &query("<D:getetag/>", limits)).await.text();
        assert_eq!(cut.matches("<D:propstat>").count(), told, "{cut}");
        assert!(cut.contains(&format!("<D:href>{book}</D:href><D:status>HTTP/1.1 507")) && cut.contains("number-of-matches-within-limits"));
    }
    let set = world.ask(&hugo, OFFICE, "PROPFIND", &book, &[("depth", "0")], r#"<D:propfind xmlns:D="DAV:"><D:prop><c:supported-collation-set xmlns:c="urn:ietf:params:xml:ns:carddav"/><D:supported-report-set/></D:prop></D:propfind>"#).await.text();
    assert!(set.contains("<CARD:supported-collation>i;unicode-casemap<") && set.contains("CARD:addressbook-query"), "{set}");
}

#[tokio::test]
async fn a_query_that_cannot_be_is_refused_by_its_precondition() {
    let world = World::new().await;
    let hugo = world.person("hugo", "lead", "").await;
    let book = book(&world, &hugo, "book").await;
    for (body, rule) in [
        (query("", "<C:filter><C:comp-filter name='x'/></C:filter>"), "CARD:supported-filter"),
        (
            query("", "<C:filter><C:prop-filter name='FN'><C:text-match collation='i;x'>a</C:text-match></C:prop-filter></C:filter>"),
            "CARD:supported-collation",
        ),
        (query("<C:address-data version='2.1'/>", "<C:filter/>"), "CARD:supported-address-data"),
    ] {
        let refused = world.at_office(&hugo, "REPORT", &book, &body).await;
        assert!(refused.status == 403 && refused.text().contains(rule), "{}", refused.text());
    }
    assert_eq!(world.at_office(&hugo, "REPORT", &book, &query("", "")).await.status, 400);
    let files = world.at_office(&hugo, "REPORT", &crate::world::files(&hugo, ""), &query("", "<C:filter/>")).await;
    assert!(files.status == 403 && files.text().contains("supported-report"), "{}", files.text());
}

#[tokio::test]
async fn multiget_answers_each_href_in_its_order() {
    let world = World::new().await;
    let hugo = world.person("hugo", "lead", "").await;
    let (one, other) = (book(&world, &hugo, "one").await, book(&world, &hugo, "two").await);
    cards(&world, &hugo, &one, &["a", "b"]).await;
    cards(&world, &hugo, &other, &["c"]).await;
    let hrefs =
        [format!("{one}b.vcf"), format!("{one}none.vcf"), format!("{other}c.vcf"), "/dav/files/x/".to_owned(), format!("{one}a.vcf")];
    let listed: String = hrefs.iter().map(|href| format!("<D:href>{href}</D:href>")).collect();
    let body = format!(
        r#"<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/><C:address-data/></D:prop>{listed}</C:addressbook-multiget>"#
    );
    let home = format!("/dav/contacts/{}/", hugo.address);
    let told = world.at_office(&hugo, "REPORT", &home, &body).await.text();
    let places: Vec<Option<usize>> = hrefs.iter().map(|href| told.find(&format!("<D:href>{href}</D:href>"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{told}");
    assert_eq!((told.matches("FN:").count(), told.matches("404 Not Found").count()), (3, 2), "{told}");
    // What lies outside of what is asked is not there.
    let inside = world.at_office(&hugo, "REPORT", &one, &body).await.text();
    assert_eq!(inside.matches("FN:").count(), 2, "{inside}");
}
