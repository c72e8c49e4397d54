//! Documents: folders, sending and getting them, versions and the trash.

super::texts! {
    /// Documents.
    Files {
        title: "Documents", "Documents";
        shared: "Shared with me", "Partagés avec moi";
        where_one_is: "Where you are", "Où vous êtes";
        list: "What is in this folder", "Contenu de ce dossier";
        empty: "There is nothing here.", "Il n’y a rien ici.";
        name: "Name", "Nom";
        size: "Size", "Taille";
        changed: "Changed", "Modifié le";
        action: "Actions", "Actions";
        folder: "folder", "dossier";
        sort: "Sort by:", "Trier par :";
        downwards: "descending", "décroissant";
        rename: "Rename", "Renommer";
        remove: "Delete", "Supprimer";
        versions: "Versions", "Versions";
        open_in: "Open in", "Ouvrir avec";
        read_in: "Read in", "Lire avec";
        open_why:
            "A program asks for your address and an app password for documents.",
            "Le logiciel demande votre adresse et un mot de passe d’application pour les documents.";
        bytes: "B kB MB GB TB", "o ko Mo Go To";
        point: ".", ",";
        used: "used", "utilisés";
        free: "free", "libres";
        pages: "Pages of the list", "Pages de la liste";
        page: "Page", "Page";
        earlier: "Previous page", "Page précédente";
        later: "Next page", "Page suivante";
        cut: "This folder has more than a page can show. Programs show all of it.", "Ce dossier contient plus qu’une page ne peut montrer. Les logiciels montrent tout.";
        read_only: "You may look at this folder and change nothing in it.", "Vous pouvez consulter ce dossier sans rien y modifier.";
        send: "Send documents", "Envoyer des documents";
        file: "Documents from your device", "Documents de votre appareil";
        file_hint: "One or several.", "Un ou plusieurs.";
        replace: "Replace what has the same name; what was there stays as a version.", "Remplacer ce qui porte le même nom ; l’ancien contenu reste comme version.";
        send_button: "Send", "Envoyer";
        file_none: "Choose a document first.", "Choisissez d’abord un document.";
        file_exists: "A document or folder of that name is there already, and nothing was replaced:", "Un document ou dossier de ce nom existe déjà, rien n’a été remplacé :";
        file_folder: "A folder has that name:", "Un dossier porte ce nom :";
        file_large: "The document is larger than is taken here:", "Le document dépasse la taille acceptée ici :";
        file_failed: "It was not stored:", "Non enregistré :";
        file_stored: "Stored before that:", "Enregistrés avant cela :";
        sent: "The documents are stored.", "Les documents sont enregistrés.";
        form_broken: "The form did not come whole. Nothing more was stored.", "Le formulaire n’est pas arrivé entier. Rien de plus n’a été enregistré.";
        new_folder: "New folder", "Nouveau dossier";
        make: "Make", "Créer";
        made: "The folder is there.", "Le dossier est créé.";
        name_bad:
            "A name has 1 to 255 octets, no slash and no control characters.",
            "Un nom compte de 1 à 255 octets, sans barre oblique ni caractère de contrôle.";
        name_taken: "That name is taken.", "Ce nom est déjà pris.";
        rename_title: "Rename", "Renommer";
        new_name: "New name", "Nouveau nom";
        renamed: "It has its new name.", "Le nouveau nom est donné.";
        remove_title: "Delete?", "Supprimer ?";
        remove_file: "This document is going to be deleted:", "Ce document va être supprimé :";
        remove_folder: "This folder is going to be deleted with all that is in it:", "Ce dossier va être supprimé avec tout son contenu :";
        remove_why:
            "It goes into its owner’s trash, as far as that takes it, and can be put back from there.",
            "Il va dans la corbeille de son propriétaire, dans la limite de celle-ci, d’où il peut être remis en place.";
        removed: "It is deleted.", "La suppression est faite.";
        back: "Back to the folder", "Retour au dossier";
        versions_title: "Versions", "Versions";
        versions_why:
            "What this document was before something else was written over it.",
            "Ce que ce document contenait avant d’être remplacé.";
        versions_none: "There are no earlier versions.", "Il n’y a pas de version antérieure.";
        version_until: "Replaced", "Remplacée le";
        version_get: "Download", "Télécharger";
        version_back: "Make it the current one", "En faire la version actuelle";
        version_done: "The version is the current one; what it replaced stays as a version.", "La version est redevenue actuelle ; ce qu’elle remplace reste comme version.";
        trash: "Trash", "Corbeille";
        trash_why:
            "What was removed from your documents, the newest first. The oldest goes by itself.",
            "Ce qui a été supprimé de vos documents, le plus récent d’abord. Le plus ancien disparaît de lui-même.";
        trash_none: "The trash is empty.", "La corbeille est vide.";
        trash_cut: "Only the newest are shown.", "Seuls les plus récents sont affichés.";
        trash_at: "Removed", "Supprimé le";
        trash_by: "By", "Par";
        trash_back: "Put back", "Remettre en place";
        trash_gone: "Delete for good", "Supprimer définitivement";
        trash_exists:
            "Something else has its place by now. Rename that first.",
            "Autre chose occupe sa place. Renommez-le d’abord.";
        put_back: "It is where it was.", "L’élément est remis en place.";
        for_good: "It is gone for good.", "L’élément est supprimé définitivement.";
        for_good_title: "Delete for good?", "Supprimer définitivement ?";
        for_good_why: "This cannot be undone:", "Cette suppression est irréversible :";
        to_documents: "Back to the documents", "Retour aux documents";
        several: "What is ticked", "Ce qui est coché";
        several_why:
            "Tick documents and folders in the list, then say what is to be done with them.",
            "Cochez des documents et des dossiers dans la liste, puis dites ce qu’il faut en faire.";
        several_choose: "Tick", "Cocher";
        several_none: "Tick something first.", "Cochez d’abord quelque chose.";
        several_download: "Download as ZIP", "Télécharger en ZIP";
        several_remove: "Delete…", "Supprimer…";
        several_remove_ask: "These are going to be deleted, folders with all that is in them:", "Ceci va être supprimé, les dossiers avec tout leur contenu :";
        several_into: "Into the folder", "Dans le dossier";
        several_into_hint:
            "From the top of your documents on, with slashes between, such as Cases/2026; empty is the top.",
            "Depuis le haut de vos documents, avec des barres obliques, par exemple Dossiers/2026 ; vide désigne le haut.";
        several_into_bad: "This is no path of a folder.", "Ce n’est pas le chemin d’un dossier.";
        several_move: "Move", "Déplacer";
        several_copy: "Copy", "Copier";
        several_moved: "They are moved.", "Le déplacement est fait.";
        several_copied: "They are copied.", "La copie est faite.";
        several_removed: "They are deleted.", "La suppression est faite.";
        several_back: "They are where they were.", "Tout est remis en place.";
        several_no_export: "Your profile does not let you take out whole folders.", "Votre profil ne permet pas d’extraire des dossiers entiers.";
        several_failed: "This could not be done with all of them. Not with:", "Cela n’a pas pu être fait pour tous. Pas pour :";
        not_from_here:
            "Your profile does not open documents in the portal from where you are. Programs with an app password may work.",
            "Votre profil n’ouvre pas les documents dans le portail depuis cet endroit. Un logiciel avec un mot de passe d’application peut convenir.";
        needs_factor: "Documents are shown with a second factor only. Set one up first:", "Les documents ne s’affichent qu’avec un second facteur. Activez-en un d’abord :";
        forbidden: "Your rights here do not allow that.", "Vos droits ici ne le permettent pas.";
        over_quota: "There is not enough room.", "Il n’y a pas assez de place.";
        locked: "Somebody is working on it: it is locked.", "Quelqu’un y travaille : l’élément est verrouillé.";
        changed_meanwhile: "It was changed meanwhile. Look again.", "L’élément a été modifié entre-temps. Vérifiez.";
        reserved_profile: "That is a reserved action, and not one of your profile’s.", "C’est une action réservée, que votre profil n’a pas.";
        reserved_zone: "That is a reserved action, which is not done from here.", "C’est une action réservée, impossible depuis cet endroit.";
        reserved_factor: "That is a reserved action: confirm that it is you first.", "C’est une action réservée : confirmez d’abord que c’est vous.";
    }
}
