//! The matrix over WebDAV: documents, calendars and address books.

use super::world::{ELSEWHERE, OFFICE, OPEN, OWNERS, Subject, World, has, may};
use crate::support::http::{Response, base64, respond};
use crate::support::wire::Wire;
use std::fmt::Write as _;

/// Files in `protocols/dav/src/methods/report`.
pub(super) const REPORTS: [&str; 8] = [
    "addressbook_query",
    "calendar_query",
    "expand_property",
    "free_busy_query",
    "multiget",
    "principals",
    "sync_collection",
    "version_tree",
];
/// What is only to be seen with `r`: contents, names and the ends of etags of members.
const CONTENTS: [&str; 3] = ["Okapi", "quetzal", "zebra"];
/// As long as `Secret`, and never made.
const NEVER: &str = "Sacred";

/// What is there when it was allowed, and only then.
#[derive(Debug, Clone, Copy)]
enum Effect {
    None,
    /// In the answer.
    Told(&'static str),
    /// In the owner's state afterwards.
    Appears(&'static str),
    /// No more in the owner's state.
    Vanishes(&'static str),
}
use Effect::{Appears, None as Unseen, Told, Vanishes};

/// Which trees a row is for.
const FILES: &[usize] = &[0];
const CALENDARS: &[usize] = &[1];
const OBJECTS: &[usize] = &[1, 2];
const ALL: &[usize] = &[0, 1, 2];

/// A request. `{S}` is the collection under test, `{O}` whose it is, `{M}` a collection of one's own, `{X}` the ending of objects, `{B}` a new object's octets,
/// `{R}` other octets of the object that is there.
struct Row {
    trees: &'static [usize],
    method: &'static str,
    path: &'static str,
    /// Destination or depth, as a whole field line.
    field: &'static str,
    body: &'static str,
    /// Letters, and behind a `+` those on what is one's own; `None`: to nobody.
    needs: Option<&'static str>,
    effect: Effect,
}

const fn row(
    trees: &'static [usize],
    (method, path): (&'static str, &'static str),
    (field, body): (&'static str, &'static str),
    needs: Option<&'static str>,
    effect: Effect,
) -> Row {
    Row { trees, method, path, field, body, needs, effect }
}

const PROPERTIES: &str = "<propfind xmlns=\"DAV:\"><prop><getetag/><getcontentlength/><displayname/><sync-token/><resourcetype/><x:kept xmlns:x=\"urn:x\"/></prop></propfind>";
const SYNC: &str = "<sync-collection xmlns=\"DAV:\"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>";
const TREE: &str =
    "<sync-collection xmlns=\"DAV:\"><sync-token/><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>";
/// Who of all principals one is.
const MATCH: &str = "<principal-match xmlns=\"DAV:\"><self/></principal-match>";
const GRANT: &str =
    "<acl xmlns=\"DAV:\"><ace><principal><authenticated/></principal><grant><privilege><read/></privilege></grant></ace></acl>";
const INVITE: &str = "<CS:share xmlns=\"DAV:\" xmlns:CS=\"http://calendarserver.org/ns/\"><CS:set><href>mailto:u1@bench.test</href><CS:read/></CS:set></CS:share>";
const SHARE: &str = "<share-resource xmlns=\"DAV:\"><sharee><href>mailto:u1@bench.test</href><share-access><read/></share-access></sharee></share-resource>";
const LOCK: &str = "<lockinfo xmlns=\"DAV:\"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>";
const NO_LOCK: &str = "If: (<urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6>)";
const PATCH: &str = "<propertyupdate xmlns=\"DAV:\"><set><prop><displayname>Walrus</displayname></prop></set></propertyupdate>";
const KEEP: &str = "<propertyupdate xmlns=\"DAV:\"><set><prop><kept xmlns=\"urn:x\">Narwhal</kept></prop></set></propertyupdate>";
/// Who is to stand for somebody.
const MEMBERS: &str = "<propertyupdate xmlns=\"DAV:\"><set><prop><group-member-set><href>/dav/principals/u1@bench.test/</href></group-member-set></prop></set></propertyupdate>";
/// Nothing is looked up for that host.
const REGISTER: &str = "<push-register xmlns=\"https://bitfire.at/webdav-push\"><subscription><web-push-subscription>\
    <push-resource>https://push.invalid/x</push-resource><client-public-key type=\"p256dh\">\
    BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4</client-public-key>\
    <auth-secret>BTBZMqHH6r4Tts7J_aSIgg</auth-secret></web-push-subscription></subscription></push-register>";
const EXPAND: &str =
    "<expand-property xmlns=\"DAV:\"><property name=\"owner\"><property name=\"displayname\"/></property></expand-property>";
const SEARCH: &str = "<searchrequest xmlns=\"DAV:\"><basicsearch><select><prop><getetag/></prop></select>\
                      <from><scope><href/><depth>infinity</depth></scope></from></basicsearch></searchrequest>";
const FREE_BUSY: &str = "<x:free-busy-query xmlns:x=\"urn:ietf:params:xml:ns:caldav\">\
                         <x:time-range start=\"20261101T000000Z\" end=\"20261201T000000Z\"/></x:free-busy-query>";
const VERSIONS: &str = "<version-tree xmlns=\"DAV:\"><prop><getetag/></prop></version-tree>";

// RFC 3744 appendix B, and the letters for its privileges: read `r`, write-content `w`, bind `i` (a collection: `k`), unbind `e` (a collection:
// `x`, and `e` for the documents in it). Moving from one owner to another destroys it where it was; within one owner's tree it needs `0`.
const ROWS: &[Row] = &[
    row(ALL, ("OPTIONS", "{S}/"), ("", ""), Some("l"), Told("Allow: OPTIONS")),
    row(ALL, ("OPTIONS", "{S}/quetzal{X}"), ("", ""), Some("l"), Told("Allow: OPTIONS")),
    row(ALL, ("GET", "{S}/quetzal{X}"), ("", ""), Some("lr"), Told("Okapi")),
    row(ALL, ("HEAD", "{S}/quetzal{X}"), ("", ""), Some("lr"), Told("ETag: ")),
    row(ALL, ("GET", "{S}/"), ("", ""), Some("lr"), Told("quetzal")),
    row(ALL, ("HEAD", "{S}/"), ("", ""), Some("lr"), Unseen),
    row(ALL, ("PUT", "{S}/walrus{X}"), ("", "{B}"), Some("li"), Appears("walrus")),
    row(ALL, ("PUT", "{S}/walrus{X}"), ("If-None-Match: *", "{B}"), Some("li"), Appears("walrus")),
    row(ALL, ("PUT", "{S}/quetzal{X}"), ("", "{R}"), Some("lw"), Vanishes("Okapi")),
    row(ALL, ("DELETE", "{S}/quetzal{X}"), ("", ""), Some("le"), Vanishes("quetzal")),
    row(OBJECTS, ("DELETE", "{S}/"), ("", ""), Some("lxe"), Vanishes("quetzal")),
    row(FILES, ("DELETE", "{S}/zebra/"), ("", ""), Some("lxe"), Vanishes("zebra")),
    row(FILES, ("MKCOL", "{S}/walrus/"), ("", ""), Some("lk"), Appears("walrus")),
    row(OBJECTS, ("MKCOL", "{S}/walrus/"), ("", ""), None, Unseen),
    row(ALL, ("MKCALENDAR", "{S}/walrus/"), ("", ""), None, Unseen),
    row(ALL, ("COPY", "{S}/quetzal{X}"), ("Destination: {M}/taken{X}", ""), Some("lr+li"), Unseen),
    row(ALL, ("COPY", "{M}/own{X}"), ("Destination: {S}/walrus{X}", ""), Some("li+lr"), Appears("walrus")),
    row(ALL, ("COPY", "{M}/own{X}"), ("Destination: {S}/quetzal{X}", ""), Some("liw+lr"), Vanishes("Okapi")),
    row(FILES, ("COPY", "{S}/zebra/"), ("Destination: {M}/taken", ""), Some("lr+lk"), Unseen),
    row(FILES, ("COPY", "{M}/folder/"), ("Destination: {S}/walrus", ""), Some("lki+lr"), Appears("walrus")),
    row(ALL, ("MOVE", "{S}/quetzal{X}"), ("Destination: {M}/taken{X}", ""), Some("lre+li"), Vanishes("quetzal")),
    row(ALL, ("MOVE", "{M}/own{X}"), ("Destination: {S}/walrus{X}", ""), Some("li+lre"), Appears("walrus")),
    row(ALL, ("MOVE", "{S}/quetzal{X}"), ("Destination: {S}/walrus{X}", ""), Some("lri0"), Appears("walrus")),
    row(FILES, ("MOVE", "{S}/zebra/"), ("Destination: {S}/walrus", ""), Some("lxek"), Appears("walrus")),
    row(FILES, ("MOVE", "{S}/zebra/"), ("Destination: {M}/taken", ""), None, Unseen),
    row(ALL, ("PROPFIND", "{S}/"), ("Depth: 0", PROPERTIES), Some("lr"), Told("sync-token")),
    row(ALL, ("PROPFIND", "{S}/"), ("Depth: 1", PROPERTIES), Some("lr"), Told("quetzal")),
    row(ALL, ("PROPFIND", "{S}/"), ("Depth: infinity", PROPERTIES), None, Unseen),
    row(ALL, ("PROPFIND", "{S}/quetzal{X}"), ("Depth: 0", PROPERTIES), Some("lr"), Told("getetag")),
    row(FILES, ("PROPPATCH", "{S}/"), ("", PATCH), Some("lrw"), Appears("Walrus")),
    // What a shared calendar is called is each sharee's own.
    row(OBJECTS, ("PROPPATCH", "{S}/"), ("", PATCH), Some("lr"), Unseen),
    row(ALL, ("PROPPATCH", "{S}/"), ("", KEEP), Some("lrw"), Appears("Narwhal")),
    row(ALL, ("PROPPATCH", "{S}/quetzal{X}"), ("", PATCH), Some("lrw"), Appears("Walrus")),
    row(ALL, ("PROPPATCH", "{S}/quetzal{X}"), ("", KEEP), Some("lrw"), Appears("Narwhal")),
    // Who stands for somebody is theirs alone to say, whatever others may do in their calendars.
    row(CALENDARS, ("PROPPATCH", "/dav/principals/{O}/calendar-proxy-read/"), ("", MEMBERS), None, Unseen),
    row(CALENDARS, ("PROPPATCH", "/dav/principals/{O}/calendar-proxy-write/"), ("", MEMBERS), None, Unseen),
    row(FILES, ("POST", "{S}/?add-member"), ("Slug: walrus.txt", "Walrus"), Some("li"), Appears("walrus")),
    row(OBJECTS, ("POST", "{S}/?add-member"), ("", "{B}"), None, Unseen),
    // What is attached is written into the object, which is looked at for that.
    row(CALENDARS, ("POST", "{S}/quetzal{X}?action=attachment-add"), ("", "Walrus"), Some("lrw"), Appears("MANAGED-ID")),
    row(CALENDARS, ("POST", "{S}/quetzal{X}?action=attachment-remove&managed-id=x"), ("", ""), None, Unseen),
    // To be told when it changes is to look at it.
    row(ALL, ("POST", "{S}/"), ("Content-Type: application/xml", REGISTER), Some("lr"), Unseen),
    row(ALL, ("POST", "{S}/quetzal{X}"), ("Content-Type: application/xml", REGISTER), None, Unseen),
    row(ALL, ("SEARCH", "{S}/"), ("", SEARCH), Some("lr"), Told("quetzal")),
    row(ALL, ("REPORT", "{S}/"), ("Depth: 0", EXPAND), Some("lr"), Unseen),
    row(ALL, ("REPORT", "{S}/"), ("Depth: 0", SYNC), Some("lr"), Told("quetzal")),
    row(ALL, ("REPORT", "{S}/"), ("Depth: 0", TREE), Some("lr"), Told("quetzal")),
    row(ALL, ("REPORT", "{S}/"), ("Depth: 0", MATCH), Some("lr"), Unseen),
    // A lock that was taken would bind the owner, whom the next row needs: so each of these is refused, and must tell nothing. What LOCK needs is
    // in the gate's own matrix.
    row(ALL, ("LOCK", "{S}/quetzal{X}"), ("If-None-Match: *", LOCK), None, Unseen),
    row(ALL, ("LOCK", "{S}/quetzal{X}"), (NO_LOCK, ""), None, Unseen),
    row(ALL, ("LOCK", "{S}/"), ("Depth: 1", LOCK), None, Unseen),
    row(ALL, ("UNLOCK", "{S}/quetzal{X}"), ("Lock-Token: <urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6>", ""), None, Unseen),
    row(ALL, ("UNLOCK", "{S}/"), ("Lock-Token: <urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6>", ""), None, Unseen),
    // None of these profiles has a rule for sharing, or for taking out whole collections.
    row(ALL, ("ACL", "{S}/"), ("", GRANT), None, Unseen),
    row(ALL, ("POST", "{S}/"), ("Content-Type: application/xml", INVITE), None, Unseen),
    row(ALL, ("POST", "{S}/"), ("Content-Type: application/davsharing+xml", SHARE), None, Unseen),
    row(OBJECTS, ("GET", "{S}/?export"), ("", ""), None, Unseen),
    row(OBJECTS, ("REPORT", "{S}/"), ("Depth: 0", "{multiget}"), Some("lr"), Told("Okapi")),
    row(OBJECTS, ("REPORT", "{S}/"), ("Depth: 1", "{query}"), Some("lr"), Told("Okapi")),
    row(CALENDARS, ("REPORT", "{S}/"), ("Depth: 1", FREE_BUSY), Some("1"), Told("VFREEBUSY")),
    row(FILES, ("REPORT", "{S}/quetzal{X}"), ("", VERSIONS), Some("lr"), Told("getetag")),
    // Named from one's own collection, where a report is allowed: the answer for the object is in a 207.
    row(OBJECTS, ("REPORT", "{M}/"), ("Depth: 0", "{multiget}"), Some("+lr"), Unseen),
];

/// All methods of the table.
pub(super) fn methods() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.method)
}

#[test]
fn every_method_of_webdav_with_every_right_removed() {
    super::in_parallel(|world, number| {
        let mut faults = Vec::new();
        for tree in &TREES {
            let mut owner = Owner::new(world, number, tree);
            for subject in world.subjects.iter().skip(number).step_by(OWNERS) {
                for (zone, rights) in [(OFFICE, subject.files.as_str()), (ELSEWHERE, "")] {
                    let mut line = Line::open(world, zone, subject);
                    let mut whole = Line::open(world, zone, &Subject { secret: subject.whole.clone(), ..subject.clone() });
                    for row in ROWS.iter().filter(|row| row.trees.contains(&tree.number)) {
                        let what = format!(
                            "{} {} from {zone} with [{rights}]: {} {} {}",
                            tree.area, subject.name, row.method, row.path, row.field
                        );
                        let found = Case { tree, owner: &mut owner, line: &mut line, whole: &mut whole, row, rights, subject }.run();
                        faults.extend(found.into_iter().map(|fault| format!("{what}: {fault}")));
                    }
                }
            }
        }
        faults
    });
}

#[test]
fn who_is_no_longer_let_in_gets_nothing_over_webdav() {
    let world = super::world();
    for stranger in world.strangers.iter().filter(|stranger| stranger.why != "for documents only") {
        for zone in [OFFICE, ELSEWHERE] {
            let subject = Subject { secret: stranger.secret.clone(), address: stranger.address.clone(), ..world.subjects[0].clone() };
            let unknown = Subject { address: format!("nobody@{}", crate::support::server::DOMAIN), ..subject.clone() };
            for method in methods() {
                let path = format!("/dav/files/{}/", subject.address);
                let asked = |who: &Subject| told(&Line::open(world, zone, who).ask(&[(method, &path, "", "")]).pop().unwrap());
                let refused = asked(&subject);
                assert!(refused.starts_with("401"), "{} may {method}: {refused}", stranger.why);
                assert_eq!(asked(&unknown), refused, "{} is told from an unknown user", stranger.why);
            }
        }
    }
}

/// A tree that WebDAV serves.
struct Tree {
    number: usize,
    area: &'static str,
    ending: &'static str,
}

const TREES: [Tree; 3] = [
    Tree { number: 0, area: "files", ending: ".txt" },
    Tree { number: 1, area: "calendars", ending: ".ics" },
    Tree { number: 2, area: "contacts", ending: ".vcf" },
];

impl Tree {
    /// The collection of that name of the owner, as somebody else's programs name it.
    fn shared(&self, subject: &Subject, owner: &Subject, name: &str) -> String {
        let home = format!("/dav/{}/{}", self.area, subject.address);
        if self.number == 0 { format!("{home}/Shared/{}/{name}", owner.address) } else { format!("{home}/{name}~{}", owner.address) }
    }

