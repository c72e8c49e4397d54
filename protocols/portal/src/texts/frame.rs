//! What stands round every page.

super::texts! {
    /// What stands round every page.
    Frame {
        portal: "Portal", "Portail";
        skip: "Skip to the content", "Aller au contenu";
        pages: "Pages", "Pages";
        menu: "Menu", "Menu";
        language: "Language", "Langue";
        signed_in_as: "Signed in as", "Connecté en tant que";
        sign_out: "Sign out", "Se déconnecter";
        done: "Done:", "Fait :";
        fault: "Not done:", "Pas fait :";
        waiting: "log-ins wait", "connexions en attente";
        optional: "optional", "facultatif";
    }
}
