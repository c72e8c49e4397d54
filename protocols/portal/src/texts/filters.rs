//! Filters: scripts, and the two things that most people want of them.

super::texts! {
    /// Filters.
    Filters {
        title: "Mail filters", "Filtres de courrier";
        why:
            "A filter files, answers or sends on what comes for you. Programs that know ManageSieve show the same filters.",
            "Un filtre classe, répond ou fait suivre ce qui arrive pour vous. Les programmes qui connaissent ManageSieve montrent les mêmes filtres.";
        not_here:
            "Your profile does not let you keep filters from where you are.",
            "Votre profil ne vous permet pas de gérer des filtres d’où vous êtes.";
        simple: "Away, and sending on", "Absence et renvoi";
        simple_why:
            "What you fill in here becomes the filter “portal”, and it runs as soon as you save it. With neither box ticked it is removed.",
            "Ce que vous remplissez ici devient le filtre « portal », actif dès l’enregistrement. Si aucune case n’est cochée, il est supprimé.";
        another_active:
            "Another filter is active. Only one can be: when you save here, that one stops.",
            "Un autre filtre est actif. Un seul peut l’être : si vous enregistrez ici, il s’arrête.";
        altered:
            "The filter “portal” was altered by hand, so its settings are not shown here. Saving replaces it.",
            "Le filtre « portal » a été modifié à la main ; ses réglages ne sont donc pas affichés ici. L’enregistrement le remplace.";
        away: "Away", "Absence";
        away_on: "Answer people who write to me, each once a week", "Répondre à ceux qui m’écrivent, une fois par semaine chacun";
        from: "First day", "Premier jour";
        until: "Last day", "Dernier jour";
        days_hint: "Without a day: from now on, or until you change it.", "Sans date : dès maintenant, ou jusqu’à ce que vous changiez.";
        day_bad: "This is not a day.", "Ce n’est pas une date.";
        days_order: "The last day is before the first.", "Le dernier jour précède le premier.";
        subject: "Subject of the answer", "Objet de la réponse";
        subject_hint: "Without one: “Auto:” and the subject of the message.", "Sans objet : « Auto: » et l’objet du message.";
        text: "What the answer says", "Texte de la réponse";
        text_hint: "Also to people outside: say no more than they may know.", "Aussi à l’extérieur : n’en dites pas plus qu’il ne faut.";
        text_missing: "Write what the answer says.", "Écrivez le texte de la réponse.";
        too_long: "This is too long.", "C’est trop long.";
        onward: "Send on", "Renvoi";
        onward_on: "Send what comes on to somebody else", "Faire suivre ce qui arrive à quelqu’un d’autre";
        to: "To this address", "À cette adresse";
        to_bad: "This is not an address.", "Ce n’est pas une adresse.";
        to_own: "This is an address of your own.", "C’est une adresse à vous.";
        to_refused:
            "Your profile does not let you send there, so nothing would arrive.",
            "Votre profil ne vous permet pas d’y envoyer ; rien n’arriverait.";
        copy: "Copy", "Copie";
        copy_on: "Keep it in my mailbox as well", "Le garder aussi dans ma boîte";
        save: "Save", "Enregistrer";
        saved: "The filter was saved.", "Le filtre a été enregistré.";
        removed: "The filter was removed.", "Le filtre a été supprimé.";
        activated: "The filter is active.", "Le filtre est actif.";
        deactivated: "No filter is active any more.", "Aucun filtre n’est plus actif.";
        scripts: "All filters", "Tous les filtres";
        none: "There are none yet.", "Il n’y en a pas encore.";
        name: "Name", "Nom";
        size: "Size", "Taille";
        state: "State", "État";
        active: "active", "actif";
        inactive: "not active", "inactif";
        action: "Action", "Action";
        activate: "Activate", "Activer";
        deactivate: "Deactivate", "Désactiver";
        delete: "Delete", "Supprimer";
        active_stays: "Deactivate it first.", "Désactivez-le d’abord.";
        write: "Write a filter as a script", "Écrire un filtre sous forme de script";
        script: "Script", "Script";
        script_hint: "In Sieve (RFC 5228).", "En Sieve (RFC 5228).";
        script_missing: "Write a script.", "Écrivez un script.";
        line: "Line", "Ligne";
        run: "When it is saved", "À l’enregistrement";
        run_on: "Make it the one that runs", "En faire celui qui est actif";
        name_bad: "A name has 1 to 255 characters and no slash.", "Un nom a de 1 à 255 caractères et aucune barre oblique.";
        name_taken: "There is a filter of that name.", "Il y a déjà un filtre de ce nom.";
        octets: "octets", "octets";
        full: "There are as many filters as you may have, or no room for another.", "Vous avez autant de filtres que permis, ou il n’y a plus de place.";
    }
}
