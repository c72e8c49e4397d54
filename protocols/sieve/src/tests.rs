//! Whole scripts over whole messages: the RFCs' own examples, what people get wrong, and whatever anybody can make up.

use crate::{Action, AutoReply, Facts, Fault, Filing, Limits, Mailboxes, Refusing, Unanswered, Verdict, compile, may_answer};
use octroi_model::Address;
use proptest::prelude::*;

/// RFC 5228 section 9, message B and the like.
const MESSAGE: &str = "Return-Path: <coyote@desert.example.org>\r\nReceived: from a by b; Tue, 01 Apr 1997 09:06:31 -0800\r\n\
    Date: Tue, 1 Apr 1997 09:06:31 -0800 (PST)\r\nFrom: coyote@desert.example.org\r\nTo: roadrunner+birds@acme.example.com\r\n\
    Cc: Someone <x@y.example>, z@y.example\r\nSubject: I have a =?utf-8?q?pr=C3=A9sent?= for you\r\nX-Score: 12\r\n\
    MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    Look, I'm sorry about the whole anvil thing=2E caf=E9\r\n";

struct Few;

impl Mailboxes for Few {
    fn exists(&self, mailbox: &str) -> bool {
        matches!(mailbox, "INBOX" | "lists" | "Partners")
    }
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn run_on(script: &str, message: &str, from: Option<&str>) -> Result<Verdict, Fault> {
    let script = compile(script, &Limits::default())?;
    let (from, to) = (from.map(address), address("roadrunner+birds@acme.example.com"));
    script.run(&Facts {
        octets: message.as_bytes(),
        bytes: message.len() as u64,
        from: from.as_ref(),
        to: &to,
        now: 1_700_000_000,
        mailboxes: &Few,
    })
}

fn run(script: &str) -> Vec<Action> {
    run_on(script, MESSAGE, Some("coyote@desert.example.org")).unwrap().actions
}

fn fault(script: &str) -> String {
    run_on(script, MESSAGE, Some("coyote@desert.example.org")).unwrap_err().to_string()
}

fn into(mailbox: &str) -> Action {
    Action::File(Filing { mailbox: Some(mailbox.to_owned()), ..Filing::default() })
}

fn keep() -> Action {
    Action::File(Filing::default())
}

fn flagged(mailbox: Option<&str>, flags: &[&str]) -> Action {
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Action::File(Filing { mailbox: mailbox.map(str::to_owned), create: false, flags })
}

/// Does the test hold?
fn holds(require: &str, test: &str) -> bool {
    let all = format!("require [{require}\"fileinto\"];\nif {test} {{ fileinto \"yes\"; }}");
    let actions = run(&all);
    assert!(actions == [into("yes")] || actions == [keep()], "{test}: {actions:?}");
    actions == [into("yes")]
}

#[test]
fn rfc_5228_actions() {
    assert_eq!(run(""), [keep()]);
    assert_eq!(run("keep; keep;"), [keep()]);
    assert_eq!(run("discard;"), []);
    assert_eq!(run("discard; keep;"), [keep()]);
    assert_eq!(run("require \"fileinto\"; fileinto \"INBOX\"; keep;"), [keep()]);
    assert_eq!(run("require \"fileinto\"; fileinto \"a\"; fileinto \"b\"; fileinto \"a\";"), [into("a"), into("b")]);
    assert_eq!(run("redirect \"bart@example.com\";"), [Action::Redirect(address("bart@example.com"))]);
    assert_eq!(run("stop; discard;"), [keep()]);
    // RFC 3894 section 3.
    let copied = run("require [\"copy\", \"fileinto\"]; redirect :copy \"bart@example.com\"; fileinto :copy \"a\";");
    assert_eq!(copied, [Action::Redirect(address("bart@example.com")), into("a"), keep()]);
}

/// RFC 5228 section 9.
#[test]
fn rfc_5228_extended_example() {
    let script = r#"
        # Example Sieve Filter
        require ["fileinto"];
        if header :is "Sender" "owner-ietf-mta-filters@imc.org" {
            fileinto "filter";
        } elsif address :DOMAIN :is ["From", "To"] "example.com" {
            keep;
        } elsif anyof (NOT address :all :contains ["To", "Cc", "Bcc"] "me@example.com",
                       header :matches "subject" ["*make*money*fast*", "*university*dipl*mas*"]) {
            fileinto "spam";
        } else { fileinto "personal"; }
    "#;
    assert_eq!(run(script), [into("spam")]);
    let to_me = MESSAGE.replace("Cc: ", "Cc: me@example.com, ");
    assert_eq!(run_on(script, &to_me, None).unwrap().actions, [into("personal")]);
    let fast = to_me.replace("I have a", "MAKE lots of Money FAST");
    assert_eq!(run_on(script, &fast, None).unwrap().actions, [into("spam")]);
}

#[test]
fn rfc_5228_tests() {
    for (test, expected) in [
        ("true", true),
        ("not true", false),
        ("allof (true, not false)", true),
        ("anyof (false, false)", false),
        ("header \"X-score\" \"12\"", true),
        ("header :contains \"subject\" \"PRÉSENT\"", false),
        ("header :contains \"subject\" \"présent\"", true),
        ("header :contains \"x-missing\" \"\"", false),
        ("header :contains \"to\" \"\"", true),
        ("header :comparator \"i;octet\" :contains \"subject\" \"HAVE\"", false),
        ("header :contains \"subject\" \"HAVE\"", true),
        ("header :matches \"subject\" \"I have a*\"", true),
        ("exists [\"From\", \"Date\"]", true),
        ("exists [\"From\", \"X-Nothing\"]", false),
        ("size :over 100K", false),
        ("size :over 10", true),
        ("size :under 1M", true),
        ("address :is :all \"from\" \"Coyote@Desert.example.org\"", true),
        ("address :localpart \"from\" \"coyote\"", true),
        ("address :domain :is [\"cc\"] \"y.example\"", true),
        ("address :all \"cc\" \"Someone\"", false),
    ] {
        assert_eq!(holds("", test), expected, "{test}");
    }
    for (test, expected) in [
        ("envelope :all :is \"from\" \"coyote@desert.example.org\"", true),
        ("envelope \"to\" \"roadrunner+birds@acme.example.com\"", true),
        ("envelope :domain \"to\" \"acme.example.com\"", true),
    ] {
        assert_eq!(holds("\"envelope\", ", test), expected, "{test}");
    }
    let null = "require [\"envelope\", \"fileinto\"]; if envelope :localpart \"from\" \"\" { fileinto \"yes\"; }";
    assert_eq!(run_on(null, MESSAGE, None).unwrap().actions, [into("yes")]);
}

#[test]
fn lexical_forms() {
    let multi =
        "require \"fileinto\"; if header \"X-Score\" text: # a comment\r\n12\r\n.\r\n { keep; }\r\nfileinto text:\n..dots\nand more\n.\n;";
    // Control characters are in no name of a mailbox.
    assert!(fault(multi).contains("no name of a mailbox"), "{}", fault(multi));
    assert_eq!(run("/* a\n * comment */ require \"fileinto\"; fileinto \"a\\\"b\\\\c\\d\"; # end"), [into("a\"b\\cd")]);
    let encoded = "require [\"encoded-character\", \"fileinto\"]; fileinto \"${unicode:41}${hex:42 43}\";";
    assert_eq!(run(encoded), [into("ABC")]);
    assert_eq!(run("require \"fileinto\"; fileinto \"${unicode:41}\";"), [into("${unicode:41}")]);
}

/// RFC 5429.
#[test]
fn rfc_5429_refusals() {
    let reason = "I am not taking mail from you.\r\n";
    let refused = |bounce| vec![Action::Refuse(Refusing { reason: reason.to_owned(), bounce })];
    assert_eq!(run(&format!("require \"reject\"; reject text:\r\n{reason}.\r\n;")), refused(false));
    assert_eq!(run(&format!("require \"ereject\"; ereject text:\r\n{reason}.\r\n;")), refused(true));
    for other in ["keep;", "redirect \"a@b.example\";", "vacation \"x\";", "reject \"x\";"] {
        let script = format!("require [\"reject\", \"vacation\"]; reject \"x\"; {other}");
        assert!(fault(&script).contains("no other action"), "{other}");
        assert!(fault(&format!("require [\"reject\", \"vacation\"]; {other} reject \"x\";")).contains("no other action"), "{other}");
    }
}

/// RFC 5231 sections 7 and 8.
#[test]
fn rfc_5231_relations() {
    let require = "\"relational\", \"comparator-i;ascii-numeric\", ";
    for (test, expected) in [
        ("address :count \"ge\" [\"to\", \"cc\"] [\"3\"]", true),
        ("address :count \"gt\" [\"to\", \"cc\"] [\"3\"]", false),
        ("header :count \"eq\" \"received\" \"1\"", true),
        ("header :value \"lt\" :comparator \"i;ascii-numeric\" \"x-score\" [\"100\"]", true),
        ("header :value \"lt\" \"x-score\" [\"100\"]", false),
        ("header :value \"GE\" :comparator \"i;ascii-numeric\" [\"x-score\"] [\"12\"]", true),
    ] {
        assert_eq!(holds(require, test), expected, "{test}");
    }
}

/// RFC 5233 section 4.
#[test]
fn rfc_5233_subaddresses() {
    for (test, expected) in [
        ("envelope :detail \"to\" \"birds\"", true),
        ("envelope :user \"to\" \"roadrunner\"", true),
        ("envelope :detail \"from\" \"\"", false),
        ("address :user \"from\" \"coyote\"", true),
        ("address :detail \"to\" \"BIRDS\"", true),
    ] {
        assert_eq!(holds("\"envelope\", \"subaddress\", ", test), expected, "{test}");
    }
}

/// RFC 5232 section 3 to 5.
#[test]
fn rfc_5232_flags() {
    let with = |rest: &str| run(&format!("require [\"imap4flags\", \"fileinto\", \"variables\", \"relational\"];\n{rest}"));
    assert_eq!(with("setflag \"\\\\Deleted\";"), [flagged(None, &["\\Deleted"])]);
    assert_eq!(
        with("addflag \"\\\\Deleted\"; addflag [\"\\\\Answered \\\\deleted\", \"$Mine\"];"),
        [flagged(None, &["\\Deleted", "\\Answered", "$Mine"])]
    );
    assert_eq!(with("setflag [\"a\", \"b\"]; removeflag \"A\";"), [flagged(None, &["b"])]);
    assert_eq!(
        with("setflag \"a\"; fileinto :flags \"\\\\Flagged\" \"x\"; fileinto \"y\";"),
        [flagged(Some("x"), &["\\Flagged"]), flagged(Some("y"), &["a"])]
    );
    assert_eq!(with("setflag \"mine\" \"a b\"; addflag \"mine\" \"c\"; keep :flags \"${mine}\";"), [flagged(None, &["a", "b", "c"])]);
    assert_eq!(with("setflag \"\\\\Recent \\\\Own bad(name good\";"), [flagged(None, &["good"])]);
    assert_eq!(with("setflag \"a b\"; if hasflag :is \"b A\" { discard; }"), []);
    assert_eq!(with("setflag \"f\" \"Junk NonJunk\"; if hasflag :contains \"f\" \"junk\" { discard; }"), []);
    assert_eq!(with("setflag \"f\" \"a b\"; if hasflag :count \"ge\" \"f\" \"2\" { discard; }"), []);
}

/// RFC 5229 sections 3 and 4.
#[test]
fn rfc_5229_variables() {
    let with = |rest: &str| run(&format!("require [\"variables\", \"fileinto\", \"envelope\"];\n{rest}"));
    assert_eq!(with("set \"name\" \"Ethelbert\"; fileinto \"x ${NAME} ${nobody}\";"), [into("x Ethelbert ")]);
    let lists = "if header :matches \"Subject\" \"* a * for *\" { fileinto \"lists/${1}-${3}\"; }";
    assert_eq!(with(lists), [into("lists/I have-you")]);
    let modified = "set \"a\" \"juMBlEd lETteRS\"; set :length \"b\" \"${a}\"; set :lower \"b1\" \"${a}\"; set :upperfirst \"c\" \"${a}\"; \
        set :upperfirst :lower \"d\" \"${a}\"; set :quotewildcard \"e\" \"Rock*\"; fileinto \"${b}|${b1}|${c}|${d}|${e}\";";
    assert_eq!(with(modified), [into("15|jumbled letters|JuMBlEd lETteRS|Jumbled letters|Rock\\*")]);
    // Each wildcard as short as can be; `${0}` is the whole.
    let nested = "if string :matches \"frop@example.com\" \"*@*.*\" { fileinto \"${0} ${1} ${2} ${3} ${4}\"; }";
    assert_eq!(with(nested), [into("frop@example.com frop example com ")]);
}

/// RFC 5260 sections 4, 5 and 6.
#[test]
fn rfc_5260_dates() {
    let require = "\"date\", \"relational\", \"index\", ";
    for (test, expected) in [
        ("date :zone \"-0800\" \"date\" \"hour\" \"09\"", true),
        ("date \"date\" \"hour\" \"17\"", true),
        ("date :originalzone \"date\" \"hour\" \"09\"", true),
        ("date :value \"ge\" \"date\" \"year\" \"1997\"", true),
        ("date \"received\" \"date\" \"1997-04-01\"", true),
        ("date \"subject\" \"year\" \"1997\"", false),
        ("currentdate \"year\" \"2023\"", true),
        ("currentdate :value \"ge\" \"date\" \"2024-01-01\"", false),
        ("currentdate \"weekday\" [\"2\"]", true),
        ("header :index 1 \"received\" \"from a by b; Tue, 01 Apr 1997 09:06:31 -0800\"", true),
        ("header :index 2 :contains \"received\" \"from a\"", false),
        ("header :index 1 :last :contains \"received\" \"from a\"", true),
    ] {
        assert_eq!(holds(require, test), expected, "{test}");
    }
}

#[test]
fn rfc_5173_bodies_and_rfc_5490_mailboxes() {
    for (test, expected) in [
        ("body :contains \"anvil\"", true),
        ("body :text :contains \"thing. café\"", true),
        ("body :raw :contains \"thing=2E\"", true),
        ("body :content \"text/plain\" :contains \"anvil\"", true),
        ("body :content [\"application\", \"text/html\"] :contains \"anvil\"", false),
        ("mailboxexists \"Partners\"", true),
        ("mailboxexists [\"Partners\", \"Nowhere\"]", false),
    ] {
        assert_eq!(holds("\"body\", \"mailbox\", ", test), expected, "{test}");
    }
    let created = run("require [\"mailbox\", \"fileinto\"]; fileinto :create \"New\";");
    assert_eq!(created, [Action::File(Filing { mailbox: Some("New".to_owned()), create: true, flags: Vec::new() })]);
}

#[test]
fn rfc_5230_vacation() {
    let script = "require [\"vacation\", \"vacation-seconds\"];\nvacation :days 23 :addresses [\"tjs@example.edu\", \"ts4z@landru.example.edu\"] \"I'm away.\";";
    let expected = AutoReply {
        seconds: 23 * 86_400,
        subject: None,
        from: None,
        addresses: vec!["tjs@example.edu".to_owned(), "ts4z@landru.example.edu".to_owned()],
        reason: "I'm away.".to_owned(),
        mime: false,
        handle: "\0\0false\0I'm away.".to_owned(),
    };
    assert_eq!(run(script), [Action::Answer(expected), keep()]);
    assert!(fault("require \"vacation\"; vacation \"a\"; vacation \"b\";").contains("once"));
    // RFC 6131.
    let seconds = run("require \"vacation-seconds\"; vacation :seconds 1800 :handle \"h\" :subject \"s\" \"x\";");
    assert!(matches!(&seconds[0], Action::Answer(reply) if reply.seconds == 1800 && reply.handle == "h"), "{seconds:?}");
}

#[test]
fn programs_and_lists_get_no_answer() {
    let Action::Answer(reply) = run("require \"vacation\"; vacation :addresses \"other@acme.example.com\" \"x\";").remove(0) else {
        panic!()
    };
    let (own, to) = ([address("roadrunner@acme.example.com")], address("roadrunner+birds@acme.example.com"));
    let ask = |message: &str, from: Option<&str>| {
        let from = from.map(address);
        let (octets, bytes) = (message.as_bytes(), 0);
        let facts = Facts { octets, bytes, from: from.as_ref(), to: &to, now: 0, mailboxes: &() };
        may_answer(&facts, |address| own.iter().any(|one: &octroi_model::Address| one.key() == address.key()), &reply)
            .map(ToString::to_string)
    };
    let coyote = Some("coyote@desert.example.org");
    assert_eq!(ask(MESSAGE, coyote).unwrap(), "coyote@desert.example.org");
    assert_eq!(ask(MESSAGE, None), Err(Unanswered::NullSender));
    for field in ["Auto-Submitted: auto-replied", "List-Id: <x.example>", "Precedence: bulk", "X-Auto-Response-Suppress: All"] {
        assert_eq!(ask(&format!("{field}\r\n{MESSAGE}"), coyote), Err(Unanswered::Automatic), "{field}");
    }
    assert!(ask(&format!("Auto-Submitted: no\r\n{MESSAGE}"), coyote).is_ok());
    for robot in ["MAILER-DAEMON@x.example", "owner-list@x.example", "list-request@x.example", "no-reply@x.example"] {
        assert_eq!(ask(MESSAGE, Some(robot)), Err(Unanswered::Automatic), "{robot}");
    }
    assert_eq!(ask(MESSAGE, Some("Roadrunner@acme.example.com")), Err(Unanswered::Oneself));
    let unnamed = MESSAGE.replace("To: roadrunner+birds", "To: somebody");
    assert_eq!(ask(&unnamed, coyote), Err(Unanswered::NotNamed));
    let aliased = MESSAGE.replace("To: roadrunner+birds@", "Bcc: other@");
    assert!(ask(&aliased, coyote).is_ok());
}

#[test]
fn faults_name_the_line_and_what_to_do() {
    for (script, expected) in [
        ("keep", "line 1: `;` or an argument is expected, not the end of the script"),
        ("\n\nfileinto \"x\";", "line 3: `fileinto` needs `require \"fileinto\";` at the beginning of the script"),
        ("require \"regex\";", "line 1: this server has no extension \"regex\""),
        ("keep;\nrequire \"fileinto\";", "line 2: `require` stands before all other commands"),
        ("frob;", "line 1: there is no command `frob`"),
        ("header \"a\" \"b\";", "line 1: `header` is a test: it belongs behind `if`"),
        ("if frob { keep; }", "line 1: there is no test `frob`"),
        ("if true keep;", "line 1: `true` takes no test"),
        ("if true { keep; ", "line 1: a command or `}` is expected, not the end of the script"),
        ("else { keep; }", "line 1: `else` stands behind the block of an `if` or `elsif` only"),
        ("redirect \"nobody\";", "line 1: \"nobody\" is no address: an address needs a local part and a domain"),
        ("keep \"x\";", "line 1: `keep` has an argument too many"),
        ("keep :flags \"x\";", "line 1: `:flags` needs `require \"imap4flags\";` at the beginning of the script"),
        ("if header :is :contains \"a\" \"b\" { }", "line 1: `header` takes one of `:is`, `:contains`, `:matches`, `:count` and `:value`"),
        ("if header \"a\" :is \"b\" { }", "line 1: `:is` belongs before the other arguments of `header`"),
        ("if address \"subject\" \"b\" { }", "line 1: the field \"subject\" holds no addresses: use `header`"),
        ("keep; \"x", "line 1: the string that begins here has no end"),
        ("/* x", "line 1: the comment that begins here has no `*/`"),
        ("if size :over 99999999999 { }", "line 1: numbers go up to 4294967295"),
        ("if header [] \"b\" { }", "line 1: a string is expected in the list, not `]`"),
        ("require \"variables\"; set :lower :upper \"a\" \"b\";", "line 1: `:upper` does not go with its opposite"),
        ("require \"variables\"; set \"1a\" \"b\";", "line 1: the name of a variable is letters, digits and `_`, beginning with a letter"),
    ] {
        assert_eq!(fault(script), expected, "{script}");
    }
}

#[test]
fn what_a_script_may_make_us_do_is_limited() {
    let deep = |count: usize, before: &str, middle: &str, after: &str| format!("{}{middle}{}", before.repeat(count), after.repeat(count));
    assert!(fault(&deep(40, "if true {", "keep;", "}")).contains("nested"));
    assert!(fault(&format!("if {} true {{ keep; }}", "not ".repeat(10_000))).contains("nested"));
    assert!(fault(&format!("if {}true{} {{ }}", "allof (".repeat(5_000), ")".repeat(5_000))).contains("nested"));
    assert_eq!(run(&deep(30, "if true {", "discard;", "}")), []);
    assert!(fault(&"keep;".repeat(20_000)).contains("larger than"));
    let five: String = (0..5).map(|n| format!("redirect \"a{n}@b.example\";")).collect();
    assert!(fault(&five).contains("4 addresses at most"));
    let many: String = (0..33).map(|n| format!("fileinto \"a{n}\";")).collect();
    assert!(fault(&format!("require \"fileinto\"; {many}")).contains("32 actions at most"));
    let doubled = format!("require \"variables\"; set \"a\" \"0123456789\"; {}", "set \"a\" \"${a}${a}\";".repeat(200));
    assert_eq!(run(&doubled), [keep()]);
    let names: String = (0..129).map(|n| format!("set \"v{n}\" \"\";")).collect();
    assert!(fault(&format!("require \"variables\"; {names}")).contains("128 variables at most"));
}

/// A message and a script made to take long: the run ends soon, with a fault, in debug builds too.
#[test]
fn no_script_takes_long() {
    let message = format!("Subject: {}\r\n\r\n{}", "a".repeat(60_000), "a".repeat(1 << 20));
    let started = std::time::Instant::now();
    let wild = "if header :matches \"subject\" \"*?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b\" { keep; }\n".repeat(500);
    let found = run_on(&wild, &message, None).unwrap_err();
    assert!(found.text.contains("too much to do"), "{found}");
    let bodies = format!("require \"body\";{}", "if body :raw :matches \"*b*\" { keep; }\n".repeat(500));
    assert!(run_on(&bodies, &message, None).unwrap_err().text.contains("too much to do"));
    assert!(started.elapsed() < std::time::Duration::from_mins(1), "{:?}", started.elapsed());
}

/// Pieces from which scripts are put together, right and wrong.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        Just("require [\"fileinto\",\"variables\",\"imap4flags\",\"relational\",\"date\",\"body\",\"vacation\",\"envelope\",\"index\"];"),
        Just("if"),
        Just("elsif"),
        Just("else"),
        Just("{"),
        Just("}"),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just(","),
        Just(";"),
        Just("true"),
        Just("not"),
        Just("allof"),
        Just("header"),
        Just("address"),
        Just("size"),
        Just("body"),
        Just("date"),
        Just(":matches"),
        Just(":is"),
        Just(":count"),
        Just(":over"),
        Just(":index"),
        Just(":days"),
        Just(":flags"),
        Just("\"ge\""),
        Just("7"),
        Just("\"subject\""),
        Just("\"*a?*\""),
        Just("\"${1}${a}\""),
        Just("\"year\""),
        Just("fileinto"),
        Just("keep"),
        Just("set"),
        Just("vacation"),
        Just("setflag"),
        Just("hasflag"),
        Just("stop"),
        Just("text:\n.\n"),
        Just("/*"),
        Just("\""),
        Just("#"),
        Just("é"),
    ];
    proptest::collection::vec(words, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_panics(script in ".{0,200}", message in proptest::collection::vec(any::<u8>(), 0..200)) {
        let message = String::from_utf8_lossy(&message).into_owned();
        let _ = run_on(&script, &message, None);
    }

    #[test]
    fn no_script_panics(script in pieces(), message in "(Subject: [ab*?é]{0,20}\r\n|Date: 1 Apr 1997\r\n|\r\n|[a-z:; ]{0,10}){0,8}") {
        let _ = run_on(&script, &message, None);
    }

    #[test]
    fn a_changed_script_does_not_panic(at in 0usize..2000, with in any::<char>()) {
        let script = "require [\"fileinto\", \"variables\", \"date\", \"vacation\"];\nif anyof (header :matches \"Subject\" \"*a*\", not size :over 1K, \
            date :zone \"+0100\" \"date\" \"year\" \"1997\") { set :lower \"x\" \"${1}\"; fileinto \"a/${x}\"; } elsif true { vacation :days 3 \
            :addresses [\"a@b.example\"] text:\nAway\n.\n; } else { keep; } # end\n";
        let mut characters: Vec<char> = script.chars().collect();
        let at = at % characters.len();
        characters[at] = with;
        let _ = run_on(&characters.into_iter().collect::<String>(), MESSAGE, None);
    }
}
