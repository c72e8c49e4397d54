//! The rules in force, for administrators.

super::texts! {
    /// The rules in force.
    Rules {
        title: "Rules", "Règles";
        explain: "Why may somebody do something, or not?", "Pourquoi quelqu’un peut-il faire quelque chose, ou pas ?";
        explain_why:
            "The same decisions as the server’s own, with the rule behind each. Nothing is opened by asking.",
            "Les mêmes décisions que celles du serveur, avec la règle qui les fonde. La question n’ouvre rien.";
        who: "Who (address)", "Qui (adresse)";
        who_unknown: "There is no such account.", "Ce compte n’existe pas.";
        service: "Service", "Service";
        path: "Folder", "Dossier";
        path_hint:
            "As that person’s programs name it, such as INBOX or Shared/documents@douane.example/Actes. Of sending, nothing.",
            "Comme le nomment les programmes de cette personne, par exemple INBOX ou Shared/documents@douane.example/Actes. Pour l’envoi, rien.";
        path_unknown: "That person has no such folder.", "Cette personne n’a pas ce dossier.";
        zone: "From the zone", "Depuis la zone";
        zone_unknown: "There is no such zone.", "Cette zone n’existe pas.";
        strength: "Logged in with", "Connecté avec";
        app_password: "the app password alone", "le mot de passe d’application seul";
        confirmed: "a confirmed device", "un appareil confirmé";
        fresh: "a fresh second factor", "un second facteur récent";
        ask: "Explain", "Expliquer";
        profiles: "Profiles in force", "Profils en vigueur";
        profile: "Profile", "Profil";
        description: "For", "Pour";
        services: "Services", "Services";
        accounts: "Accounts", "Comptes";
        zones: "Zones in force", "Zones en vigueur";
        your_zone: "You are just now in the zone", "Vous êtes en ce moment dans la zone";
    }
}