    fn own(&self, subject: &Subject, name: &str) -> String {
        format!("/dav/{}/{}/{name}", self.area, subject.address)
    }

    fn object(&self, uid: &str, text: &str) -> String {
        match self.number {
            0 => text.to_owned(),
            1 => format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261102T080000Z\r\n\
                 DTSTART:20261102T090000Z\r\nDURATION:PT1H\r\nSUMMARY:{text}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            ),
            _ => format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{text}\r\nN:{text};;;;\r\nEND:VCARD\r\n"),
        }
    }

    /// Make a collection there.
    fn make<'a>(&self, path: &'a str) -> (&'static str, &'a str, &'static str, &'static str) {
        const BOOK: &str = "<mkcol xmlns=\"DAV:\"><set><prop><resourcetype><collection/>\
                            <addressbook xmlns=\"urn:ietf:params:xml:ns:carddav\"/></resourcetype></prop></set></mkcol>";
        match self.number {
            0 => ("MKCOL", path, "", ""),
            1 => ("MKCALENDAR", path, "", ""),
            _ => ("MKCOL", path, "Content-Type: application/xml", BOOK),
        }
    }
}

struct Case<'a> {
    tree: &'a Tree,
    owner: &'a mut Owner,
    line: &'a mut Line,
    whole: &'a mut Line,
    row: &'static Row,
    rights: &'a str,
    subject: &'a Subject,
}

