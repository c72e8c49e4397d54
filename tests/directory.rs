//! The organisation's directory over CardDAV, and finding whom to invite, by what each profile is shown.

use crate::admin::octroi;
use crate::support::http::{Http, Response};
use crate::support::server::DOMAIN;
use crate::support::{Person, eventually, shared, unique};

fn book(person: &Person) -> String {
    format!("/dav/contacts/{}/~directory/", person.address)
}

fn report(http: &Http, at: &str, body: &str) -> Response {
    let spaces = r#"xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/" xmlns:CAL="urn:ietf:params:xml:ns:caldav""#;
    let (root, rest) = body.split_once('>').unwrap();
    http.request("REPORT", at, &[("Depth", "1"), ("Content-Type", "application/xml")], format!("{root} {spaces}>{rest}").as_bytes())
}

fn propfind(http: &Http, at: &str, depth: &str, props: &str) -> String {
    let body = format!(
        r#"<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"><prop>{props}</prop></propfind>"#
    );
    http.request("PROPFIND", at, &[("Depth", depth)], body.as_bytes()).text()
}

/// What stands between two texts, wherever it does.
fn all<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn colleagues_are_an_address_book_that_nobody_writes() {
    let server = shared();
    let (agent, lead) = (server.with_profile("agent"), server.with_profile("team-lead"));
    let http = Http::new(server, agent);
    let at = book(agent);
    // It is kept up in the background.
    let card = eventually("the lead's card", || {
        let found = report(&http, &at, "<C:addressbook-query><prop><getetag/><C:address-data/></prop><C:filter/></C:addressbook-query>");
        let text = found.text();
        text.split("<D:response>").find(|one| one.contains(&format!(":{}", lead.address))).map(str::to_owned)
    });
    assert!(card.contains("VERSION:3.0") && card.contains("UID:urn:uuid:") && card.contains("ORG:Direction des douanes"), "{card}");
    let (href, etag) = (all(&card, "<D:href>", "<")[0], all(&card, "<D:getetag>", "<")[0].replace("&quot;", "\""));
    let got = http.request("GET", href, &[], b"");
    assert_eq!((got.status, got.header("etag").unwrap()), (200, etag.as_str()));
    assert!(got.header("content-type").unwrap().starts_with("text/vcard"));
    assert_eq!(http.request("GET", href, &[("If-None-Match", &etag)], b"").status, 304);

    let home = propfind(
        &http,
        &format!("/dav/contacts/{}/", agent.address),
        "1",
        "<resourcetype/><displayname/><current-user-privilege-set/><CS:getctag/><sync-token/>",
    );
    let listed = home.split("<D:response>").find(|one| one.contains("/~directory/")).unwrap();
    assert!(
        listed.contains("<CARD:addressbook/>") && listed.contains("Direction des douanes") && listed.contains("<CS:getctag>"),
        "{listed}"
    );
    assert!(listed.contains("<D:read/>") && !listed.contains("<D:write") && !listed.contains("<D:bind/>"), "{listed}");
    let principal = propfind(&http, &format!("/dav/principals/{}/", agent.address), "0", "<C:directory-gateway/>");
    assert!(principal.contains(&at), "{principal}");

    for (method, target) in [("PUT", format!("{at}x.vcf")), ("PUT", href.to_owned()), ("DELETE", href.to_owned()), ("DELETE", at.clone())] {
        let refused = http.request(method, &target, &[("Content-Type", "text/vcard")], &got.body);
        assert!(refused.status == 403 && refused.text().contains("need-privileges"), "{method} {target}: {}", refused.status);
    }
    let asked = format!(
        "<C:addressbook-multiget><prop><C:address-data/></prop><href>{href}</href><href>{at}none.vcf</href></C:addressbook-multiget>"
    );
    let several = report(&http, &at, &asked).text();
    assert!(several.contains(&lead.address) && several.contains("404 Not Found"), "{several}");
}

