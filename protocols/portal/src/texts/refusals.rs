//! What did not work, on any page.

super::texts! {
    /// What did not work.
    Refusals {
        code_wrong: "The code is not right.", "Le code est inexact.";
        code_used:
            "This code was used already. Wait for the next one.",
            "Ce code a déjà servi. Attendez le suivant.";
        locked:
            "After several wrong tries, this kind of second factor is not looked at for a while; another kind works. To wait:",
            "Après plusieurs essais inexacts, ce type de second facteur est suspendu un moment ; un autre type fonctionne. À attendre :";
        seconds: "seconds", "secondes";
        minutes: "minutes", "minutes";
        hours: "hours", "heures";
        confirm_first: "Confirm that it is you first.", "Confirmez d’abord que c’est vous.";
        ended: "The session has ended. Sign in again.", "La session a pris fin. Connectez-vous de nouveau.";
        busy: "Too much is going on just now. Try again in a moment.", "Le serveur est très occupé. Réessayez dans un instant.";
        stale: "The form was too old or came from elsewhere. Try again.", "Le formulaire est trop ancien ou vient d’ailleurs. Réessayez.";
        limit: "There are as many as there may be.", "La limite est atteinte.";
        codes_sent:
            "Too many codes were sent in the last hour. Use another factor, or wait.",
            "Trop de codes ont été envoyés depuis une heure. Utilisez un autre facteur, ou attendez.";
        not_possible: "That is not possible here.", "Ce n’est pas possible ici.";
        missing: "That is not there any more.", "Cet élément n’existe plus.";
        exists: "That is there already.", "Cet élément existe déjà.";
        share_not_allowed:
            "Your profile does not let you share with them.",
            "Votre profil ne permet pas de partager avec ce destinataire.";
        grantee_unknown:
            "There is no such account, group or profile.",
            "Ce compte, ce groupe ou ce profil n’existe pas.";
        account_unknown: "There is no such account.", "Ce compte n’existe pas.";
        failed: "That did not work. Try again later.", "Cela n’a pas fonctionné. Réessayez plus tard.";
    }
}
