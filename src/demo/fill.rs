//! Fill the sample organisation: through log-ins, as the people's own programs would.

use crate::demo::people::{self, DOCUMENTS, TEAM_LEAD};
use crate::demo::{Person, content};
use octroi_gate::{
    Admin, Area, Bind, Channel, Content, Credentials, FolderAt, Gate, Login, MakeFolder, NewAccount, Policy, Refusal, ReturnPath, Session,
};
use octroi_model::{Address, CollectionKind, Name, Path, Service, Services, UnixTime};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Make everything; `progress` is told what is being done. `policy` is the one in force.
pub(crate) async fn all(gate: &Gate, admin: &Admin, policy: Policy, progress: &dyn Fn(&str)) -> Result<Vec<Person>, String> {
    progress("accounts, main passwords, second factors and app passwords");
    let people = people::hire(admin).await?;
    progress("mail");
    for person in &people {
        mail(gate, &person.address).await?;
    }
    progress("shared documents");
    // Acts are among them, which nobody may add from here: they are there before the rules are.
    admin.replace_policy(Policy::builtin()).await;
    documents(gate, admin).await?;
    admin.replace_policy(policy).await;
    progress("the team's calendar");
    let lead = people.iter().find(|p| p.address.starts_with(TEAM_LEAD)).ok_or("the sample organisation has no team lead")?;
    calendar(gate, lead).await?;
    people::share(admin).await?;
    Ok(people)
}

async fn mail(gate: &Gate, address: &str) -> Result<(), String> {
    let to: Address = address.parse().map_err(|e| format!("{address}: {e}"))?;
    let now = UnixTime::now().0;
    for number in 0..content::messages() {
        let octets = content::message(number, address, now - 3600 * (content::messages() - number) as i64);
        let (facts, header_bytes) = octroi_mime::describe(&octets);
        let mut envelope = gate.inbound(ReturnPath::Null, LOOPBACK);
        envelope.add(&to).await.map_err(|e| e.to_string())?;
        envelope.deliver(Content::message(&facts, &octets, header_bytes)).await.map_err(|e| e.to_string())?;
    }
    Ok(())
}

async fn documents(gate: &Gate, admin: &Admin) -> Result<(), String> {
    let owner = people::address(DOCUMENTS)?;
    let new = NewAccount { address: &owner, display_name: "Espace documentaire", profile: "plain", password: None, remote_access: false };
    admin.add_account(new).await.map_err(|e| e.to_string())?;
    let secret = people::mint(admin, &owner, Services::NONE.with(Service::Files), "filling the demo").await?;
    let session = log_in(gate, &owner.to_string(), &secret, Service::Files).await?;
    for (folders, name, media_type, text) in content::DOCUMENTS {
        let mut at = Path::top();
        for folder in *folders {
            let folder = Name::new(folder).map_err(|e| e.to_string())?;
            make(&session, Area::Files, &at, &folder, CollectionKind::Folder, Vec::new()).await?;
            at = at.child(folder).map_err(|e| e.to_string())?;
        }
        put(&session, Area::Files, at, name, media_type, text.as_bytes()).await?;
    }
    let id = secret.split('-').next().unwrap_or_default();
    admin.revoke_app_password(id).await.map_err(|e| e.to_string())
}

async fn calendar(gate: &Gate, lead: &Person) -> Result<(), String> {
    let session = log_in(gate, &lead.address, &lead.app_password, Service::Caldav).await?;
    let name = Name::new("equipe").map_err(|e| e.to_string())?;
    let shown = vec![(Arc::from(octroi_gate::DISPLAY_NAME), Arc::from("Équipe du quai 3"))];
    make(&session, Area::Calendars, &Path::top(), &name, CollectionKind::Calendar, shown).await?;
    for (event, octets) in content::events() {
        let at = people::path(&["equipe"])?;
        put(&session, Area::Calendars, at, &event, "text/calendar; charset=utf-8", &octets).await?;
    }
    Ok(())
}

async fn log_in(gate: &Gate, user: &str, secret: &str, service: Service) -> Result<Session, String> {
    let via = Channel::new(service, LOOPBACK).client(Some("octroi demo"));
    match gate.login(Credentials { user, secret }, via).await {
        Login::Open(session) => Ok(session),
        _ => Err(format!("the demo could not log in as {user}")),
    }
}

/// Make a collection unless it is there.
async fn make(
    session: &Session,
    area: Area,
    at: &Path,
    name: &Name,
    kind: CollectionKind,
    properties: Vec<(Arc<str>, Arc<str>)>,
) -> Result<(), String> {
    let parent = session.open(FolderAt { area, path: at.clone() }, MakeFolder).await.map_err(|e| e.to_string())?;
    match parent.make(name, kind, properties).await {
        Ok(()) | Err(Refusal::Precondition | Refusal::Exists) => Ok(()),
        Err(refusal) => Err(format!("{name}: {refusal}")),
    }
}

async fn put(session: &Session, area: Area, at: Path, name: &str, media_type: &str, octets: &[u8]) -> Result<(), String> {
    let folder = session.open(FolderAt { area, path: at }, Bind).await.map_err(|e| e.to_string())?;
    let name = Name::new(name).map_err(|e| e.to_string())?;
    folder.put(&name, Content::document(octets), Some(media_type)).await.map_err(|e| format!("{name}: {e}"))?;
    Ok(())
}
