//! The words of notices and codes, in French and in English.
//!
//! Pure. What always holds: what a peer says of itself stands between quotes, on one line, cut short; subjects are of our own words only.

use octroi_gate::Notice;
use octroi_model::{Address, UnixTime};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// Characters of what somebody else has said, such as the name of a program.
const QUOTED_MAX: usize = 80;
/// Characters of a sentence with somebody else's words in it.
const SENTENCE_MAX: usize = 300;

/// A subject and a text.
pub(super) struct Letter {
    pub(super) subject: &'static str,
    pub(super) body: Zeroizing<String>,
}

/// What happened, and what to do, in both languages.
struct Said {
    subject: &'static str,
    french: (String, String),
    english: (String, String),
    /// Facts: their names in both languages.
    facts: Vec<(&'static str, &'static str, String)>,
}

/// A notice to the owner.
pub(super) fn notice(notice: &Notice, at: UnixTime, portal: &str) -> Letter {
    let Said { subject, french, english, facts } = say(notice);
    let (when_french, when_english) = (moment(at, "%d/%m/%Y %H:%M"), moment(at, "%Y-%m-%d %H:%M"));
    let listed = |french: bool| {
        let line = |(fr, en, value): &(&str, &str, String)| if french { format!("{fr} : {value}\n") } else { format!("{en}: {value}\n") };
        facts.iter().map(line).collect::<String>()
    };
    let body = format!(
        "(English below.)\n\n{}\n\nQuand : {when_french}\n{}\n{}\n\nVotre portail : {portal}\n\n--------\n\n\
         {}\n\nWhen: {when_english}\n{}\n{}\n\nYour portal: {portal}\n",
        french.0,
        listed(true),
        french.1,
        english.0,
        listed(false),
        english.1
    );
    Letter { subject, body: Zeroizing::new(body) }
}

// tidy: table
fn say(notice: &Notice) -> Said {
    match notice {
        Notice::LogInWaits { label, service, peer, client } => {
            let mut facts = vec![from(*peer), ("Service", "Service", service.name().to_owned()), app_password(label)];
            facts.extend(client.as_ref().map(|client| ("Programme (selon lui-même)", "Program (by its own account)", quoted(client))));
            Said {
                subject: "Une connexion attend votre accord / A log-in waits for you",
                french: (
                    "Un programme a donné le bon mot de passe d'application depuis un appareil ou un réseau que vous n'avez pas encore \
                     confirmé. Il attend."
                        .to_owned(),
                    "Si c'est vous, confirmez l'appareil dans le portail, puis laissez le programme réessayer. Si ce n'est pas vous, refusez-le \
                     dans le portail : le mot de passe d'application ne vaut alors plus rien."
                        .to_owned(),
                ),
                english: (
                    "A program gave the right app password from a device or network that you have not confirmed yet. It waits.".to_owned(),
                    "If it is you, confirm the device in the portal and let the program try again. If it is not, refuse it in the portal: the app \
                     password then opens nothing any more."
                        .to_owned(),
                ),
                facts,
            }
        }
        Notice::FactorLocked { kind, until } => {
            let (french, english) = factor(kind);
            Said {
                subject: "Second facteur bloqué / Second factor locked",
                french: (
                    format!("Trop de codes faux ont été donnés. Ce second facteur est bloqué pour un moment : {french}."),
                    "Si ce n'est pas vous, quelqu'un a votre mot de passe ou celui d'un de vos programmes : changez le mot de passe et \
                     révoquez les mots de passe d'application que vous ne reconnaissez pas. Votre compte n'est pas bloqué."
                        .to_owned(),
                ),
                english: (
                    format!("Too many wrong codes were given. This second factor is locked for a while: {english}."),
                    "If it was not you, somebody has your password or that of one of your programs: change the password, and revoke the app \
                     passwords that you do not know. Your account is not locked."
                        .to_owned(),
                ),
                facts: vec![("Bloqué jusqu'à", "Locked until", moment(*until, "%Y-%m-%d %H:%M:%S"))],
            }
        }
        Notice::PasswordChanged { peer } => Said {
            subject: "Mot de passe changé / Password changed",
            french: ("Le mot de passe de votre portail a été changé.".to_owned(), not_you(true)),
            english: ("The password of your portal was changed.".to_owned(), not_you(false)),
            facts: vec![from(*peer)],
        },
        Notice::FactorsChanged { what, peer } => {
            let (french, english) = changed(what);
            Said {
                subject: "Second facteur modifié / Second factor changed",
                french: (french, not_you(true)),
                english: (english, not_you(false)),
                facts: vec![from(*peer)],
            }
        }
        Notice::FilterFailed { script, why } => Said {
            subject: "Un filtre ne fonctionne pas / A filter does not work",
            french: (
                "Un de vos filtres n'a pas pu faire ce qu'il dit. Le message est dans votre boîte de réception : rien n'est perdu."
                    .to_owned(),
                "Corrigez le filtre dans votre programme de messagerie. Vous ne recevrez pas d'autre avis tant qu'il reste le même."
                    .to_owned(),
            ),
            english: (
                "One of your filters could not do what it says. The message is in your INBOX: nothing is lost.".to_owned(),
                "Correct the filter in your mail program. You are not told again while it stays the same.".to_owned(),
            ),
            facts: vec![("Filtre", "Filter", quoted(script)), ("Cause", "Reason", long_quoted(why))],
        },
        Notice::AppPasswordMade { label, peer } => Said {
            subject: "Nouveau mot de passe d'application / New app password",
            french: (
                "Un mot de passe d'application a été créé pour votre compte.".to_owned(),
                "Si ce n'est pas vous, révoquez-le dans le portail, changez votre mot de passe, et prévenez votre assistance.".to_owned(),
            ),
            english: (
                "An app password was made for your account.".to_owned(),
                "If it was not you, revoke it in the portal, change your password, and tell those who help you.".to_owned(),
            ),
            facts: vec![app_password(label), from(*peer)],
        },
    }
}

