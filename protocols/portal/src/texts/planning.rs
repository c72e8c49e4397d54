//! Planning: when a team is busy, and a meeting when it is not.

super::texts! {
    /// Planning.
    Planning {
        title: "Planning", "Planification";
        why:
            "See when people are busy in a week, and invite them to a meeting when they are not. You see no more than they let you see.",
            "Voyez quand des personnes sont occupées dans une semaine et invitez-les à une réunion quand elles ne le sont pas. Vous ne voyez que ce qu’elles vous laissent voir.";
        group: "Group", "Groupe";
        group_bad: "You are in no such group.", "Vous n’êtes pas dans ce groupe.";
        group_none: "none", "aucun";
        people: "People", "Personnes";
        people_hint: "Addresses, with spaces or commas between them.", "Des adresses, séparées par des espaces ou des virgules.";
        people_bad: "This is no list of addresses.", "Ce n’est pas une liste d’adresses.";
        people_many: "These are more people than one meeting takes here.", "C’est plus de personnes qu’une réunion n’en prend ici.";
        length: "Length of the meeting", "Durée de la réunion";
        minutes: "minutes", "minutes";
        show: "Show", "Afficher";
        earlier: "Previous week", "Semaine précédente";
        later: "Next week", "Semaine suivante";
        weeks: "Weeks", "Semaines";
        who: "Who is looked at", "Personnes consultées";
        known: "Busy times", "Disponibilités";
        is_known: "known", "connues";
        is_not_known: "not known", "inconnues";
        week_of: "Busy times in the week of", "Disponibilités de la semaine du";
        zone: "Times are in the time zone", "Heures du fuseau";
        hour: "Hour", "Heure";
        free: "free", "libre";
        busy: "busy:", "occupé :";
        days: "Mon Tue Wed Thu Fri Sat Sun", "lun. mar. mer. jeu. ven. sam. dim.";
        cell_why:
            "A cell says who is busy for some of that hour; free is who is known not to be.",
            "Une case dit qui est occupé pendant une partie de l’heure ; libre veut dire que personne de connu ne l’est.";
        book: "Book a meeting", "Fixer une réunion";
        when: "When everybody who is known is free", "Quand toutes les personnes connues sont libres";
        none_free: "There is no time in this week when everybody is free. Look at another, or take a shorter meeting.", "Aucun créneau commun cette semaine. Voyez une autre semaine ou une réunion plus courte.";
        subject: "Subject", "Objet";
        subject_bad: "Say what the meeting is about, in up to 200 characters.", "Indiquez l’objet de la réunion, en 200 caractères au plus.";
        book_button: "Book and invite", "Fixer et inviter";
        slot_bad: "Choose a time first.", "Choisissez d’abord un créneau.";
        slot_gone: "That time is not free any more. Choose another.", "Ce créneau n’est plus libre. Choisissez-en un autre.";
        no_calendar: "You have no calendar to put it into.", "Vous n’avez pas de calendrier où l’inscrire.";
        booked: "The meeting is in your calendar, and the others are invited.", "La réunion est dans votre calendrier et les autres sont invités.";
        not_from_here:
            "Your profile does not open calendars in the portal from where you are. Programs with an app password may work.",
            "Votre profil n’ouvre pas les calendriers dans le portail depuis cet endroit. Un logiciel avec un mot de passe d’application peut convenir.";
        needs_factor: "Calendars are shown with a second factor only. Set one up first:", "Les calendriers ne s’affichent qu’avec un second facteur. Activez-en un d’abord :";
    }
}
