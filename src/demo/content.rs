//! Sample messages, documents and events. Invented; every address ends in `.example`.

use crate::demo::DOMAIN;
use mail_builder::MessageBuilder;

/// Messages for each of the people.
const MESSAGES: [(&str, &str, &str); 6] = [
    (
        "Hugo Bernard",
        "Planning de la semaine 48",
        "Bonjour,\n\nLe planning des contrôles du quai 3 est dans le calendrier de l'équipe.\n\nHugo",
    ),
    (
        "Transit du Nord SARL",
        "Déclaration T1 en attente",
        "Madame, Monsieur,\n\nNous attendons la validation de notre déclaration T1 no 26FR004821.\n\nTransit du Nord",
    ),
    ("Claire Petit", "Nouveaux modèles d'actes", "Les modèles d'actes 2026 sont dans Actes/Modeles.\n\nClaire"),
    ("Léa Martin", "Contingent tarifaire : acier", "Le contingent « acier » est épuisé depuis ce matin. Merci d'en tenir compte.\n\nLéa"),
    ("Paul Durand", "Note : embargo sur les semi-conducteurs", "La note de service est jointe au dossier 2026-114.\n\nPaul"),
    ("Service informatique", "Votre second facteur", "Pensez à enregistrer un second appareil dans le portail.\n\nLe service informatique"),
];

/// A document: its folders, its name, its media type, its text.
pub(crate) type Document = (&'static [&'static str], &'static str, &'static str, &'static str);

/// The shared documents.
pub(crate) const DOCUMENTS: &[Document] = &[
    (&[], "LISEZ-MOI.txt", "text/plain; charset=utf-8", "Espace documentaire de la direction.\n"),
    (
        &["Procedures"],
        "controle-quai.txt",
        "text/plain; charset=utf-8",
        "1. Verifier la declaration.\n2. Ouvrir le conteneur en presence de l'operateur.\n",
    ),
    (
        &["Procedures"],
        "transit.html",
        "text/html; charset=utf-8",
        "<!doctype html><title>Transit</title><p>Procedure de transit commun.</p>\n",
    ),
    (&["Dossiers", "2026"], "2026-114.txt", "text/plain; charset=utf-8", "Dossier 2026-114 : semi-conducteurs.\n"),
    (&["Dossiers", "2026"], "2026-115.csv", "text/csv; charset=utf-8", "article;origine;valeur\nacier;NO;12000\n"),
    (&["Actes", "Modeles"], "acte-type.txt", "text/plain; charset=utf-8", "ACTE No ____ du ____\nVu le code des douanes ...\n"),
    (&["Actes", "Projets"], "acte-0412.txt", "text/plain; charset=utf-8", "ACTE No 0412 (projet)\n"),
    (&["Actes", "Valides"], "acte-0411.txt", "text/plain; charset=utf-8", "ACTE No 0411 valide\n"),
    (&["Echanges", "Transit du Nord"], "consignes.txt", "text/plain; charset=utf-8", "Deposez ici vos documents.\n"),
];

/// One sample message to `to`.
pub(crate) fn message(number: usize, to: &str, sent: i64) -> Vec<u8> {
    let (from, subject, text) = MESSAGES[number % MESSAGES.len()];
    let local = from.to_lowercase().replace(['é', 'è'], "e").replace(' ', ".");
    MessageBuilder::new()
        .from((from.to_owned(), format!("{local}@{DOMAIN}")))
        .to(to.to_owned())
        .subject(subject)
        .date(sent)
        .message_id(format!("demo-{number}-{sent}@{DOMAIN}"))
        .text_body(text)
        .write_to_vec()
        .unwrap_or_default()
}

/// Number of different sample messages.
pub(crate) fn messages() -> usize {
    MESSAGES.len()
}

/// The team's events: name and octets.
pub(crate) fn events() -> Vec<(String, Vec<u8>)> {
    let subjects = ["Contrôle quai 3", "Réunion d'équipe", "Permanence", "Formation : nouveau tarif"];
    let event = |(i, subject): (usize, &&str)| {
        let day = 23 + i;
        let rule = if i == 1 { "RRULE:FREQ=WEEKLY;COUNT=10\r\n" } else { "" };
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Octroi//demo//FR\r\nBEGIN:VEVENT\r\nUID:demo-{i}@{DOMAIN}\r\n\
             DTSTAMP:20261101T080000Z\r\nDTSTART:202611{day}T090000Z\r\nDTEND:202611{day}T100000Z\r\n{rule}\
             SUMMARY:{subject}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        (format!("demo-{i}.ics"), text.into_bytes())
    };
    subjects.iter().enumerate().map(event).collect()
}