fn from(peer: IpAddr) -> (&'static str, &'static str, String) {
    ("Depuis", "From", peer.to_string())
}

fn app_password(label: &str) -> (&'static str, &'static str, String) {
    ("Mot de passe d'application", "App password", quoted(label))
}

fn not_you(in_french: bool) -> String {
    if in_french {
        "Si ce n'est pas vous, prévenez tout de suite votre assistance : quelqu'un est entré dans votre portail.".to_owned()
    } else {
        "If it was not you, tell those who help you at once: somebody has been in your portal.".to_owned()
    }
}

/// A factor by its name in the audit trail.
fn factor(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "totp" => ("l'application d'authentification", "the authenticator app"),
        "passkey" => ("la clé d'accès", "the passkey"),
        "device" => ("le code envoyé à un appareil", "the code sent to a device"),
        "recovery code" | "recovery codes" => ("les codes de secours", "the recovery codes"),
        "passkey or device" => ("une clé d'accès ou un appareil", "a passkey or a device"),
        _ => ("un second facteur", "a second factor"),
    }
}

/// What happened to a factor, by its words in the audit trail: `second factor enrol: totp`.
fn changed(what: &str) -> (String, String) {
    let (act, kind) = what.split_once(": ").unwrap_or((what, ""));
    let (french, english) = factor(kind);
    match act {
        "second factor enrol" => {
            (format!("Un second facteur a été enregistré : {french}."), format!("A second factor was enrolled: {english}."))
        }
        "second factor remove" => {
            (format!("Un second facteur a été retiré : {french}."), format!("A second factor was removed: {english}."))
        }
        _ => ("Vos seconds facteurs ont changé.".to_owned(), "Your second factors have changed.".to_owned()),
    }
}

