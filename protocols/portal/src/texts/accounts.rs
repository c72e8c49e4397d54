//! Accounts, for administrators.

super::texts! {
    /// Accounts.
    Accounts {
        title: "Accounts", "Comptes";
        number: "Accounts in all", "Nombre de comptes";
        remote: "Remote access", "Accès à distance";
        find: "Address, name or profile", "Adresse, nom ou profil";
        search: "Search", "Rechercher";
        too_many: "Only the first 200 are shown. Search for fewer.", "Seuls les 200 premiers sont affichés. Affinez la recherche.";
        none: "There is no such account.", "Aucun compte ne correspond.";
        address: "Address", "Adresse";
        name: "Name", "Nom";
        profile: "Profile", "Profil";
        factor: "Second factor", "Second facteur";
        action: "Action", "Action";
        yes: "yes", "oui";
        no: "no", "non";
        change: "Change", "Modifier";
        change_title: "Change an account", "Modifier un compte";
        grant: "Remote access: may also come from the zones that the profile calls remote", "Accès à distance : peut aussi venir des zones que le profil dit distantes";
        at_once: "What changes here counts at once, for open sessions too.", "Ce qui change ici compte aussitôt, y compris pour les sessions ouvertes.";
        changed: "The account was changed.", "Le compte est modifié.";
        back: "Back to the accounts", "Retour aux comptes";
    }
}
