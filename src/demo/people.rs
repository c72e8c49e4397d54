//! Who works at the sample directorate, and with whom they share.

use crate::demo::{DOMAIN, Person};
use crate::made_up;
use octroi_gate::{Admin, Area, Identifier, NewAccount, Refusal, Scope};
use octroi_model::{Address, Name, Path, Rights, Services};

/// Owner of the shared documents.
pub(crate) const DOCUMENTS: &str = "documents";
/// Who plans the team.
pub(crate) const TEAM_LEAD: &str = "hugo.bernard";
/// The importer outside the administration.
pub(crate) const OPERATOR: &str = "transit.nord";

/// Local part, name, profile.
const PEOPLE: [(&str, &str, &str); 5] = [
    ("lea.martin", "Léa Martin", "agent"),
    ("paul.durand", "Paul Durand", "agent"),
    (OPERATOR, "Transit du Nord SARL", "operator"),
    ("claire.petit", "Claire Petit", "document-manager"),
    (TEAM_LEAD, "Hugo Bernard", "team-lead"),
];

pub(crate) fn address(local: &str) -> Result<Address, String> {
    Address::new(local, DOMAIN).map_err(|e| e.to_string())
}

/// Make the accounts with all their credentials.
pub(crate) async fn hire(admin: &Admin) -> Result<Vec<Person>, String> {
    let mut people = Vec::new();
    for (local, name, profile) in PEOPLE {
        let address = address(local)?;
        let password = made_up::password()?;
        let new = NewAccount { address: &address, display_name: name, profile, password: Some(&password), remote_access: false };
        admin.add_account(new).await.map_err(|e| format!("{address}: {e}"))?;
        let totp = admin.enrol_totp(&address).await.map_err(|e| format!("{address}: {e}"))?;
        people.push(Person {
            app_password: mint(admin, &address, services_of(profile), "demo").await?,
            address: address.to_string(),
            profile: profile.to_owned(),
            password: Some(password),
            totp_secret: Some(totp.secret_base32.to_string()),
            files: String::new(),
            calendars: String::new(),
        });
    }
    Ok(people)
}

/// Make one plain account whose app password is enough by itself.
pub(crate) async fn plain(admin: &Admin, address: &Address) -> Result<Person, String> {
    let new = NewAccount { address, display_name: "", profile: "plain", password: None, remote_access: true };
    admin.add_account(new).await.map_err(|e| format!("{address}: {e}"))?;
    Ok(Person {
        app_password: mint(admin, address, Services::ALL, "load test").await?,
        address: address.to_string(),
        profile: "plain".to_owned(),
        password: None,
        totp_secret: None,
        files: String::new(),
        calendars: String::new(),
    })
}

/// An app password.
pub(crate) async fn mint(admin: &Admin, address: &Address, services: Services, label: &str) -> Result<String, String> {
    let scope = Scope::of(services);
    admin.mint_app_password(address, scope, label).await.map(|m| m.secret.to_string()).map_err(|e| format!("{address}: {e}"))
}

/// The sample profiles give operators mail and documents only.
fn services_of(profile: &str) -> Services {
    use octroi_model::Service::{Files, Imap, Submission};
    if profile == "operator" { Services::NONE.with(Imap).with(Submission).with(Files) } else { Services::ALL }
}

/// Share the documents and the team's calendar. What a profile does not allow stays closed whatever is granted here.
pub(crate) async fn share(admin: &Admin) -> Result<(), String> {
    let documents = address(DOCUMENTS)?;
    let to = |profile: &str, letters: &str| (Identifier::Profile(profile.to_owned()), Rights::parse(letters).unwrap_or_default());
    let everyone = [to("agent", "lrswipkte"), to("document-manager", "lrswipkxtea"), to("team-lead", "lrswikte")];
    admin.share(&documents, Area::Files, &Path::top(), &everyone).await.map_err(refused)?;
    let mut exchange = everyone.to_vec();
    exchange.push(to("operator", "lri"));
    admin.share(&documents, Area::Files, &path(&["Echanges", "Transit du Nord"])?, &exchange).await.map_err(refused)?;
    let calendar = [to("agent", "lr"), to("document-manager", "lr")];
    admin.share(&address(TEAM_LEAD)?, Area::Calendars, &path(&["equipe"])?, &calendar).await.map_err(refused)
}

/// A path of valid names.
pub(crate) fn path(names: &[&str]) -> Result<Path, String> {
    let names = names.iter().map(|n| Name::new(n)).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    Path::from_names(names).map_err(|e| e.to_string())
}

fn refused(refusal: Refusal) -> String {
    refusal.to_string()
}
