//! Texts with references: `${env:NAME}`, `${file:PATH}`, `${cmd:COMMAND}`, `${keyring:SERVICE/USER}`.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::error::Problem;

/// Where a reference is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Env,
    File,
    Cmd,
    Keyring,
}

impl Scheme {
    const ALL: [Self; 4] = [Self::Env, Self::File, Self::Cmd, Self::Keyring];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::File => "file",
            Self::Cmd => "cmd",
            Self::Keyring => "keyring",
        }
    }
}

/// One `${scheme:argument}`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Reference {
    pub(super) scheme: Scheme,
    pub(super) argument: String,
}

impl fmt::Display for Reference {
    /// As written, but of a command only the program, for its arguments may hold what they should not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (argument, rest) = match self.scheme {
            Scheme::Cmd => match self.argument.trim().split_once(char::is_whitespace) {
                Some((program, _)) => (program, " ..."),
                None => (self.argument.trim(), ""),
            },
            _ => (self.argument.as_str(), ""),
        };
        write!(f, "${{{}:{argument}{rest}}}", self.scheme.name())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A piece of a text.
#[derive(Debug, Clone)]
pub(super) enum Segment {
    Literal(SecretString),
    Reference(Reference),
}

/// A text, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Template(pub(super) Vec<Segment>);

impl Template {
    /// Takes a text apart; `$${` stands for `${` itself. Braces inside a reference have to be balanced.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, after) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            literal.push_str(before);
            let inside = after.get(2..).unwrap_or_default();
            let end = closing_brace(inside)
                .ok_or_else(|| Problem::new("a reference has no closing `}`").suggest(ESCAPE))?;
            let (reference, after) = inside.split_at(end);
            if !literal.is_empty() {
                segments.push(Segment::Literal(std::mem::take(&mut literal).into()));
            }
            segments.push(Segment::Reference(parse_reference(reference)?));
            rest = after.get(1..).unwrap_or_default();
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            segments.push(Segment::Literal(literal.into()));
        }
        Ok(Self(segments))
    }

    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Reference(reference) => Some(reference),
            Segment::Literal(_) => None,
        })
    }

    /// The literal text, where nothing else is in it.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Segment::Literal(text)] => Some(text.expose_secret()),
            _ => None,
        }
    }

    /// The references as they are written, everything else masked.
    pub(super) fn masked(&self) -> String {
        self.0
            .iter()
            .map(|segment| match segment {
                Segment::Literal(_) => "***".to_owned(),
                Segment::Reference(reference) => reference.to_string(),
            })
            .collect()
    }
}

const ESCAPE: &str = "a reference is `${env:NAME}`, `${file:PATH}`, `${cmd:COMMAND}` or `${keyring:SERVICE/USER}`; \
    `$${` stands for the two characters `${`";

fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn parse_reference(text: &str) -> Result<Reference, Problem> {
    let Some((name, argument)) = text.split_once(':') else {
        return Err(
            Problem::new("a reference needs a scheme, as in `${env:NAME}`").suggest(ESCAPE),
        );
    };
    let Some(scheme) = Scheme::ALL.into_iter().find(|scheme| scheme.name() == name) else {
        let problem = Problem::new("a reference with an unknown scheme")
            .did_you_mean(name, Scheme::ALL.map(Scheme::name));
        return Err(if problem.has_suggestion() {
            problem
        } else {
            problem.suggest(ESCAPE)
        });
    };
    let valid = match scheme {
        Scheme::Env => is_variable(argument),
        Scheme::File | Scheme::Cmd => !argument.trim().is_empty() && !argument.contains('\0'),
        Scheme::Keyring => argument
            .rsplit_once('/')
            .is_some_and(|(service, user)| !service.is_empty() && !user.is_empty()),
    };
    if valid {
        Ok(Reference {
            scheme,
            argument: argument.to_owned(),
        })
    } else {
        Err(Problem::new(match scheme {
            Scheme::Env => "`${env:NAME}` needs a variable's name of letters, digits and `_`",
            Scheme::File => "`${file:PATH}` needs a path",
            Scheme::Cmd => "`${cmd:COMMAND}` needs a command",
            Scheme::Keyring => "`${keyring:SERVICE/USER}` needs a service and a user",
        }))
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart() {
        for (text, expected) in [
            ("", ""),
            ("plain", "[plain]"),
            ("$HOME and {braces}", "[$HOME and {braces}]"),
            ("${env:A}", "${env:A}"),
            ("a${env:A}b${env:B_2}", "[a]${env:A}[b]${env:B_2}"),
            ("$${env:A}", "[${env:A}]"),
            ("$$${env:A}", "[$${env:A}]"),
            ("${file:a/b c.txt}", "${file:a/b c.txt}"),
            ("${keyring:git/ops/me}", "${keyring:git/ops/me}"),
            ("${cmd:awk '{print $1}' f}x", "${cmd:awk ...}[x]"),
        ] {
            let template =
                Template::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
            let seen: String = template
                .0
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => format!("[{}]", text.expose_secret()),
                    Segment::Reference(reference) => reference.to_string(),
                })
                .collect();
            assert_eq!(seen, expected, "{text}");
        }
    }

    #[test]
    fn broken_references_are_refused_without_being_quoted() {
        for text in [
            "${env:A",
            "${marker}",
            "${}",
            "${env:}",
            "${env:1marker}",
            "${env:mar ker}",
            "${evn:marker}",
            "${vault:marker}",
            "${file:}",
            "${cmd: }",
            "${keyring:marker}",
            "${keyring:/marker}",
        ] {
            let problem = format!("{:?}", Template::parse(text).expect_err(text));
            assert!(!problem.contains("marker"), "{problem}");
        }
    }
}
