//! Reserved actions over WebDAV: every way to bring something among the validated acts, from every zone with every strength.

use crate::world::{ANYWHERE, Answer, OFFICE, PORTAL, Person, SECURED, World, files, mark, propfind, services};
use data_encoding::HEXLOWER;
use octroi_gate::Scope;
use octroi_model::Outcome;
use std::time::Duration;

/// What the person has before: by somebody who may, at a secured post.
async fn lay_down(world: &World, person: &Person) {
    for folder in ["Actes", "Actes/Validated", "Box", "Box/Staging", "Box/Staging/Validated", "Pile", "Pile/Actes", "Pile/Actes/Ready"] {
        let made = world.ask(person, SECURED, "MKCOL", &files(person, folder), &[], "").await;
        assert_eq!(made.status, 201, "{folder}");
    }
    let documents =
        ["Actes/Validated/old.txt", "Actes/draft.txt", "Actes/marked.txt", "Box/Staging/Validated/a.txt", "Pile/Actes/Ready/b.txt"];
    for document in documents {
        let put = world.ask(person, SECURED, "PUT", &files(person, document), &[], &format!("{document} of {}", person.address)).await;
        assert_eq!(put.status, 201, "{document}: {}", put.text());
    }
    let marked = world.ask(person, SECURED, "PROPPATCH", &files(person, "Actes/marked.txt"), &[], &mark("Validated", true)).await;
    assert!(marked.text().contains("200 OK"), "{}", marked.text());
}

/// Every deed that is the action: method, source, destination or nothing, body.
fn deeds() -> Vec<(&'static str, &'static str, &'static str, String)> {
    vec![
        ("PUT", "Actes/Validated/new.txt", "", "new".to_owned()),
        ("PUT", "Actes/Validated/old.txt", "", "over".to_owned()),
        ("PUT", "Actes/marked.txt", "", "another content has not the marks".to_owned()),
        ("COPY", "Actes/draft.txt", "Actes/Validated/copied.txt", String::new()),
        ("COPY", "Actes/draft.txt", "Actes/Validated/old.txt", String::new()),
        ("PROPPATCH", "Actes/draft.txt", "", mark("Validated", true)),
        ("PROPPATCH", "Actes/draft.txt", "", mark("VALIDATED", true)),
        ("PROPPATCH", "Actes/marked.txt", "", mark("Validated", false)),
        ("COPY", "Box/Staging/", "Box/Actes/", String::new()),
        ("MOVE", "Actes/draft.txt", "Actes/Validated/moved.txt", String::new()),
        ("MOVE", "Box/Staging/", "Box/Actes/", String::new()),
        ("MOVE", "Pile/Actes/Ready/", "Pile/Actes/Validated/", String::new()),
    ]
}

