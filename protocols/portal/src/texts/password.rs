//! The main password.

super::texts! {
    /// The main password.
    Password {
        title: "Password", "Mot de passe";
        why:
            "This password opens the portal and nothing else. App passwords go on working when it changes; every portal session ends, this one too.",
            "Ce mot de passe n’ouvre que le portail. Les mots de passe d’application restent valables quand il change ; toutes les sessions du portail prennent fin, celle-ci aussi.";
        old: "Password until now", "Mot de passe actuel";
        new: "New password", "Nouveau mot de passe";
        again: "New password again", "Nouveau mot de passe, encore une fois";
        rules:
            "At least 12 characters, with upper-case and lower-case letters and digits, without your own name.",
            "Au moins 12 caractères, avec majuscules, minuscules et chiffres, sans votre propre nom.";
        change: "Change password", "Changer le mot de passe";
        old_wrong: "The password until now is not right.", "Le mot de passe actuel est inexact.";
        differ: "The two new passwords differ.", "Les deux nouveaux mots de passe diffèrent.";
        changed: "The password was changed. Sign in with the new one.", "Le mot de passe est changé. Connectez-vous avec le nouveau.";
    }
}
