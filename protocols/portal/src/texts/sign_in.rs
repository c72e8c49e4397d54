//! Signing in.

super::texts! {
    /// Signing in.
    SignIn {
        title: "Sign in", "Se connecter";
        address: "Address", "Adresse";
        password: "Password", "Mot de passe";
        password_hint:
            "The main password, which opens this portal only. Programs have passwords of their own.",
            "Le mot de passe principal, qui n’ouvre que ce portail. Les programmes ont leurs propres mots de passe.";
        code_title: "Confirm that it is you", "Confirmez que c’est vous";
        refused:
            "Address or password are not right, or the account has no portal.",
            "L’adresse ou le mot de passe est inexact, ou le compte n’a pas de portail.";
    }
}
