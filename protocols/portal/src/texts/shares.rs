//! Shares: what others may see.

super::texts! {
    /// Shares.
    Shares {
        title: "Shares", "Partages";
        why:
            "What others may do in your folders, calendars and address books. Their own profile can still allow them less.",
            "Ce que d’autres peuvent faire dans vos dossiers, calendriers et carnets d’adresses. Leur propre profil peut encore le restreindre.";
        none: "You share nothing.", "Vous ne partagez rien.";
        list: "What you share", "Ce que vous partagez";
        new: "Share something", "Partager quelque chose";
        folder: "Folder", "Dossier";
        mail: "Mail", "Courrier";
        calendars: "Calendars", "Calendriers";
        contacts: "Contacts", "Contacts";
        files: "Documents", "Documents";
        with: "With", "Avec";
        with_hint:
            "An address, group:NAME, profile:NAME, or anyone for everybody with an account here.",
            "Une adresse, group:NOM, profile:NOM, ou anyone pour tous ceux qui ont un compte ici.";
        anyone: "everybody here", "tout le monde ici";
        may: "May do", "Peut faire";
        action: "Action", "Action";
        share: "Share", "Partager";
        remove: "No longer share", "Ne plus partager";
        read: "Read", "Lire";
        read_why: "See and read what is there.", "Voir et lire ce qui s’y trouve.";
        add: "Read and add", "Lire et ajouter";
        add_why: "And put new things there; change nothing that is there.", "Et y déposer du nouveau, sans modifier l’existant.";
        edit: "Edit", "Modifier";
        edit_why: "Change, remove, and make folders too.", "Modifier, supprimer et créer des dossiers aussi.";
        letters: "Letters", "Lettres";
        letters_why: "The rights one by one, for those who know them.", "Les droits un par un, pour qui les connaît.";
        letters_hint:
            "Only with the choice above. l see, r read, s keep “seen”, w change, i add, p post, k make folders, x remove the folder, t and e remove, a share on, 1 busy times, 2 send in your name.",
            "Seulement avec le choix ci-dessus. l voir, r lire, s retenir « lu », w modifier, i ajouter, p poster, k créer des dossiers, x supprimer le dossier, t et e supprimer, a repartager, 1 disponibilités, 2 envoyer en votre nom.";
        letters_bad: "These letters are not rights.", "Ces lettres ne sont pas des droits.";
        who_bad: "This is no address, group or profile.", "Ce n’est ni une adresse, ni un groupe, ni un profil.";
        oneself: "It is yours already.", "C’est déjà à vous.";
        done: "It is shared.", "Le partage est fait.";
        removed: "It is no longer shared.", "Ce n’est plus partagé.";
        word_see: "see that it is there", "voir que cela existe";
        word_busy: "see busy times", "voir les disponibilités";
        word_read: "read", "lire";
        word_add: "add", "ajouter";
        word_change: "change", "modifier";
        word_remove: "remove", "supprimer";
        word_folders: "manage folders", "gérer les dossiers";
        word_share: "share on", "repartager";
        word_send_as: "send in your name", "envoyer en votre nom";
    }
}
