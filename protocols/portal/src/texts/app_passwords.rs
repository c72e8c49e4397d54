//! App passwords: what programs sign in with.

super::texts! {
    /// App passwords.
    AppPasswords {
        title: "App passwords", "Mots de passe d’application";
        why:
            "Mail, calendar and document programs sign in with a password of their own, never with the one for this portal. Make one for each program and device.",
            "Les programmes de messagerie, de calendrier et de documents ont chacun leur propre mot de passe, jamais celui de ce portail. Créez-en un par programme et par appareil.";
        none: "There are none yet.", "Il n’y en a pas encore.";
        list: "Your app passwords", "Vos mots de passe d’application";
        new: "New app password", "Nouveau mot de passe d’application";
        make: "Make app password", "Créer le mot de passe";
        needs_factor: "Set up a second factor first:", "Configurez d’abord un second facteur :";
        minted_title: "Your new app password", "Votre nouveau mot de passe d’application";
        shown_once:
            "It is shown this once only: copy it into the program now.",
            "Il n’est affiché qu’une fois : copiez-le maintenant dans le programme.";
        user_name: "User name", "Nom d’utilisateur";
        password: "App password", "Mot de passe d’application";
        how: "How to set up a program", "Comment configurer un programme";
        minted_done: "I have copied it", "Je l’ai copié";
        revoke: "Revoke", "Révoquer";
        revoked:
            "The app password was revoked. Programs that use it are signed out.",
            "Le mot de passe d’application est révoqué. Les programmes qui l’utilisent sont déconnectés.";
        label: "Name", "Nom";
        label_hint: "For yourself, such as “Laptop, Thunderbird”.", "Pour vous-même, par exemple « Portable, Thunderbird ».";
        services: "May be used for", "Utilisable pour";
        imap: "Reading mail", "Lire le courrier";
        submission: "Sending mail", "Envoyer du courrier";
        caldav: "Calendars", "Calendriers";
        carddav: "Contacts", "Contacts";
        files: "Documents", "Documents";
        access: "Access", "Accès";
        access_full: "As far as I may myself", "Autant que moi-même";
        access_read: "Reading only", "Lecture seule";
        expires: "Ends", "Prend fin";
        never: "never", "jamais";
        in_30_days: "in 30 days", "dans 30 jours";
        in_90_days: "in 90 days", "dans 90 jours";
        in_365_days: "in one year", "dans un an";
        made: "Made", "Créé le";
        last_used: "Last used", "Dernière utilisation";
        action: "Action", "Action";
    }
}
