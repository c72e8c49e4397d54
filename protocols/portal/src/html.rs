//! Markup: what is written in this crate goes in as it is, everything else is escaped. The types keep the two apart.

/// A page or a piece of one.
#[derive(Debug, Default, Clone)]
pub(crate) struct Html(String);

impl Html {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Markup of our own. Only what is in the program's text has this type.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Any text, as content or in a quoted attribute value.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // No control character means anything here.
                c if c.is_control() && c != '\n' && c != '\t' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// A piece that is made already.
    pub(crate) fn append(&mut self, piece: &Html) -> &mut Self {
        self.0.push_str(&piece.0);
        self
    }

    /// The markup.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_cannot_become_markup() {
        let mut html = Html::new();
        html.raw("<p title=\"").text("\"><script>alert('x')</script>&").raw("\">");
        assert_eq!(html.into_string(), "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\">");
    }

    proptest! {
        #[test]
        fn no_text_holds_a_delimiter(text in any::<String>()) {
            let mut html = Html::new();
            html.text(&text);
            prop_assert!(!html.into_string().contains(['<', '>', '"', '\'']));
        }
    }
}
