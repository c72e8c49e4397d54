//! The second factor: one-time codes of an authenticator.

super::texts! {
    /// The second factor.
    Factors {
        title: "Second factor", "Second facteur";
        why:
            "A second factor protects your account even if somebody learns your password: an authenticator app on your phone shows a new code every half minute.",
            "Le second facteur protège votre compte même si quelqu’un apprend votre mot de passe : une application d’authentification sur votre téléphone affiche un nouveau code toutes les trente secondes.";
        enrolled: "An authenticator is set up.", "Une application d’authentification est configurée.";
        missing:
            "No authenticator is set up yet. Without one, no app password can be made.",
            "Aucune application d’authentification n’est configurée. Sans elle, aucun mot de passe d’application ne peut être créé.";
        enrol: "Set up an authenticator", "Configurer une application d’authentification";
        replace: "Replace the authenticator", "Remplacer l’application d’authentification";
        replace_why:
            "For a new phone. The authenticator until now stops counting as soon as the new one is confirmed.",
            "Pour un nouveau téléphone. L’application actuelle ne comptera plus dès que la nouvelle sera confirmée.";
        step_scan: "Add the account to the app", "Ajoutez le compte à l’application";
        how:
            "Open your authenticator app, add an account and point the camera at this picture.",
            "Ouvrez votre application d’authentification, ajoutez un compte et visez cette image avec l’appareil photo.";
        picture: "QR code with the secret for the authenticator app", "Code QR contenant le secret pour l’application d’authentification";
        secret: "Without a camera, type this secret instead:", "Sans appareil photo, saisissez plutôt ce secret :";
        link: "Open the app on this device", "Ouvrir l’application sur cet appareil";
        step_confirm: "Confirm with a first code", "Confirmez avec un premier code";
        confirm: "Confirm", "Confirmer";
        cancel: "Cancel", "Annuler";
        done: "The authenticator is set up.", "L’application d’authentification est configurée.";
        code: "One-time code", "Code à usage unique";
        code_hint:
            "The six digits that your authenticator shows now.",
            "Les six chiffres affichés en ce moment par votre application d’authentification.";
    }
}
