//! App passwords: what programs sign in with.

use crate::language::Language;
use octroi_model::Service;

/// A service, as people call it.
pub(crate) fn service_name(language: Language, service: Service) -> &'static str {
    let texts = AppPasswords::of(language);
    match service {
        Service::Imap => texts.imap,
        Service::Submission => texts.submission,
        Service::Caldav => texts.caldav,
        Service::Carddav => texts.carddav,
        Service::Files => texts.files,
        Service::Sieve => texts.sieve,
    }
}

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
        sieve: "Mail filters", "Filtres de courrier";
        services_bad:
            "Choose at least one service, and only such as your profile may use.",
            "Choisissez au moins un service, et seulement parmi ceux que votre profil permet.";
        label_bad: "Give it a name of at most 100 bytes.", "Donnez-lui un nom d’au plus 100 octets.";
        access: "May do", "Peut faire";
        full: "Everything", "Tout";
        full_why: "As far as you may yourself.", "Autant que vous-même.";
        read: "Read", "Lire";
        read_why:
            "See and read, and remember what was read; change nothing.",
            "Voir, lire et retenir ce qui a été lu ; ne rien modifier.";
        organise: "Organise", "Ranger";
        organise_why:
            "File and flag, and never destroy: nothing is removed or overwritten.",
            "Classer et marquer, sans jamais détruire : rien n’est supprimé ni écrasé.";
        dropping: "Drop", "Déposer";
        dropping_why: "Add, and see nothing of what is there. For scanners and machines.", "Ajouter, sans rien voir de ce qui s’y trouve. Pour les scanners et les machines.";
        draft: "Draft", "Préparer";
        draft_why: "Read, and write drafts; nothing can be sent.", "Lire et écrire des brouillons ; rien ne peut être envoyé.";
        draft_sends:
            "An app password for drafts must not send: take “Sending mail” away, or choose something else.",
            "Un mot de passe pour les brouillons ne peut pas envoyer : retirez « Envoyer du courrier », ou choisissez autre chose.";
        preset_bad: "Choose one of these.", "Choisissez l’une de ces possibilités.";
        choice_bad: "Choose one of these.", "Choisissez l’une de ces possibilités.";
        folders: "Only in these folders", "Seulement dans ces dossiers";
        folders_none: "None: everywhere.", "Aucun : partout.";
        folders_hint:
            "One on each line. * stands for one name, ** for all below, such as",
            "Un par ligne. * remplace un nom, ** tout ce qui est dessous, par exemple";
        folders_bad:
            "Each line begins with mail/, calendars/, contacts/ or files/.",
            "Chaque ligne commence par mail/, calendars/, contacts/ ou files/.";
        folders_many: "There are too many lines.", "Il y a trop de lignes.";
        zones: "Only from these zones", "Seulement depuis ces zones";
        zones_hint: "None: from all that your profile allows.", "Aucune : toutes celles que votre profil permet.";
        scope: "Where", "Où";
        everywhere: "everywhere", "partout";
        all_zones: "from all zones", "depuis toutes les zones";
        from_zones: "from", "depuis";
        confirm: "A new device or network has to be confirmed", "Un nouvel appareil ou réseau doit être confirmé";
        confirm_profile: "as my profile says", "comme mon profil le prévoit";
        confirm_device: "once", "une fois";
        confirm_12h: "every 12 hours", "toutes les 12 heures";
        confirm_1d: "every day", "chaque jour";
        confirm_7d: "every week", "chaque semaine";
        confirmed: "Confirmed from", "Confirmé depuis";
        certificate: "client certificate", "certificat client";
        expires: "Ends", "Prend fin";
        never: "never", "jamais";
        in_30_days: "in 30 days", "dans 30 jours";
        in_90_days: "in 90 days", "dans 90 jours";
        in_365_days: "in one year", "dans un an";
        made: "made", "créé le";
        last_used: "Last used", "Dernière utilisation";
        action: "Action", "Action";
    }
}
