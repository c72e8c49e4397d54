//! The form for a new app password: what it shows, and the scope that it is understood as.

use super::{app_passwords, step_up};
use crate::form::Form;
use crate::frame::Notice;
use crate::language::Language;
use crate::parts::{Field, boxes, choice, code_field, lines_field, ways};
use crate::texts::app_passwords::{AppPasswords, service_name};
use crate::visitor::Person;
use maud::{Markup, html};
use octroi_gate::{Area, Preset, Scope};
use octroi_model::{Rights, Service, Services, UnixTime};

/// Days after which an app password can end by itself.
const DAYS: [(&str, i64); 3] = [("30", 30), ("90", 90), ("365", 365)];
const SECONDS_PER_DAY: i64 = 86_400;
/// What a new device or network can be asked beyond what the profile says, as the gate reads it.
const CONFIRM: [&str; 4] = ["device", "12h", "1d", "7d"];

/// The form; `form`: what was filled in before.
pub(crate) fn show(person: &Person, form: &Form, notice: &Notice) -> Markup {
    let language = person.language();
    let texts = AppPasswords::of(language);
    let label = Field {
        id: "label",
        label: texts.label,
        fill: "off",
        hint: Some(texts.label_hint),
        value: Some(form.get("label")),
        characters_max: Some(100),
        ..Field::default()
    };
    let ticked = |field: &str, name: &str| form.all(field).any(|ticked| ticked == name);
    let own = person.session.services();
    let offered = Service::ALL.into_iter().filter(|(service, _)| own.contains(*service));
    let services: Vec<_> = offered.map(|(service, name)| (name, service_name(language, service), ticked("service", name))).collect();
    let chosen = preset_of(form).unwrap_or(Preset::Full);
    let presets = Preset::ALL.map(|(preset, name)| {
        let (title, sentence) = preset_texts(texts, preset);
        (name, title, sentence, preset == chosen)
    });
    let known = person.session.zones();
    let zones: Vec<_> = known.iter().map(|zone| (zone.as_str(), zone.as_str(), ticked("zone", zone))).collect();
    let in_days = [texts.in_30_days, texts.in_90_days, texts.in_365_days];
    let mut ends = vec![("", texts.never, form.get("days").is_empty())];
    ends.extend(DAYS.iter().zip(in_days).map(|((value, _), label)| (*value, label, form.get("days") == *value)));
    let mut confirm = vec![("", texts.confirm_profile, form.get("confirm").is_empty())];
    let each = [texts.confirm_device, texts.confirm_12h, texts.confirm_1d, texts.confirm_7d];
    confirm.extend(CONFIRM.iter().zip(each).map(|(value, label)| (*value, label, form.get("confirm") == *value)));
    let examples = html! {
        (texts.folders_none) " " (texts.folders_hint)
        " " code { "mail/INBOX" } ", " code { "mail/Archives/**" } ", " code { "calendars/*" } ", " code { "files/Actes/**" }
    };
    let fields = html! {
        (label.show(language, notice))
        (boxes("service", texts.services, None, &services, notice))
        (ways("preset", texts.access, &presets, notice))
        (lines_field("folders", texts.folders, &examples, form.get("folders"), 4, notice))
        (boxes("zone", texts.zones, Some(texts.zones_hint), &zones, notice))
        (choice("days", texts.expires, &ends))
        (choice("confirm", texts.confirm, &confirm))
        @if person.session.fresh().is_none() {
            (code_field(language, notice, false))
            (step_up::other_ways(person, &app_passwords::PLACE))
        }
    };
    person.form(app_passwords::PLACE.path, texts.make, &fields)
}

/// What was asked for, or what is wrong with it.
pub(crate) fn scope(form: &Form, own: Services, language: Language) -> Result<Scope, Notice> {
    let texts = AppPasswords::of(language);
    let mut services = Services::NONE;
    for name in form.all("service") {
        services = services.with(Service::parse(name).ok_or_else(|| Notice::field(texts.services_bad, "service"))?);
    }
    if services == Services::NONE || !services.is_within(own) {
        return Err(Notice::field(texts.services_bad, "service"));
    }
    let preset = preset_of(form).ok_or_else(|| Notice::field(texts.preset_bad, "preset"))?;
    if preset == Preset::Draft && services.contains(Service::Submission) {
        return Err(Notice::field(texts.draft_sends, "preset"));
    }
    let folders = form.lines("folders");
    if !folders.iter().all(|pattern| names_an_area(pattern)) {
        return Err(Notice::field(texts.folders_bad, "folders"));
    }
    let expires = match form.get("days") {
        "" => None,
        chosen => {
            let found = DAYS.into_iter().find(|(value, _)| *value == chosen);
            let (_, days) = found.ok_or_else(|| Notice::field(texts.choice_bad, "days"))?;
            Some(UnixTime(UnixTime::now().0 + days * SECONDS_PER_DAY))
        }
    };
    let confirm = match form.get("confirm") {
        "" => None,
        chosen if CONFIRM.contains(&chosen) => Some(chosen.to_owned()),
        _ => return Err(Notice::field(texts.choice_bad, "confirm")),
    };
    Ok(Scope { zones: form.all("zone").map(str::to_owned).collect(), expires, confirm, ..preset.scope(services, &folders) })
}

