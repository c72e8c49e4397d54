//! Second factors: what they are, setting them up, and giving one.

super::texts! {
    /// Second factors.
    Factors {
        title: "Second factors", "Seconds facteurs";
        why:
            "A second factor protects your account even if somebody learns your password: a code, or a passkey, that only you can give.",
            "Un second facteur protège votre compte même si quelqu’un apprend votre mot de passe : un code, ou une clé d’accès, que vous seul pouvez donner.";
        missing:
            "None is set up yet. Without one, no app password can be made. Most people begin with an authenticator app on their phone.",
            "Aucun n’est configuré. Sans second facteur, aucun mot de passe d’application ne peut être créé. Le plus simple est une application d’authentification sur votre téléphone.";
        authenticator: "Authenticator app", "Application d’authentification";
        authenticator_why:
            "An app on your phone that shows a new code every half minute.",
            "Une application sur votre téléphone, qui affiche un nouveau code toutes les trente secondes.";
        enrolled: "An authenticator is set up.", "Une application d’authentification est configurée.";
        enrol: "Set up an authenticator", "Configurer une application d’authentification";
        replace: "Replace the authenticator", "Remplacer l’application d’authentification";
        replace_why:
            "For a new phone. The authenticator until now stops counting as soon as the new one is confirmed.",
            "Pour un nouveau téléphone. L’application actuelle ne comptera plus dès que la nouvelle sera confirmée.";
        step_scan: "Add the account to the app", "Ajoutez le compte à l’application";
        how:
            "Open your authenticator app, add an account and point the camera at this picture.",
            "Ouvrez votre application d’authentification, ajoutez un compte et visez cette image avec l’appareil photo.";
        picture: "QR code with the secret for the authenticator app", "Code QR contenant le secret pour l’application d’authentification";
        secret: "Without a camera, type this secret instead:", "Sans appareil photo, saisissez plutôt ce secret :";
        link: "Open the app on this device", "Ouvrir l’application sur cet appareil";
        step_confirm: "Confirm with a first code", "Confirmez avec un premier code";
        confirm: "Confirm", "Confirmer";
        cancel: "Cancel", "Annuler";
        done: "The authenticator is set up.", "L’application d’authentification est configurée.";
        remove: "Remove", "Supprimer";
        removed: "It was removed.", "L’élément est supprimé.";
        name: "Name", "Nom";
        made: "Made", "Ajouté le";
        last_used: "Last used", "Dernière utilisation";
        never: "never", "jamais";
        action: "Action", "Action";
        code: "One-time code", "Code à usage unique";
        code_hint:
            "The six digits of your authenticator, the eight that were sent to you, or a recovery code.",
            "Les six chiffres de votre application d’authentification, les huit chiffres qui vous ont été envoyés, ou un code de secours.";
        digits_hint:
            "The six digits that your authenticator shows now.",
            "Les six chiffres affichés en ce moment par votre application d’authentification.";
        sent_hint: "The eight digits that were sent.", "Les huit chiffres qui ont été envoyés.";
        passkeys: "Passkeys", "Clés d’accès";
        passkeys_why:
            "Your fingerprint, your face or the screen lock of this device, or a security key. Nobody can trick you into giving one to another site.",
            "Votre empreinte, votre visage ou le verrouillage de cet appareil, ou une clé de sécurité. Personne ne peut vous amener à la donner à un autre site.";
        passkey_list: "Your passkeys", "Vos clés d’accès";
        passkey_name: "Name of the new passkey", "Nom de la nouvelle clé d’accès";
        passkey_hint: "For yourself, such as “Laptop”.", "Pour vous-même, par exemple « Portable ».";
        passkey_name_missing: "Give it a name of at most 100 bytes.", "Donnez-lui un nom d’au plus 100 octets.";
        passkey_add: "Add a passkey", "Ajouter une clé d’accès";
        passkey_make: "Make the passkey", "Créer la clé d’accès";
        passkey_next:
            "Your browser asks you now where to keep the passkey, and for your fingerprint, face or PIN.",
            "Votre navigateur vous demande maintenant où garder la clé d’accès, ainsi que votre empreinte, votre visage ou votre code.";
        passkey_done: "The passkey is set up.", "La clé d’accès est configurée.";
        passkey_use: "Use a passkey", "Utiliser une clé d’accès";
        passkey_failed:
            "The browser did not give a passkey. Try again, or use another factor.",
            "Le navigateur n’a pas donné de clé d’accès. Réessayez, ou utilisez un autre facteur.";
        passkey_refused: "That passkey does not count here.", "Cette clé d’accès ne compte pas ici.";
        passkey_script: "Passkeys need JavaScript.", "Les clés d’accès exigent JavaScript.";
        devices: "Devices that get codes", "Appareils qui reçoivent des codes";
        devices_why:
            "A code can be sent to a mail address elsewhere or to a telephone. The first one here is also the one that a forgotten password is set anew with.",
            "Un code peut être envoyé à une adresse électronique extérieure ou à un téléphone. Le premier de la liste sert aussi en cas de mot de passe oublié.";
        device_list: "Your devices", "Vos appareils";
        device_reach: "Mail address or telephone number", "Adresse électronique ou numéro de téléphone";
        device_reach_mail: "Mail address elsewhere", "Adresse électronique ailleurs";
        device_hint:
            "An address that is not of this organisation, or a number such as +33 6 12 34 56 78.",
            "Une adresse extérieure à l’organisation, ou un numéro comme +33 6 12 34 56 78.";
        device_hint_mail: "An address that is not of this organisation.", "Une adresse extérieure à l’organisation.";
        device_bad:
            "This is neither an address elsewhere nor a telephone number. Who reads your mail here would read the codes too.",
            "Ce n’est ni une adresse extérieure ni un numéro de téléphone. Qui lit votre courrier ici lirait aussi les codes.";
        device_add: "Send a first code", "Envoyer un premier code";
        device_title: "Confirm the device", "Confirmer l’appareil";
        device_sent: "A code is on its way to", "Un code est en route vers";
        device_done: "The device is set up.", "L’appareil est configuré.";
        recovery: "Recovery codes", "Codes de secours";
        recovery_why:
            "For the day when your phone is lost: ten codes on paper, each of which counts once.",
            "Pour le jour où votre téléphone est perdu : dix codes sur papier, dont chacun ne sert qu’une fois.";
        recovery_left: "Codes that are left", "Codes restants";
        recovery_none: "You have none.", "Vous n’en avez pas.";
        recovery_make: "Make new recovery codes", "Créer de nouveaux codes de secours";
        recovery_title: "Your recovery codes", "Vos codes de secours";
        recovery_once:
            "They are shown this once only. Print this page or write them down, and keep them where your phone is not. Codes from before count no longer.",
            "Ils ne sont affichés qu’une fois. Imprimez cette page ou notez-les, et gardez-les ailleurs que votre téléphone. Les codes précédents ne comptent plus.";
        recovery_kept: "I have kept them", "Je les ai gardés";
        step_up: "Confirm that it is you", "Confirmez que c’est vous";
        step_up_why:
            "For changes here, a second factor is needed that was given in the last five minutes.",
            "Pour modifier quelque chose ici, il faut un second facteur donné au cours des cinq dernières minutes.";
        step_up_other: "Use a passkey, or have a code sent", "Utiliser une clé d’accès, ou recevoir un code";
        go_on: "Continue", "Continuer";
        send_to: "Send a code to", "Envoyer un code à";
        sent: "A code is on its way. It counts for ten minutes.", "Un code est en route. Il est valable dix minutes.";
        other_ways: "Other ways", "Autres moyens";
    }
}
