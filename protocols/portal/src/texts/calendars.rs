//! Calendars: those of the web that one has, and those that one has published.

super::texts! {
    /// Calendars.
    Calendars {
        title: "Calendars", "Calendriers";
        web: "Calendars of the web", "Calendriers du web";
        web_why:
            "The server fetches these for you now and then, and your programs show them beside your own, to be read only. Nothing about you goes out with the request.",
            "Le serveur va les chercher pour vous de temps en temps et vos logiciels les montrent à côté des vôtres, en lecture seule. Rien de vous n’accompagne la requête.";
        none: "You have no calendar of the web.", "Vous n’avez aucun calendrier du web.";
        list: "What you have subscribed to", "Vos abonnements";
        calendar: "Calendar", "Calendrier";
        from: "From", "Source";
        state: "State", "État";
        action: "Action", "Action";
        waiting: "It is being fetched.", "Récupération en cours.";
        fetched: "Last fetched", "Dernière récupération";
        tried: "Last tried", "Dernier essai";
        left_out: "entries could not be understood and are left out", "entrées incompréhensibles ont été laissées de côté";
        rings: "with alarms", "avec les alarmes";
        unsubscribe: "Unsubscribe", "Se désabonner";
        unsubscribed: "The calendar is gone from your programs.", "Le calendrier a disparu de vos logiciels.";
        new: "Subscribe to a calendar", "S’abonner à un calendrier";
        url: "Its URL", "Son adresse web";
        url_hint:
            "It begins with https:// or webcal:// and often ends in .ics. Some are secret: whoever knows them reads the calendar.",
            "Elle commence par https:// ou webcal:// et finit souvent par .ics. Certaines sont secrètes : qui les connaît lit le calendrier.";
        url_bad: "No calendar is fetched from that URL.", "Aucun calendrier n’est récupéré à cette adresse.";
        name: "What you call it", "Le nom que vous lui donnez";
        name_bad: "Give it a name of up to 100 characters.", "Donnez-lui un nom de 100 caractères au plus.";
        alarms: "Its events may ring", "Ses événements peuvent sonner";
        alarms_legend: "Alarms", "Alarmes";
        subscribe: "Subscribe", "S’abonner";
        subscribed: "The calendar is yours to read as soon as it is fetched.", "Le calendrier sera lisible dès sa récupération.";
        many: "You have as many calendars of the web as one person may have.", "Vous avez déjà autant de calendriers du web qu’une personne peut en avoir.";
        not_allowed:
            "Your profile does not let you subscribe to calendars of the web from where you are.",
            "Votre profil ne permet pas de s’abonner à des calendriers du web depuis cet endroit.";
        source: "Nothing is fetched from that URL, or from where it leads.", "Rien n’est récupéré à cette adresse, ou là où elle mène.";
        unreachable: "The server there does not answer, or is not what it says it is.", "Le serveur distant ne répond pas, ou n’est pas celui qu’il prétend être.";
        late: "The server there took too long.", "Le serveur distant a mis trop de temps.";
        status: "The server there did not give the calendar and answered", "Le serveur distant n’a pas donné le calendrier et a répondu";
        redirects: "The URL leads on and on, or nowhere.", "L’adresse renvoie sans fin, ou nulle part.";
        too_large: "The calendar is larger than is taken here.", "Le calendrier est plus gros que ce qui est admis ici.";
        too_many: "The calendar has more entries than are taken here.", "Le calendrier a plus d’entrées que ce qui est admis ici.";
        not_calendar: "What is there is no calendar.", "Ce qui s’y trouve n’est pas un calendrier.";
        over_quota: "There is no room left for it.", "Il n’y a plus de place pour lui.";
        stays: "What was fetched before stays.", "Ce qui a été récupéré avant reste.";
        published: "Published calendars", "Calendriers publiés";
        published_why:
            "Whoever has such a link sees the calendar, without an account. What is not public in it shows as busy times at most.",
            "Quiconque a un tel lien voit le calendrier, sans compte. Ce qui n’y est pas public n’apparaît au plus que comme occupé.";
        published_none: "You have published no calendar.", "Vous n’avez publié aucun calendrier.";
        published_list: "Your links", "Vos liens";
        shows: "Shows", "Montre";
        shows_busy: "when you are busy", "quand vous êtes occupé";
        shows_busy_why: "Times and nothing else.", "Les heures et rien d’autre.";
        shows_all: "everything that is public", "tout ce qui est public";
        shows_all_why: "Subjects, places, descriptions and who is invited, too.", "Aussi les objets, lieux, descriptions et personnes invitées.";
        since: "Since", "Depuis";
        until: "Until", "Jusqu’au";
        never: "without an end", "sans fin";
        in_30_days: "in 30 days", "dans 30 jours";
        in_90_days: "in 90 days", "dans 90 jours";
        in_365_days: "in a year", "dans un an";
        choice_bad: "Choose one of these.", "Choisissez l’une des possibilités.";
        publish: "Publish a calendar", "Publier un calendrier";
        publish_button: "Make a link", "Créer un lien";
        publish_not_allowed:
            "Your profile does not let you publish calendars from where you are.",
            "Votre profil ne permet pas de publier des calendriers depuis cet endroit.";
        links_many: "You have as many links as one person may have.", "Vous avez déjà autant de liens qu’une personne peut en avoir.";
        link_title: "A new link", "Un nouveau lien";
        link_once: "This link is shown now and never again.", "Ce lien s’affiche maintenant et plus jamais ensuite.";
        link: "Link", "Lien";
        link_why:
            "Give it to whom you trust with it: it can be passed on. Calendar programs subscribe to it.",
            "Donnez-le à qui vous faites confiance : il peut être transmis. Les logiciels de calendrier s’y abonnent.";
        link_done: "I have kept the link", "J’ai conservé le lien";
        withdraw: "Withdraw", "Retirer";
        withdrawn: "The link leads to nothing any more.", "Le lien ne mène plus à rien.";
        not_from_here:
            "Your profile does not open calendars in the portal from where you are. Programs with an app password may work.",
            "Votre profil n’ouvre pas les calendriers dans le portail depuis cet endroit. Un logiciel avec un mot de passe d’application peut convenir.";
        needs_factor: "Calendars are shown with a second factor only. Set one up first:", "Les calendriers ne s’affichent qu’avec un second facteur. Activez-en un d’abord :";
    }
}