fn preset_of(form: &Form) -> Option<Preset> {
    match form.get("preset") {
        "" => Some(Preset::Full),
        name => Preset::parse(name),
    }
}

/// A pattern begins with one of the areas, or with a star for several.
fn names_an_area(pattern: &str) -> bool {
    let first = pattern.split('/').next().unwrap_or("");
    first.contains('*') || Area::ALL.iter().any(|(_, name)| *name == first)
}

fn preset_texts(texts: &AppPasswords, preset: Preset) -> (&'static str, &'static str) {
    match preset {
        Preset::Full => (texts.full, texts.full_why),
        Preset::Read => (texts.read, texts.read_why),
        Preset::Organise => (texts.organise, texts.organise_why),
        Preset::Drop => (texts.dropping, texts.dropping_why),
        Preset::Draft => (texts.draft, texts.draft_why),
    }
}

/// What an app password may do, in words: its preset, or the letters that it was narrowed to elsewhere.
pub(crate) fn access_name(language: Language, preset: Option<&str>, rights: Rights) -> String {
    let texts = AppPasswords::of(language);
    match preset.and_then(Preset::parse) {
        Some(preset) => preset_texts(texts, preset).0.to_owned(),
        None if rights == Rights::ALL => texts.full.to_owned(),
        None => rights.to_string(),
    }
}

/// The zones that an app password was narrowed to.
pub(crate) fn zone_names(language: Language, zones: &[String]) -> String {
    let texts = AppPasswords::of(language);
    if zones.is_empty() { texts.all_zones.to_owned() } else { format!("{} {}", texts.from_zones, zones.join(", ")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scope, Notice> {
        scope(&Form::parse(text.as_bytes()).unwrap(), Services::ALL, Language::English)
    }

    #[test]
    fn a_scope_holds_what_was_chosen_and_nothing_else() {
        let narrow = read(
            "service=imap&service=files&preset=read&folders=mail%2FINBOX%0D%0A%0D%0A+files%2FActes%2F**+&zone=office&days=30&confirm=12h",
        );
        let narrow = narrow.unwrap();
        assert_eq!(narrow.services, Services::NONE.with(Service::Imap).with(Service::Files));
        let patterns: Vec<&str> = narrow.folders.iter().map(|(pattern, _)| pattern.as_str()).collect();
        assert_eq!(patterns, ["mail/INBOX", "files/Actes/**"]);
        assert!(narrow.folders.iter().all(|(_, rights)| rights.to_string() == "lrs"));
        assert_eq!((narrow.zones.as_slice(), narrow.confirm.as_deref()), (&["office".to_owned()][..], Some("12h")));
        let in_days = narrow.expires.unwrap().0 - UnixTime::now().0;
        assert!((30 * SECONDS_PER_DAY - 5..=30 * SECONDS_PER_DAY).contains(&in_days));
        let wide = read("service=caldav").unwrap();
        assert_eq!((wide.rights, wide.expires, wide.folders.len(), wide.zones.len()), (Rights::ALL, None, 0, 0));
    }

    #[test]
    fn what_is_not_understood_is_not_taken_for_less() {
        let wrong = [
            ("", "service"),
            ("service=root", "service"),
            ("service=imap&preset=admin", "preset"),
            ("service=imap&service=submission&preset=draft", "preset"),
            ("service=imap&folders=INBOX", "folders"),
            ("service=imap&days=-1", "days"),
            ("service=imap&days=99999", "days"),
            ("service=imap&confirm=never", "confirm"),
        ];
        for (bad, field) in wrong {
            assert!(matches!(read(bad), Err(Notice::Fault(_, Some(at))) if at == field), "{bad}");
        }
        let few = Services::NONE.with(Service::Imap);
        assert!(scope(&Form::parse(b"service=files").unwrap(), few, Language::English).is_err(), "no more than the profile has");
    }
}
