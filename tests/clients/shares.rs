//! Sharing by other people's programs, and what the sample organisation promises of its shared documents.

use crate::demo::shared_documents;
use crate::support::http::Http;
use crate::support::{shared, unique};

#[test]
fn a_calendar_is_shared_by_the_caldav_library() {
    super::caldav::lead_and_agent("caldav_share.py");
}

/// The importer reads what is laid down for them and drops documents in, and can neither change nor remove any, its own included.
#[test]
fn the_operator_reads_and_drops_and_changes_nothing() {
    let server = shared();
    let operator = server.with_profile("operator");
    let http = Http::new(server, operator);
    let exchange = format!("{}Echanges/Transit%20du%20Nord/", shared_documents(&http, &operator.files));
    let (notes, dropped) = (format!("{exchange}consignes.txt"), format!("{exchange}{}.txt", unique("t1")));
    assert!(http.request("GET", &notes, &[], b"").text().contains("Deposez ici"));
    assert_eq!(http.request("PUT", &dropped, &[], b"T1").status, 201);
    let mark = br#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><k:Lu xmlns:k="urn:octroi:keyword">1</k:Lu></D:prop></D:set></D:propertyupdate>"#;
    for document in [&notes, &dropped] {
        let elsewhere = format!("{exchange}{}.txt", unique("away"));
        assert_eq!(http.request("PUT", document, &[], b"changed").status, 403);
        assert_eq!(http.request("DELETE", document, &[], b"").status, 403);
        assert_eq!(http.request("MOVE", document, &[("Destination", &elsewhere)], b"").status, 403);
        assert_eq!(http.request("PROPPATCH", document, &[], mark).status, 403);
        let allowed = http.request("OPTIONS", document, &[], b"");
        assert_eq!(allowed.header("allow"), Some("OPTIONS, PROPFIND, GET, HEAD, COPY"));
    }
    assert_eq!(http.request("COPY", &dropped, &[("Destination", &notes)], b"").status, 403);
    assert_eq!(http.request("ACL", &exchange, &[], b"<D:acl xmlns:D='DAV:'/>").status, 403);
    assert_eq!(http.request("GET", &dropped, &[], b"").text(), "T1");
    // Whom one could share with is nobody's business outside.
    let agent = server.with_profile("agent");
    assert_eq!(http.request("PROPFIND", &format!("/dav/principals/{}/", agent.address), &[("Depth", "0")], b"").status, 404);
}
