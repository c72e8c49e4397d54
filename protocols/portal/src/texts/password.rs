//! The main password, changed or forgotten.

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
            "At least 12 characters, with upper-case and lower-case letters and digits, without your own name, your address or the organisation’s name, and hard to guess: three or four words that have nothing to do with each other, and a number.",
            "Au moins 12 caractères, avec majuscules, minuscules et chiffres, sans votre propre nom, votre adresse ni le nom de l’organisation, et difficile à deviner : trois ou quatre mots sans rapport entre eux, et un nombre.";
        too_short: "The new password has fewer than 12 characters.", "Le nouveau mot de passe a moins de 12 caractères.";
        too_long: "The new password is too long.", "Le nouveau mot de passe est trop long.";
        monotone:
            "The new password needs upper-case letters, lower-case letters and digits.",
            "Le nouveau mot de passe doit contenir des majuscules, des minuscules et des chiffres.";
        own_name:
            "The new password contains your name, your address or the organisation’s name.",
            "Le nouveau mot de passe contient votre nom, votre adresse ou le nom de l’organisation.";
        weak:
            "The new password is too easy to guess, however it looks: common words and sequences are the first to be tried.",
            "Le nouveau mot de passe est trop facile à deviner, malgré son apparence : les mots courants et les suites sont essayés en premier.";
        change: "Change password", "Changer le mot de passe";
        old_wrong: "The password until now is not right.", "Le mot de passe actuel est inexact.";
        differ: "The two new passwords differ.", "Les deux nouveaux mots de passe diffèrent.";
        changed: "The password was changed. Sign in with the new one.", "Le mot de passe est changé. Connectez-vous avec le nouveau.";
        forgotten: "Forgotten password", "Mot de passe oublié";
        forgotten_why:
            "A code is sent to the first device that you have registered in the portal. If you have registered none, ask for a new password where you find help.",
            "Un code est envoyé au premier appareil que vous avez enregistré dans le portail. Si vous n’en avez enregistré aucun, demandez un nouveau mot de passe auprès de l’assistance.";
        address: "Your address", "Votre adresse";
        send: "Send a code", "Envoyer un code";
        reset_title: "Set a new password", "Choisir un nouveau mot de passe";
        sent_if:
            "If this account exists and has a device, a code is on its way to it. It counts for ten minutes.",
            "Si ce compte existe et dispose d’un appareil, un code est en route. Il est valable dix minutes.";
        sent_code: "Code that was sent", "Code reçu";
        other_code: "Code of your authenticator, or a recovery code", "Code de votre application d’authentification, ou code de secours";
        other_hint:
            "Needed from whoever has either. Leave it empty otherwise.",
            "Exigé de quiconque dispose de l’un ou de l’autre. Sinon, laissez ce champ vide.";
        set: "Set the password", "Enregistrer le mot de passe";
        reset_refused:
            "One of the codes is not right, or the account cannot be recovered this way.",
            "L’un des codes est inexact, ou le compte ne peut pas être récupéré de cette façon.";
    }
}
