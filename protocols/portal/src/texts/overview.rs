//! The first page.

super::texts! {
    /// The first page.
    Overview {
        title: "Overview", "Vue d’ensemble";
        to_do: "What needs doing", "Ce qui reste à faire";
        nothing: "Everything is set up.", "Tout est configuré.";
        no_factor:
            "Set up a second factor: it protects your account, and app passwords need it.",
            "Configurez un second facteur : il protège votre compte, et les mots de passe d’application l’exigent.";
        no_app_password:
            "Make an app password for each program that reads your mail, calendars or documents.",
            "Créez un mot de passe d’application pour chaque programme qui lit votre courrier, vos calendriers ou vos documents.";
        waiting: "Log-ins that wait for your word:", "Connexions qui attendent votre accord :";
        waiting_call: "See whether it was you", "Vérifier si c’était vous";
        account: "Your account", "Votre compte";
        name: "Name", "Nom";
        address: "Address", "Adresse";
        profile: "Profile", "Profil";
        factor: "Second factors", "Seconds facteurs";
        factor_set_up: "set up", "configuré";
        factor_missing: "not set up", "non configuré";
        app_passwords: "App passwords", "Mots de passe d’application";
    }
}
