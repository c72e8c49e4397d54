//! Documents in real browsers: sending, fetching and changing them without a script, by keyboard too; nothing that was sent runs.

use super::in_both;
use super::steps::{enrol, sign_in};
use super::visit::{Browser, ENTER};
use crate::portal::newcomer_as;
use std::fs;

fn at_documents(browser: &mut Browser<'_>) {
    let address = newcomer_as(browser.server, "plain");
    sign_in(browser, &address);
    browser.go("/portal/files/");
    assert!(browser.text().contains("with a second factor only"), "{}", browser.text());
    browser.look("documents-factor");
    enrol(browser);
    browser.go("/portal/files/");
}

#[test]
fn documents_are_sent_and_changed() {
    in_both(|browser| {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        at_documents(browser);
        browser.look("documents-none");
        browser.fill("#folder", "Actes & décrets");
        browser.press_and_follow(ENTER);
        assert!(browser.has("[role=status]"), "{}", browser.text());
        browser.follow("tbody th a");
        assert_eq!(browser.heading(), "Actes & décrets");
        let sent = [file("été 1.docx", "one"), file("b.txt", "two"), file("<b>&.html", "<script>document.title='ran'</script>")];
        browser.fill("#file", &sent.join("\n"));
        browser.follow("form[enctype] button");
        assert!(browser.has("[role=status]"), "{}", browser.text());
        let list = browser.text_of("tbody");
        for name in ["été 1.docx", "b.txt", "<b>&.html"] {
            assert!(list.contains(name), "{name}: {list}");
        }
        browser.look("documents");
        // A page among them is a download: it is not shown, and nothing in it runs.
        browser.click("a[href*='html']");
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(browser.heading(), "Actes & décrets");
        assert_ne!(browser.run("return document.title;"), "ran");

        // The same name again: first asked for, then replaced.
        browser.fill("#file", &sent[1]);
        browser.follow("form[enctype] button");
        assert!(browser.has("#file-fault"), "{}", browser.text());
        browser.look("documents-exists");
        file("b.txt", "two again");
        browser.click("input[name=replace]");
        browser.fill("#file", &sent[1]);
        browser.follow("form[enctype] button");
        assert!(browser.has("[role=status]"), "{}", browser.text());
        browser.follow("a[href*='b.txt?view=versions']");
        browser.look("document-versions");
        browser.follow("tbody button");
        assert!(browser.has("[role=status]"), "{}", browser.text());

        browser.follow("a[href*='b.txt?view=rename']");
        browser.look("document-rename");
        browser.run("document.querySelector('#name').value = '';");
        browser.fill("#name", "c.txt");
        browser.press_and_follow(ENTER);
        assert!(browser.text_of("tbody").contains("c.txt"), "{}", browser.text());
        browser.follow("a[href*='c.txt?view=remove']");
        browser.look("document-remove");
        browser.follow("main button.grave");
        assert!(!browser.text_of("tbody").contains("c.txt"), "{}", browser.text());
        browser.go("/portal/trash");
        browser.look("trash");
        browser.follow("tbody button");
        assert!(browser.has("[role=status]") && !browser.has("tbody"), "{}", browser.text());
        browser.go("/portal/files/");
        browser.follow("button[lang=fr]");
        browser.follow("tbody th a");
        assert!(browser.text_of("tbody").contains("c.txt") && browser.text().contains("Envoyer des documents"), "{}", browser.text());
        browser.look("documents-fr");
    });
}

/// A refusal while the browser is still sending is read, and not taken for a broken connection.
#[test]
fn a_large_document_is_refused_in_words() {
    in_both(|browser| {
        let folder = tempfile::tempdir().unwrap();
        let (small, large) = (folder.path().join("a.bin"), folder.path().join("large"));
        fs::write(&small, "x").unwrap();
        fs::create_dir(&large).unwrap();
        let large = large.join("a.bin");
        fs::File::create(&large).unwrap().set_len(48 << 20).unwrap();
        at_documents(browser);
        for (file, seen) in [(&small, "[role=status]"), (&large, "#file-fault")] {
            browser.fill("#file", file.to_str().unwrap());
            browser.follow("form[enctype] button");
            assert!(browser.has(seen), "{seen}: {}", browser.text());
        }
        browser.click("input[name=replace]");
        browser.fill("#file", large.to_str().unwrap());
        browser.follow("form[enctype] button");
        assert!(browser.has("[role=status]") && browser.text_of("tbody").contains("50.3 MB"), "{}", browser.text());
    });
}
