//! Notices, and the acts of the audit trail in words.

use crate::language::Language;
use std::borrow::Cow;

super::texts! {
    /// Notices.
    Notices {
        title: "Notices", "Avis";
        why:
            "The last hundred things that happened on your account. If one of them was not you, change your password, sign out everywhere and ask for help.",
            "Les cent derniers événements de votre compte. Si l’un d’eux n’est pas de vous, changez de mot de passe, déconnectez-vous partout et demandez de l’aide.";
        none: "Nothing happened yet.", "Rien ne s’est encore passé.";
        list: "What happened", "Ce qui s’est passé";
        what: "What", "Quoi";
        when: "When", "Quand";
        peer: "From", "Depuis";
        with: "With", "Avec";
        outcome: "Outcome", "Résultat";
        done: "done", "fait";
        refused: "refused", "refusé";
    }
}

/// The acts that people meet, as the audit trail names them, in English and French. Others stand as they are.
const ACTS: [(&str, &str, &str); 34] = [
    ("log-in", "A program logged in", "Connexion d’un programme"),
    ("sign-in", "Sign-in to the portal", "Connexion au portail"),
    ("step up", "Second factor given", "Second facteur donné"),
    ("second factor enrol", "Second factor set up", "Second facteur configuré"),
    ("second factor remove", "Second factor removed", "Second facteur supprimé"),
    ("second factor lock", "Second factor locked after wrong tries", "Second facteur suspendu après des essais inexacts"),
    ("second factor reset", "Second factor reset by an administrator", "Second facteur réinitialisé par un administrateur"),
    ("password change", "Password changed", "Mot de passe changé"),
    ("password forgotten", "Code asked for a forgotten password", "Code demandé pour un mot de passe oublié"),
    ("password reset", "Password set anew", "Mot de passe redéfini"),
    ("app-password mint", "App password made", "Mot de passe d’application créé"),
    ("app-password revoke", "App password revoked", "Mot de passe d’application révoqué"),
    ("device confirm", "Device confirmed", "Appareil confirmé"),
    ("device refuse", "Device refused", "Appareil refusé"),
    ("device unconfirm", "Confirmation withdrawn", "Confirmation retirée"),
    ("sign out everywhere", "Signed out everywhere", "Déconnexion partout"),
    ("share", "Share changed", "Partage modifié"),
    ("open", "Access to a folder", "Accès à un dossier"),
    ("send as", "Sending in a name", "Envoi sous un nom"),
    ("send to", "Sending to somebody", "Envoi à un destinataire"),
    ("relay", "Sending outside", "Envoi vers l’extérieur"),
    ("account add", "Account made", "Compte créé"),
    ("account profile", "Profile or remote access changed", "Profil ou accès à distance modifié"),
    ("account password", "Password set by an administrator", "Mot de passe défini par un administrateur"),
    ("filter put", "Filter saved", "Filtre enregistré"),
    ("filter activate", "Filter activated", "Filtre activé"),
    ("filter deactivate", "Filter deactivated", "Filtre désactivé"),
    ("filter rename", "Filter renamed", "Filtre renommé"),
    ("filter delete", "Filter deleted", "Filtre supprimé"),
    ("filter forward", "A filter sends on", "Renvoi par un filtre"),
    ("filter answer", "A filter answers", "Réponse d’un filtre"),
    ("filter file", "A filter files", "Classement par un filtre"),
    ("audit verify", "Audit trail verified", "Journal d’audit vérifié"),
    ("import", "Mailbox imported", "Boîte aux lettres importée"),
];

/// An act in words.
pub(crate) fn act_name(language: Language, act: &str) -> Cow<'static, str> {
    match ACTS.into_iter().find(|(known, _, _)| *known == act) {
        Some((_, english, french)) => Cow::Borrowed(match language {
            Language::English => english,
            Language::French => french,
        }),
        None => Cow::Owned(act.to_owned()),
    }
}
