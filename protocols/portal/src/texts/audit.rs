//! The audit trail, for auditors.

super::texts! {
    /// The audit trail.
    Audit {
        title: "Audit trail", "Journal d’audit";
        account: "Only what concerns this account", "Seulement ce qui concerne ce compte";
        unknown: "There is no such account.", "Ce compte n’existe pas.";
        show: "Show", "Afficher";
        none: "There are no such lines.", "Aucune ligne ne correspond.";
        lines: "Lines, the newest first", "Lignes, les plus récentes d’abord";
        number: "Number", "Numéro";
        when: "When", "Quand";
        who: "Account", "Compte";
        gone: "removed since", "supprimé depuis";
        act: "What", "Quoi";
        peer: "From", "Depuis";
        with: "With", "Avec";
        outcome: "Outcome", "Résultat";
        older: "Older lines", "Lignes plus anciennes";
        verify: "Verify the whole chain", "Vérifier toute la chaîne";
        whole: "The chain is whole.", "La chaîne est intacte.";
        whole_why:
            "Note number and link somewhere else: a later verification that reaches the same number must show the same link.",
            "Notez ailleurs le numéro et le lien : une vérification ultérieure qui atteint ce numéro doit montrer le même lien.";
        last_number: "Number of the last line", "Numéro de la dernière ligne";
        last_link: "Its link", "Son lien";
        broken: "The chain is broken:", "La chaîne est rompue :";
    }
}