impl Case<'_> {
    /// What is wrong with it.
    fn run(mut self) -> Vec<String> {
        let (row, rights) = (self.row, self.rights);
        let mut faults = Vec::new();
        self.prepare();
        let answer = self.ask("Secret");
        let (after, etags) = self.owner.state();
        // Who may only add to somebody's documents sees what they have added, which here is nothing.
        let drops = self.tree.number == 0 && rights == "li";
        let looks = ["GET", "HEAD", "PROPFIND", "SEARCH", "REPORT"].contains(&row.method) && ![SYNC, TREE].contains(&row.body);
        let veiled = self.is_veiled();
        let allowed = match row.path {
            "{S}/" if drops && looks => row.needs.is_some(),
            // What is there has other names (and UIDs that are taken); the calendar can be looked at, and called otherwise for oneself.
            "{S}/quetzal{X}" if veiled => false,
            _ if veiled && row.field.contains("{S}/quetzal") => false,
            // Who sees busy times only is not woken when they change.
            "{S}/" if veiled && row.method != "POST" => {
                row.needs.is_some_and(|letters| may(rights, &self.subject.own_files, &letters.replacen('r', "1", 1)))
            }
            "{S}/quetzal{X}" if drops => false,
            _ => row.needs.is_some_and(|letters| may(rights, &self.subject.own_files, letters)),
        };
        // PROPPATCH says within its answer that it has done nothing.
        let done_nothing = row.method == "PROPPATCH" && answer.contains("cannot-modify-protected-property");
        let ok = answer.starts_with('2') && !done_nothing;
        if ok != allowed || (!ok && !done_nothing && !answer.starts_with('4') && !answer.starts_with("502")) {
            faults.push(format!("allowed is {allowed}: {answer}"));
        }
        let fine = match row.effect {
            Unseen => true,
            Told(text) if (drops || veiled) && CONTENTS.contains(&text) => !answer.contains(text),
            Told(text) => answer.to_ascii_lowercase().contains(&text.to_ascii_lowercase()) == allowed,
            Appears(text) => after.contains(text) == allowed,
            Vanishes(text) => after.contains(text) != allowed,
        };
        if !fine {
            faults.push(format!("allowed is {allowed}, and the effect is otherwise: {answer}\n{after}"));
        }
        let changes = matches!(row.effect, Appears(_) | Vanishes(_));
        if !(allowed && changes) && after != self.owner.baseline {
            faults.push(format!("it changed what the owner has:\n{}\nto\n{after}", self.owner.baseline));
        }
        if !has(rights, "lr") {
            let words = CONTENTS
                .into_iter()
                .filter(|word| !row.path.contains(word) && !row.field.contains(word) && !row.body.contains("{multiget}"));
            let told = words.map(str::to_owned).chain(etags).find(|word| answer.contains(word.as_str()));
            faults.extend(told.map(|word| format!("{word} is told: {answer}")));
            if row.body.contains("{multiget}") && answer.contains("Okapi") {
                faults.push(format!("contents are told: {answer}"));
            }
        }
        // Who may know when somebody is busy knows of the calendar.
        if !has(rights, "l") && !allowed {
            self.prepare();
            let real = self.ask("Secret");
            self.prepare();
            let never = self.ask(NEVER).replace(NEVER, "Secret");
            if real != never {
                faults.push(format!("it can be told from what never was:\n{real}\n{never}"));
            }
        }
        if after != self.owner.baseline {
            self.owner.restore();
        }
        faults
    }

    /// May they see of somebody's calendar when its owner is busy, and nothing else?
    fn is_veiled(&self) -> bool {
        self.tree.number == 1 && has(self.rights, "l1") && !has(self.rights, "r")
    }

    /// The request, with the collection of that name in place of `{S}`.
    fn ask(&mut self, name: &str) -> String {
        let shared = self.tree.shared(self.subject, &self.owner.subject, name);
        let own = self.tree.own(self.subject, "Mine");
        let put = |text: &str| {
            let (object, other) = (self.tree.object("walrus", "Walrus"), self.tree.object("quetzal", "Walrus"));
            let (space, tag, data) =
                if self.tree.number == 1 { ("caldav", "calendar", "calendar") } else { ("carddav", "addressbook", "address") };
            let multiget = format!(
                "<x:{tag}-multiget xmlns=\"DAV:\" xmlns:x=\"urn:ietf:params:xml:ns:{space}\"><prop><getetag/><x:{data}-data/></prop>\
                 <href>{shared}/quetzal{}</href></x:{tag}-multiget>",
                self.tree.ending
            );
            let inner = if self.tree.number == 1 { "<x:comp-filter name=\"VCALENDAR\"/>" } else { "" };
            let query = format!(
                "<x:{tag}-query xmlns=\"DAV:\" xmlns:x=\"urn:ietf:params:xml:ns:{space}\"><prop><getetag/><x:{data}-data/></prop>\
                 <x:filter>{inner}</x:filter></x:{tag}-query>"
            );
            let text = text.replace("{multiget}", &multiget).replace("{query}", &query).replace("{B}", &object).replace("{R}", &other);
            text.replace("{S}", &shared).replace("{O}", &self.owner.subject.address).replace("{M}", &own).replace("{X}", self.tree.ending)
        };
        let (path, field, body) = (put(self.row.path), put(self.row.field), put(self.row.body));
        told(&self.line.ask(&[(self.row.method, &path, &field, &body)]).pop().unwrap())
    }

    /// One's own things as they are at first: what was taken is gone again.
    fn prepare(&mut self) {
        if !self.row.path.contains("{M}") && !self.row.field.contains("{M}") {
            return;
        }
        let (own, ending) = (self.tree.own(self.subject, "Mine"), self.tree.ending);
        let (top, taken, folder) = (format!("{own}/"), format!("{own}/taken"), format!("{own}/folder/"));
        let (file, inner, taken_file) = (format!("{own}/own{ending}"), format!("{own}/folder/own{ending}"), format!("{own}/taken{ending}"));
        let object = self.tree.object("own", "Own");
        let mut asked = vec![self.tree.make(&top), ("DELETE", &taken_file, "", ""), ("PUT", &file, "", &object)];
        if self.tree.number == 0 {
            asked.extend([("DELETE", &*taken, "", ""), ("MKCOL", &folder, "", ""), ("PUT", &inner, "", &object)]);
        }
        self.whole.ask(&asked);
    }
}

