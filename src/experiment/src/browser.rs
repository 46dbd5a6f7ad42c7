//! What a browser calls itself.

/// Name and version of a browser by its `User-Agent`: "Firefox 143"; "a browser" if it is none of those that are known.
pub fn browser_name(user_agent: &str) -> String {
    // Each also claims to be those below it.
    let known =
        [("Firefox/", "Firefox"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("Chrome/", "Chrome"), ("Version/", "Safari")];
    for (mark, name) in known {
        let Some((_, rest)) = user_agent.split_once(mark) else { continue };
        let version: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return if version.is_empty() { name.into() } else { format!("{name} {version}") };
    }
    "a browser".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_by_its_own_name_and_not_by_those_it_claims() {
        let engine = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (rest, name) in [
            (" Chrome/141.0.0.0 Safari/537.36", "Chrome 141"),
            (" HeadlessChrome/141.0.0.0 Safari/537.36", "Chrome 141"),
            (" Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "Edge 141"),
            (" Version/26.0 Safari/605.1.15", "Safari 26"),
            ("", "a browser"),
        ] {
            assert_eq!(browser_name(&format!("{engine}{rest}")), name);
        }
        assert_eq!(browser_name("Mozilla/5.0 (X11; rv:143.0) Gecko/20100101 Firefox/143.0"), "Firefox 143");
    }
}
