//! What did not work, on any page.

super::texts! {
    /// What did not work.
    Refusals {
        code_wrong: "The code is not right or was used already.", "Le code est inexact ou a déjà servi.";
        ended: "The session has ended. Sign in again.", "La session a pris fin. Connectez-vous de nouveau.";
        busy: "Too much is going on just now. Try again in a moment.", "Le serveur est très occupé. Réessayez dans un instant.";
        stale: "The form was too old or came from elsewhere. Try again.", "Le formulaire est trop ancien ou vient d’ailleurs. Réessayez.";
        limit: "There are as many as there may be.", "La limite est atteinte.";
        scope:
            "Choose at least one service, and only such as your profile may use.",
            "Choisissez au moins un service, et seulement parmi ceux que votre profil permet.";
        label: "Give it a name of at most 100 bytes.", "Donnez-lui un nom d’au plus 100 octets.";
        failed: "That did not work. Try again later.", "Cela n’a pas fonctionné. Réessayez plus tard.";
    }
}