/// Status, header and body; without what differs from one moment to the next.
fn told(response: &Response) -> String {
    let mut text = format!("{}\n", response.status);
    for (name, value) in response.headers.iter().filter(|(name, _)| name != "date") {
        let _ = writeln!(text, "{name}: {value}");
    }
    text + &response.text()
}

/// A connection that is kept alive.
struct Line {
    wire: Wire,
    authorization: String,
}

impl Line {
    fn open(world: &World, zone: &str, subject: &Subject) -> Self {
        let address = format!("127.0.0.1:{}", world.server.port("https"));
        let wire = Wire::tls_from(zone, &address, world.server.certificate()).unwrap();
        Self { wire, authorization: base64(format!("{}:{}", subject.address, subject.secret).as_bytes()) }
    }

    /// Send all, then read all answers: method, path, a field line, body. What is put off is asked again, as `Retry-After` says: the cases
    /// of other threads move rights all the time.
    fn ask(&mut self, requests: &[(&str, &str, &str, &str)]) -> Vec<Response> {
        let mut responses = self.ask_once(requests);
        for _ in 1..super::TRIES_MAX {
            let Some(first) = responses.iter().position(|response| response.status == 503) else { break };
            responses.truncate(first);
            responses.extend(self.ask_once(&requests[first..]));
        }
        responses
    }

