//! A query's words.

use super::QueryError;

/// A word and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub at: usize,
    pub word: Word,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Name(String),
    /// A number, and whether it is written as a whole one.
    Number(f64, bool),
    /// A length of time, in milliseconds: `5m`.
    Timespan(f64),
    Text(String),
    /// `|`, `==`, `(`…
    Sign(&'static str),
    End,
}

impl Word {
    /// As an error quotes it.
    pub fn quoted(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Number(x, _) => format!("the number {x}"),
            Self::Timespan(ms) => format!("a timespan of {ms} ms"),
            Self::Text(text) => format!("the text {text:?}"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".into(),
        }
    }
}

/// Longer ones before those that they begin with.
const SIGNS: [&str; 18] =
    ["==", "!=", "=~", "!~", "<=", ">=", "<", ">", "=", "|", ",", "(", ")", "+", "-", "*", "/", "%"];

/// Milliseconds by the letters after a number.
const UNITS: [(&str, f64); 5] = [("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6), ("d", 8.64e7)];

/// The words of a query; the last is the end.
pub(super) fn words(text: &str) -> Result<Vec<Token>, QueryError> {
    let letters: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    let run = |from: usize, is_in: fn(&char) -> bool| from + letters[from..].iter().take_while(|c| is_in(c)).count();
    while let Some(first) = letters.get(at) {
        let begin = at;
        let rest = &letters[at..];
        if first.is_whitespace() {
            at += 1;
            continue;
        }
        if rest.starts_with(&['/', '/']) {
            at = run(at, |c| *c != '\n');
            continue;
        }
        let word = if is_letter(first) {
            at = run(at, |c| is_letter(c) || c.is_ascii_digit());
            Word::Name(letters[begin..at].iter().collect())
        } else if first.is_ascii_digit() {
            at = run(at, |c| c.is_ascii_digit() || *c == '.');
            let number: String = letters[begin..at].iter().collect();
            let letters_from = at;
            at = run(at, is_letter);
            let unit: String = letters[letters_from..at].iter().collect();
            number_of(&number, &unit).ok_or_else(|| QueryError {
                at: begin,
                found: format!("`{number}{unit}`"),
                expected: "a number, or a timespan such as 500ms, 10s, 5m, 1h or 7d".into(),
            })?
        } else if matches!(first, '\'' | '"') {
            let (quoted, end) = quoted(&letters, at);
            at = end.ok_or_else(|| QueryError {
                at: begin,
                found: format!("a text that begins with {first} and does not end"),
                expected: format!("{first} after it"),
            })?;
            Word::Text(quoted)
        } else {
            let sign =
                SIGNS.iter().find(|sign| sign.chars().zip(rest).all(|(a, b)| a == *b) && sign.len() <= rest.len());
            let sign = sign.ok_or_else(|| QueryError {
                at: begin,
                found: format!("`{first}`"),
                expected: "a name, a number, a text or an operator".into(),
            })?;
            at += sign.len();
            Word::Sign(sign)
        };
        tokens.push(Token { at: begin, word });
    }
    tokens.push(Token { at: letters.len(), word: Word::End });
    Ok(tokens)
}

fn is_letter(c: &char) -> bool {
    c.is_alphabetic() || *c == '_'
}

fn number_of(number: &str, unit: &str) -> Option<Word> {
    let x: f64 = number.parse().ok()?;
    if unit.is_empty() {
        return Some(Word::Number(x, !number.contains('.')));
    }
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| Word::Timespan(x * ms))
}

/// A text in quotation marks, and where it is over; a backslash keeps the letter after it.
fn quoted(letters: &[char], from: usize) -> (String, Option<usize>) {
    let (mut text, mut at) = (String::new(), from + 1);
    while let Some(c) = letters.get(at) {
        match c {
            _ if *c == letters[from] => return (text, Some(at + 1)),
            '\\' => {
                at += 1;
                text.extend(letters.get(at));
            }
            _ => text.push(*c),
        }
        at += 1;
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_falls_into_words() {
        let found: Vec<Word> =
            words("where a_1>=5m // so\n|'it\\'s'!=1.5").expect("words").into_iter().map(|token| token.word).collect();
        let expected = [
            Word::Name("where".into()),
            Word::Name("a_1".into()),
            Word::Sign(">="),
            Word::Timespan(300_000.0),
            Word::Sign("|"),
            Word::Text("it's".into()),
            Word::Sign("!="),
            Word::Number(1.5, false),
            Word::End,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_word_says_where() {
        let error = |text| words(text).expect_err("no word").to_string();
        assert_eq!(error("a ; b"), "character 3: found `;`, expected a name, a number, a text or an operator");
        assert_eq!(error("a 'b"), "character 3: found a text that begins with ' and does not end, expected ' after it");
        assert_eq!(
            error("5min"),
            "character 1: found `5min`, expected a number, or a timespan such as 500ms, 10s, 5m, 1h or 7d"
        );
    }
}
