//! Connecting a program that asks for it.

super::texts! {
    /// Connecting a program.
    Connect {
        title: "Connect a program", "Connecter un logiciel";
        why:
            "A program asks for an app password of yours. Go on only if you have just begun this yourself, on a device of your own.",
            "Un logiciel demande un mot de passe d’application à votre nom. Ne continuez que si vous venez de lancer cette demande vous-même, sur votre propre appareil.";
        program: "Program, by its own words", "Logiciel, selon lui-même";
        unnamed: "did not say", "non indiqué";
        from: "From", "Depuis";
        at: "Asked", "Demandé le";
        elsewhere:
            "It does not come from where your browser is, so its first log-in waits until you confirm it under Devices. If somebody else has sent you this link, refuse.",
            "La demande ne vient pas de l’endroit où se trouve votre navigateur : sa première connexion attendra votre confirmation sous Appareils. Si quelqu’un d’autre vous a envoyé ce lien, refusez.";
        needs_factor: "Set up a second factor first:", "Configurez d’abord un second facteur :";
        go: "Connect", "Connecter";
        refuse: "That was not me: refuse", "Ce n’était pas moi : refuser";
        refused: "The program gets nothing.", "Le logiciel n’obtient rien.";
        done: "The program is connected", "Le logiciel est connecté";
        done_why:
            "It gets its app password now. You can close this page and go back to it; here you can revoke it at any time:",
            "Il reçoit maintenant son mot de passe d’application. Vous pouvez fermer cette page et y revenir ; vous pouvez le révoquer ici à tout moment :";
        gone:
            "No program waits here any more. Begin again in the program.",
            "Aucun logiciel n’attend plus ici. Recommencez dans le logiciel.";
    }
}