/// A code by mail.
pub(super) fn code(organisation: &str, of: &Address, code: &str, minutes: u64) -> Letter {
    let body = format!(
        "(English below.)\n\nVotre code pour le compte {of} ({organisation}) :\n\n    {code}\n\nIl vaut une fois, pendant {minutes} minutes. \
         Ne le donnez à personne : nous ne le demandons jamais par téléphone ni par courriel. Si vous ne l'avez pas demandé, ne faites rien.\n\n\
         --------\n\nYour code for the account {of} ({organisation}):\n\n    {code}\n\nIt counts once, for {minutes} minutes. Give it to nobody: \
         we never ask for it by telephone or mail. If you did not ask for it, do nothing.\n"
    );
    Letter { subject: "Votre code / Your code", body: Zeroizing::new(body) }
}

/// A code as a short message.
pub(super) fn message(organisation: &str, code: &str, minutes: u64) -> Zeroizing<String> {
    Zeroizing::new(format!("{organisation} : code {code}, {minutes} min. Ne le donnez à personne. / Give it to nobody."))
}

/// A moment in the server's time zone.
fn moment(at: UnixTime, format: &str) -> String {
    let Ok(timestamp) = jiff::Timestamp::from_second(at.0) else { return at.0.to_string() };
    timestamp.to_zoned(jiff::tz::TimeZone::system()).strftime(&format!("{format} %Z")).to_string()
}

/// What somebody else has said: on one line, cut short, between quotes.
fn quoted(text: &str) -> String {
    quoted_to(text, QUOTED_MAX)
}

/// The same of what takes a sentence.
fn long_quoted(text: &str) -> String {
    quoted_to(text, SENTENCE_MAX)
}

fn quoted_to(text: &str, characters_max: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(characters_max).collect();
    format!("« {} »", clean.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use octroi_model::Service;

    fn body(told: &Notice) -> String {
        notice(told, UnixTime(1_800_000_000), "https://mail.example/portal/").body.to_string()
    }

    #[test]
    fn every_notice_says_what_when_and_what_to_do_in_both_languages() {
        let peer: IpAddr = "192.0.2.7".parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let label = "portable".to_owned();
        for (told, words) in [
            (
                Notice::LogInWaits { label: label.clone(), service: Service::Imap, peer, client: Some("Thunderbird 140".to_owned()) },
                ["« portable »", "192.0.2.7", "« Thunderbird 140 »", "imap"],
            ),
            (
                Notice::FactorLocked { kind: "totp", until: UnixTime(1_800_000_060) },
                ["authentification", "authenticator app", "2027", "Locked until"],
            ),
            (Notice::PasswordChanged { peer }, ["192.0.2.7", "mot de passe", "password", "assistance"]),
            (
                Notice::FactorsChanged { what: "second factor remove: passkey or device".to_owned(), peer },
                ["retiré", "was removed", "a passkey or a device", "192.0.2.7"],
            ),
            (
                Notice::FilterFailed { script: "vacances".to_owned(), why: "line 3: \"nobody\" is no address".to_owned() },
                ["« vacances »", "line 3", "réception", "nothing is lost"],
            ),
            (Notice::AppPasswordMade { label, peer }, ["« portable »", "192.0.2.7", "révoquez", "revoke"]),
        ] {
            let text = body(&told);
            for word in words.into_iter().chain(["https://mail.example/portal/", "Quand : ", "When: "]) {
                assert!(text.contains(word), "{word} is missing in:\n{text}");
            }
        }
    }

    #[test]
    fn what_a_client_says_of_itself_stays_on_its_line() {
        let client = Some(format!("x\r\n\r\nCliquez ici {}", "y".repeat(300)));
        let text = body(&Notice::LogInWaits { label: String::new(), service: Service::Imap, peer: IpAddr::from([192, 0, 2, 7]), client });
        let line = text.lines().find(|line| line.contains("Cliquez")).unwrap_or_default();
        assert!(line.starts_with("Programme") && line.chars().count() < 140, "{line}");
    }
}