async fn attempt(world: &World, person: &Person, from: [u8; 4], deed: &(&str, &str, &str, String)) -> Answer {
    let (method, source, destination, body) = deed;
    let to = files(person, destination);
    let headers: &[(&str, &str)] = if destination.is_empty() { &[] } else { &[("destination", &to)] };
    world.ask(person, from, method, &files(person, source), headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_at_a_secured_post_after_a_fresh_second_factor() {
    let world = World::new().await;
    for (number, (zone, from)) in [("office", OFFICE), ("secured", SECURED), ("anywhere", ANYWHERE)].into_iter().enumerate() {
        for fresh in [false, true] {
            let person = world.person(&format!("agent{number}{fresh}"), "agent", "").await;
            world.confirm(&person, SECURED, -1).await;
            lay_down(&world, &person).await;
            // Another app password: the confirmation of the first is not its own.
            let tried = world.narrow(&person, Scope::of(services())).await;
            if fresh {
                world.confirm(&tried, from, 0).await;
            }
            let may = zone == "secured" && fresh;
            for deed in deeds() {
                let case = format!("{} {} -> {} from {zone}, fresh: {fresh}", deed.0, deed.1, deed.2);
                let done = attempt(&world, &tried, from, &deed).await;
                let text = done.text();
                match (may, deed.0) {
                    (true, "PROPPATCH") => assert!(text.contains("200 OK"), "{case}: {text}"),
                    (true, _) => assert!(matches!(done.status, 201 | 204), "{case}: {} {text}", done.status),
                    (false, "PROPPATCH") => {
                        assert!(text.contains("403 Forbidden") && text.contains("responsedescription"), "{case}: {text}");
                    }
                    (false, _) => assert_eq!(done.status, 403, "{case}: {text}"),
                }
                if !may {
                    // Where it is a matter of the second factor alone, the refusal says where that is given.
                    assert_eq!(text.contains(PORTAL), zone == "secured", "{case}: {text}");
                }
                // For the next deed, the copy of the tree goes again.
                if may && deed.0 == "COPY" && deed.2.ends_with('/') {
                    assert_eq!(world.ask(&tried, from, "DELETE", &files(&person, deed.2), &[], "").await.status, 204);
                }
            }
            if !may {
                unchanged(&world, &person).await;
            }
        }
    }
}

/// Nothing of what was refused has had an effect.
async fn unchanged(world: &World, person: &Person) {
    let list = |path: &str| {
        let path = files(person, path);
        async move { world.ask(person, SECURED, "PROPFIND", &path, &[("depth", "1")], &propfind("<K:Validated/>")).await }
    };
    let validated = list("Actes/Validated/").await.text();
    assert!(validated.matches("<D:response>").count() == 2 && validated.contains("old.txt"), "{validated}");
    let acts = list("Actes/").await.text();
    assert_eq!(acts.matches("<K:Validated>1</K:Validated>").count(), 1, "{acts}");
    assert!(!list("Box/").await.text().contains("Box/Actes") && !list("Pile/Actes/").await.text().contains("Pile/Actes/Validated"));
    let old = world.ask(person, SECURED, "GET", &files(person, "Actes/Validated/old.txt"), &[], "").await.text();
    assert_eq!(old, format!("Actes/Validated/old.txt of {}", person.address));
}

#[tokio::test]
async fn a_second_factor_that_has_lapsed_is_none() {
    let world = World::with_second_factors_of("2s").await;
    let person = world.person("agent", "agent", "").await;
    world.confirm(&person, SECURED, 0).await;
    for folder in ["Actes", "Actes/Validated"] {
        assert_eq!(world.ask(&person, SECURED, "MKCOL", &files(&person, folder), &[], "").await.status, 201);
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let late = world.ask(&person, SECURED, "PUT", &files(&person, "Actes/Validated/x.txt"), &[], "x").await;
    assert!(late.status == 403 && late.text().contains(PORTAL), "{} {}", late.status, late.text());
}

#[tokio::test]
async fn each_use_is_audited_with_the_hash_and_each_refusal_too() {
    let world = World::new().await;
    let person = world.person("agent", "agent", "").await;
    world.confirm(&person, SECURED, 0).await;
    for folder in ["Actes", "Actes/Validated"] {
        assert_eq!(world.ask(&person, SECURED, "MKCOL", &files(&person, folder), &[], "").await.status, 201);
    }
    let path = files(&person, "Actes/Validated/acte.txt");
    assert_eq!(world.ask(&person, OFFICE, "PUT", &path, &[], "ACTE No 412").await.status, 403);
    assert_eq!(world.ask(&person, SECURED, "PUT", &path, &[], "ACTE No 412").await.status, 201);
    let hash = format!("blake3:{}", HEXLOWER.encode(blake3::hash(b"ACTE No 412").as_bytes()));
    let lines = world.lines().await;
    let of = |outcome: Outcome| lines.iter().filter(|l| l.entry.act == "validate-act" && l.entry.outcome == outcome).collect::<Vec<_>>();
    let (done, refused) = (of(Outcome::Done), of(Outcome::Refused));
    assert_eq!((done.len(), refused.len()), (1, 1));
    assert!(done[0].entry.subject.contains(&hash) && refused[0].entry.subject.contains(&hash), "{}", done[0].entry.subject);
    assert_eq!((done[0].via.zone.as_str(), refused[0].via.zone.as_str()), ("secured", "office"));
}
