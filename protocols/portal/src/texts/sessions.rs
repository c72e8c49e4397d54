//! Sessions: programs that are logged in.

super::texts! {
    /// Sessions.
    Sessions {
        title: "Sessions", "Sessions";
        none: "No program is logged in just now.", "Aucun programme n’est connecté en ce moment.";
        why:
            "These programs are logged in with your app passwords just now. Programs for calendars and documents come and go with each request and stand here only while one lasts.",
            "Ces programmes sont connectés en ce moment avec vos mots de passe d’application. Ceux des calendriers et des documents n’apparaissent que le temps d’une requête.";
        list: "Programs that are logged in", "Programmes connectés";
        program: "Program", "Programme";
        unnamed: "did not say", "non indiqué";
        app_password: "App password", "Mot de passe d’application";
        service: "For", "Pour";
        peer: "From", "Depuis";
        zone: "Zone", "Zone";
        since: "Since", "Depuis le";
        everywhere: "Sign out everywhere", "Se déconnecter partout";
        everywhere_why:
            "Ends every program’s session and every session of this portal, this one too, and withdraws every confirmation. App passwords stay valid: revoke the one that was lost.",
            "Met fin aux sessions de tous les programmes et de ce portail, celle-ci comprise, et retire toutes les confirmations. Les mots de passe d’application restent valables : révoquez celui qui est perdu.";
        done: "You are signed out everywhere.", "Vous êtes déconnecté partout.";
    }
}
