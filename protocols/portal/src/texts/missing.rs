//! What is not there.

super::texts! {
    /// What is not there.
    Missing {
        title: "Not found", "Introuvable";
        why: "There is no such page, or it is not for you.", "Cette page n’existe pas, ou elle ne vous est pas destinée.";
    }
}
