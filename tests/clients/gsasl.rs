//! gsasl, the command of GNU SASL: SCRAM-SHA-256 and SCRAM-SHA-256-PLUS over IMAP and submission.

use crate::support::process::{Ran, run};
use crate::support::{Server, shared};

/// Log in to `service` with `mechanism` over STARTTLS, which is what gsasl knows of TLS.
fn gsasl(server: &Server, service: &str, mechanism: &str, user: &str, password: &str, more: &[&str]) -> Ran {
    let at = format!("localhost:{}", server.port(service));
    let protocol = if service == "imap" { "--imap" } else { "--smtp" };
    let authority = format!("--x509-ca-file={}", server.certificate().display());
    let (mechanism, user, password) = (format!("--mechanism={mechanism}"), format!("-a{user}"), format!("-p{password}"));
    let mut arguments = vec![protocol, "--starttls", "--verbose", "--connect", &at, &authority, &mechanism, &user, &password];
    arguments.extend_from_slice(more);
    run("gsasl", &arguments)
}

#[test]
fn proves_an_app_password_over_both() {
    let server = shared();
    let person = server.user(1);
    for (service, mechanism, more) in [
        // Bound to the connection: tls-exporter, since TLS is 1.3.
        ("imap", "SCRAM-SHA-256-PLUS", &[][..]),
        // With a client that can do no binding.
        ("imap", "SCRAM-SHA-256", &["--no-cb"]),
        ("submission", "SCRAM-SHA-256", &["--no-cb"]),
    ] {
        let said = gsasl(server, service, mechanism, &person.address, &person.app_password, more).good();
        assert!(said.contains("Client authentication finished (server trusted)"), "{service} {mechanism}: {said}");
    }
}

#[test]
fn a_wrong_proof_is_refused() {
    let server = shared();
    let person = server.user(1);
    let said = gsasl(server, "imap", "SCRAM-SHA-256-PLUS", &person.address, "wrong", &[]).bad();
    assert!(said.contains("NO [AUTHENTICATIONFAILED]"), "{said}");
    let said = gsasl(server, "submission", "SCRAM-SHA-256", &person.address, "wrong", &["--no-cb"]).bad();
    assert!(said.contains("535 5.7.8"), "{said}");
}
