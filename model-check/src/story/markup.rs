//! Text as it may stand in HTML and in SVG.

/// The text with everything replaced that markup would take for its own.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no way to write the others.
            letter if letter.is_control() && letter != '\n' && letter != '\t' => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_markup_would_read() {
        assert_eq!(
            escaped("a < b && \"c\" > 'd'\u{7}"),
            "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;\u{fffd}"
        );
    }
}
