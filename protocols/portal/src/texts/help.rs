//! Help: whom to ask, and how to set up programs.

super::texts! {
    /// Help.
    Help {
        title: "Help", "Aide";
        support: "Whom to ask", "À qui s’adresser";
        settings: "Settings for all programs", "Réglages pour tous les programmes";
        servers: "Servers", "Serveurs";
        service: "Service", "Service";
        server: "Server", "Serveur";
        port: "Port", "Port";
        security: "Security", "Sécurité";
        mail_in: "Incoming mail (IMAP)", "Courrier entrant (IMAP)";
        mail_out: "Outgoing mail (SMTP)", "Courrier sortant (SMTP)";
        filters: "Mail filters (ManageSieve)", "Filtres de courrier (ManageSieve)";
        calendars: "Calendars and contacts (CalDAV, CardDAV)", "Calendriers et contacts (CalDAV, CardDAV)";
        documents: "Documents (WebDAV)", "Documents (WebDAV)";
        user_name: "User name: your whole address", "Nom d’utilisateur : votre adresse complète";
        password:
            "Password: an app password made in this portal, never the one with which you sign in here",
            "Mot de passe : un mot de passe d’application créé dans ce portail, jamais celui avec lequel vous vous connectez ici";
        your_address: "ADDRESS", "ADRESSE";
        thunderbird: "Thunderbird", "Thunderbird";
        thunderbird_1:
            "Choose New account, Email, and type your name and your address.",
            "Choisissez Nouveau compte, Adresse électronique, puis saisissez votre nom et votre adresse.";
        thunderbird_2:
            "Choose Configure manually and take over the two mail servers from the table above, with the authentication “Normal password”.",
            "Choisissez Configuration manuelle et reprenez les deux serveurs de courrier du tableau ci-dessus, avec l’authentification « Mot de passe normal ».";
        thunderbird_3: "When it asks for the password, give the app password.", "Quand le mot de passe est demandé, donnez le mot de passe d’application.";
        thunderbird_4:
            "For calendars: New calendar, On the network, your address as user name, and the address from the table as location.",
            "Pour les calendriers : Nouvel agenda, Sur le réseau, votre adresse comme nom d’utilisateur et l’adresse du tableau comme emplacement.";
        apple: "Apple Mail (iPhone, iPad, Mac)", "Apple Mail (iPhone, iPad, Mac)";
        apple_1:
            "In Settings, open Mail, Accounts, Add account, Other, Add mail account.",
            "Dans Réglages, ouvrez Mail, Comptes, Ajouter un compte, Autre, Ajouter un compte de messagerie.";
        apple_2:
            "Give your name, your address and the app password; choose IMAP.",
            "Donnez votre nom, votre adresse et le mot de passe d’application ; choisissez IMAP.";
        apple_3:
            "For both servers give the host name from the table, your whole address as user name and the app password.",
            "Pour les deux serveurs, donnez le nom d’hôte du tableau, votre adresse complète comme nom d’utilisateur et le mot de passe d’application.";
        apple_4:
            "For calendars: Other, Add CalDAV account, with the address from the table as server.",
            "Pour les calendriers : Autre, Ajouter un compte CalDAV, avec l’adresse du tableau comme serveur.";
        apple_profile:
            "Or let the device do it: fetch this profile on it and install it in Settings; it asks for the app password.",
            "Ou laissez faire l’appareil : chargez-y ce profil et installez-le dans Réglages ; il demande le mot de passe d’application.";
        apple_download: "Profile for Apple devices", "Profil pour les appareils Apple";
        davx5: "Calendars and contacts on Android (DAVx⁵)", "Calendriers et contacts sur Android (DAVx⁵)";
        davx5_1:
            "In DAVx⁵ add an account, choose Nextcloud, and give the address from the table: this portal then asks you what DAVx⁵ may have, and no password is to be typed. Or choose Log in with URL and user name:",
            "Dans DAVx⁵, ajoutez un compte, choisissez Nextcloud et donnez l’adresse du tableau : ce portail vous demande alors ce que DAVx⁵ peut obtenir, sans mot de passe à saisir. Ou choisissez Connexion avec une URL et un nom d’utilisateur :";
        davx5_2:
            "Give the address for calendars from the table, your whole address as user name and the app password.",
            "Donnez l’adresse pour les calendriers du tableau, votre adresse complète comme nom d’utilisateur et le mot de passe d’application.";
        davx5_3: "Tick the calendars and address books that the phone is to have.", "Cochez les agendas et carnets d’adresses que le téléphone doit avoir.";
        file_managers: "Documents in the file manager", "Documents dans le gestionnaire de fichiers";
        windows: "Windows: in the Explorer, Map network drive, with this address:", "Windows : dans l’Explorateur, Connecter un lecteur réseau, avec cette adresse :";
        mac: "Mac: in the Finder, Go, Connect to server, with the same address.", "Mac : dans le Finder, Aller, Se connecter au serveur, avec la même adresse.";
        linux: "Linux (GNOME): in Files, Other locations, Connect to server:", "Linux (GNOME) : dans Fichiers, Autres emplacements, Connexion à un serveur :";
    }
}