    fn ask_once(&mut self, requests: &[(&str, &str, &str, &str)]) -> Vec<Response> {
        let mut octets = String::new();
        for (method, path, field, body) in requests {
            let _ = write!(octets, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {}\r\n", self.authorization);
            let _ = write!(octets, "{field}{}Content-Length: {}\r\n\r\n{body}", if field.is_empty() { "" } else { "\r\n" }, body.len());
        }
        self.wire.send(octets);
        let answer = |(method, path, ..): &(&str, &str, &str, &str)| {
            respond(&mut self.wire, method).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
        };
        requests.iter().map(answer).collect()
    }
}

/// The owner, who sees what became of it.
struct Owner {
    subject: Subject,
    tree: &'static Tree,
    line: Line,
    baseline: String,
}

impl Owner {
    fn new(world: &World, number: usize, tree: &'static Tree) -> Self {
        let subject = world.owners[number].clone();
        let mut line = Line::open(world, OFFICE, &subject);
        line.ask(&[tree.make(&format!("{}/", tree.own(&subject, OPEN)))]);
        let mut owner = Self { subject, tree, line, baseline: String::new() };
        owner.restore();
        owner
    }

    /// All that there is to see and to change, and the etags in it.
    fn state(&mut self) -> (String, Vec<String>) {
        let (home, top) = (self.tree.own(&self.subject, ""), format!("{}/", self.tree.own(&self.subject, "Secret")));
        let (inner, object) = (format!("{top}zebra/"), format!("{top}quetzal{}", self.tree.ending));
        let (names, depth) = ("<propfind xmlns=\"DAV:\"><prop><resourcetype/></prop></propfind>", "Depth: 1");
        let mut asked = vec![("PROPFIND", &*home, depth, names), ("PROPFIND", &top, depth, PROPERTIES), ("GET", &object, "", "")];
        if self.tree.number == 0 {
            asked.push(("PROPFIND", &inner, depth, PROPERTIES));
        }
        let state = self.line.ask(&asked).iter().map(told).collect::<String>();
        let etags =
            state.split("getetag>").skip(1).step_by(2).filter_map(|part| Some(part.split('<').next()?.trim_matches('"').to_owned()));
        let etags = etags.filter(|etag| !etag.is_empty()).collect();
        (state, etags)
    }

    fn restore(&mut self) {
        let top = format!("{}/", self.tree.own(&self.subject, "Secret"));
        let (file, inner, below) = (format!("{top}quetzal{}", self.tree.ending), format!("{top}zebra/"), format!("{top}zebra/below.txt"));
        let object = self.tree.object("quetzal", "Okapi");
        let mut asked = vec![("DELETE", &*top, "", ""), self.tree.make(&top), ("PUT", &file, "", &object)];
        if self.tree.number == 0 {
            asked.extend([("MKCOL", &*inner, "", ""), ("PUT", &below, "", "below")]);
        }
        // Whatever came after one that was put off has been refused or done: from the start, then.
        let done = (0..super::TRIES_MAX).any(|_| self.line.ask(&asked).iter().skip(1).all(|response| response.status == 201));
        assert!(done, "the owner cannot restore it");
        self.baseline = self.state().0;
    }
}
