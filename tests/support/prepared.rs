//! A server on a store that was filled through the gate before the program started: for what only the portal does while it runs, one page at a
//! time, such as narrow app passwords and second factors.

use super::server::{DOMAIN, Server};
use octroi_engine::{Embedded, Options};
use octroi_gate::{Admin, DataKey, Gate, Limits, Opened, Organisation, Policy};

/// Fill a store under these profiles, then start the program on it.
pub(crate) fn prepared<T, F: Future<Output = T>>(profiles: &str, fill: impl FnOnce(Admin) -> F) -> (Server, T) {
    let folder = tempfile::Builder::new().prefix("octroi-prepared-").tempdir().unwrap();
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let filled = runtime.block_on(async {
        let engine = Embedded::open(&data, Options::default()).await.unwrap();
        let organisation = Organisation {
            name: "Test".to_owned(),
            hostname: "localhost".to_owned(),
            domains: vec![DOMAIN.to_owned()],
            postmaster: None,
            portal_url: "https://localhost/portal/".to_owned(),
        };
        let key = DataKey::load_or_create(&data.join(octroi_gate::KEY_FILE)).unwrap();
        let policy = Policy::parse(profiles).unwrap();
        let Opened { admin, .. } = Gate::open(engine.clone(), organisation, policy, Limits::default(), key).await.unwrap();
        let filled = fill(admin).await;
        octroi_engine::Engine::close(&*engine).await;
        filled
    });
    drop(runtime);
    (Server::in_folder(folder, profiles), filled)
}