#[test]
fn who_comes_and_who_goes_is_synchronised() {
    let server = shared();
    let agent = server.with_profile("agent");
    let (http, at) = (Http::new(server, agent), book(agent));
    eventually("the directory", || (http.request("PROPFIND", &at, &[("Depth", "0")], b"").status == 207).then_some(()));
    let sync = |token: &str| {
        report(
            &http,
            &at,
            &format!(
                "<sync-collection><sync-token>{token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
            ),
        )
        .text()
    };
    let token = |answer: &str| all(answer, "<D:sync-token>", "<").last().unwrap().to_string();
    let new = format!("{}@{DOMAIN}", unique("colleague"));
    let before = token(&sync(""));
    octroi(server, &["account", "add", &new, "--profile", "agent", "--name", "Une, Nouvelle"]).good();
    let query = format!(
        r#"<C:addressbook-query><prop><C:address-data/></prop><C:filter><C:prop-filter name="EMAIL"><C:text-match match-type="equals">{new}</C:text-match></C:prop-filter></C:filter></C:addressbook-query>"#
    );
    let found = eventually("the new colleague", || Some(report(&http, &at, &query).text()).filter(|text| text.contains(&new)));
    assert!(found.contains("FN:Une\\, Nouvelle"), "{found}");
    let href = all(&found, "<D:href>", "<")[0];
    let came = sync(&before);
    assert!(came.contains(href) && !came.contains("404 Not Found"), "{came}");
    octroi(server, &["account", "remove", &new]).good();
    eventually("the colleague to go", || {
        let gone = sync(&token(&came));
        gone.split("<D:response>").any(|one| one.contains(href) && one.contains("404 Not Found")).then_some(())
    });
}

#[test]
fn who_is_outside_sees_nobody_and_finds_nobody() {
    let server = shared();
    let (agent, lead, operator) = (server.with_profile("agent"), server.with_profile("team-lead"), server.with_profile("operator"));
    let (inside, outside) = (Http::new(server, agent), Http::new(server, operator));
    let name = lead.address.split(['.', '@']).next().unwrap();
    let by_property = |text: &str| {
        format!(
            r#"<principal-property-search test="anyof"><property-search><prop><displayname/></prop><match>{text}</match></property-search><property-search><prop><CS:email-address-set/></prop><match>{text}</match></property-search><prop><displayname/><CAL:calendar-user-type/><CAL:calendar-user-address-set/></prop></principal-property-search>"#
        )
    };
    let by_words = |text: &str, context: &str| {
        format!(
            r#"<CS:calendarserver-principal-search context="{context}"><CS:search-token>{text}</CS:search-token><CS:limit><CS:nresults>5</CS:nresults></CS:limit><prop><displayname/><CS:email-address-set/><CAL:calendar-user-type/></prop></CS:calendarserver-principal-search>"#
        )
    };
    let principals = "/dav/principals/";
    for body in [by_property(name), by_words(name, "attendee"), by_words(name, "user")] {
        let found = report(&inside, principals, &body);
        assert!(found.status == 207 && found.text().contains(&lead.address) && found.text().contains("INDIVIDUAL"), "{}", found.text());
        let none = report(&outside, principals, &body);
        assert!(none.status == 207 && !none.text().contains(&lead.address), "{}", none.text());
    }
    assert!(!report(&inside, principals, &by_words(name, "location")).text().contains(&lead.address));
    assert_eq!(report(&inside, principals, "<CS:calendarserver-principal-search></CS:calendarserver-principal-search>").status, 400);
    // Operators are not in it either.
    assert!(!report(&inside, principals, &by_property("@")).text().contains(&operator.address));
    // A profile that says nothing of it has none.
    let plain = server.user(1);
    let http = Http::new(server, plain);
    assert_eq!(http.request("PROPFIND", &book(plain), &[("Depth", "0")], b"").status, 404);
    assert!(!propfind(&http, &format!("/dav/contacts/{}/", plain.address), "1", "<displayname/>").contains("~directory"));
    assert_eq!(outside.request("PROPFIND", &format!("/dav/principals/{}/", lead.address), &[("Depth", "0")], b"").status, 404);
    assert_eq!(inside.request("PROPFIND", &format!("/dav/principals/{}/", lead.address), &[("Depth", "0")], b"").status, 207);
}
