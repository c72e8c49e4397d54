//! Devices: log-ins that wait, and networks that were confirmed.

super::texts! {
    /// Devices.
    Devices {
        title: "Devices", "Appareils";
        why:
            "When a program logs in from a new place, your profile may want your word first. It waits a few seconds for it, and most programs try again by themselves.",
            "Quand un programme se connecte depuis un nouvel endroit, votre profil peut exiger votre accord. Il l’attend quelques secondes, et la plupart des programmes réessaient d’eux-mêmes.";
        waiting: "Log-ins that wait", "Connexions en attente";
        waiting_why:
            "Confirm only what you started yourself just now. If it was not you, somebody has this app password: say so, and it ends at once.",
            "Ne confirmez que ce que vous venez de lancer vous-même. Si ce n’était pas vous, quelqu’un possède ce mot de passe d’application : signalez-le, et il prend fin aussitôt.";
        none_waits: "Nothing waits.", "Rien n’est en attente.";
        label: "App password", "Mot de passe d’application";
        client: "Program", "Programme";
        unnamed: "did not say", "non indiqué";
        service: "For", "Pour";
        peer: "From", "Depuis";
        zone: "Zone", "Zone";
        at: "When", "Quand";
        action: "Action", "Action";
        confirm: "Confirm", "Confirmer";
        refuse: "That was not me", "Ce n’était pas moi";
        confirmed: "Confirmed networks", "Réseaux confirmés";
        again_why:
            "“Confirm again” makes a program as sure as right after a second factor, for as long as your profile says. Reserved actions, such as validating an official act, need that.",
            "« Confirmer encore » rend un programme aussi sûr que juste après un second facteur, aussi longtemps que votre profil le prévoit. Les actions réservées, comme valider un acte officiel, l’exigent.";
        none_confirmed: "No network was confirmed yet.", "Aucun réseau n’a encore été confirmé.";
        network: "Network", "Réseau";
        confirmed_at: "Confirmed", "Confirmé le";
        again: "Confirm again", "Confirmer encore";
        withdraw: "Withdraw", "Retirer";
        done: "Confirmed. The program can go on.", "Confirmé. Le programme peut continuer.";
        refused:
            "The app password was ended. Look through your notices, and make a new one for your own program.",
            "Le mot de passe d’application a pris fin. Vérifiez vos avis, et créez-en un nouveau pour votre propre programme.";
        withdrawn:
            "The confirmation was withdrawn. The next log-in from there asks you again.",
            "La confirmation est retirée. La prochaine connexion depuis ce réseau vous sera de nouveau demandée.";
    }
}
