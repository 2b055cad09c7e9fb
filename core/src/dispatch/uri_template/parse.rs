//! Parses the text of a template to its parts (RFC 6570 section 2).

/// A parsed template.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// The literal text, and where it starts.
    Literal(String, usize),
    Expression(Expression),
}

#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) operator: Operator,
    pub(super) variables: Vec<Variable>,
    /// The position of the expression's opening brace.
    pub(super) place: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) modifier: Modifier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    None,
    Prefix(usize),
    Explode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Simple,
    Reserved,
    Fragment,
    Label,
    Segment,
    Parameter,
    Query,
    Continuation,
}

impl Operator {
    /// The character before the first value.
    pub(super) fn first(self) -> Option<u8> {
        match self {
            Operator::Simple | Operator::Reserved => None,
            Operator::Fragment => Some(b'#'),
            Operator::Label => Some(b'.'),
            Operator::Segment => Some(b'/'),
            Operator::Parameter => Some(b';'),
            Operator::Query => Some(b'?'),
            Operator::Continuation => Some(b'&'),
        }
    }

    /// The character between two values.
    pub(super) fn separator(self) -> u8 {
        match self {
            Operator::Simple | Operator::Reserved | Operator::Fragment => b',',
            Operator::Label => b'.',
            Operator::Segment => b'/',
            Operator::Parameter => b';',
            Operator::Query | Operator::Continuation => b'&',
        }
    }

    /// Whether values have the form `name=value`.
    pub(super) fn is_named(self) -> bool {
        matches!(self, Operator::Parameter | Operator::Query | Operator::Continuation)
    }

    /// Whether values may contain bare reserved characters.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Operator::Reserved | Operator::Fragment)
    }
}

/// The error for a template, with the reason and the position.
pub(super) fn wrong(place: usize, what: impl std::fmt::Display) -> String {
    format!("{what} (at byte {place})")
}

pub(super) fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let literal = rest.find(['{', '}']).unwrap_or(rest.len());
        if literal > 0 {
            parts.push(Part::Literal(rest[..literal].to_owned(), at));
            at += literal;
        } else if let Some(rest) = rest.strip_prefix('{') {
            let end = rest.find(['{', '}']).filter(|end| rest.as_bytes()[*end] == b'}');
            let end = end.ok_or_else(|| wrong(at, "the expression is not closed"))?;
            parts.push(Part::Expression(expression(&rest[..end], at)?));
            at += end + 2;
        } else {
            return Err(wrong(at, "unmatched \"}\""));
        }
    }
    Ok(parts)
}

fn expression(text: &str, place: usize) -> Result<Expression, String> {
    let operator = match text.bytes().next() {
        None => return Err(wrong(place, "the expression is empty")),
        Some(b'+') => Operator::Reserved,
        Some(b'#') => Operator::Fragment,
        Some(b'.') => Operator::Label,
        Some(b'/') => Operator::Segment,
        Some(b';') => Operator::Parameter,
        Some(b'?') => Operator::Query,
        Some(b'&') => Operator::Continuation,
        Some(first @ (b'=' | b',' | b'!' | b'@' | b'|')) => {
            let operator = char::from(first);
            return Err(wrong(place, format_args!("unknown operator {operator:?}")));
        }
        Some(_) => Operator::Simple,
    };
    let names = &text[usize::from(operator != Operator::Simple)..];
    let variables = names.split(',').map(|text| variable(text, place)).collect::<Result<_, _>>()?;
    Ok(Expression { operator, variables, place })
}

fn variable(text: &str, place: usize) -> Result<Variable, String> {
    let (name, modifier) = if let Some(name) = text.strip_suffix('*') {
        (name, Modifier::Explode)
    } else if let Some((name, length)) = text.split_once(':') {
        let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let length = length.parse().ok().filter(|length| digits && (1..=MAX_PREFIX).contains(length));
        let what = format_args!("the prefix length of {name:?} is not a number from 1 to {MAX_PREFIX}");
        (name, Modifier::Prefix(length.ok_or_else(|| wrong(place, what))?))
    } else {
        (text, Modifier::None)
    };
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !name.split('.').all(is_name) {
        return Err(wrong(
            place,
            format_args!(
                "{name:?} is not a variable name: use letters, digits, \"_\", and \".\" between them"
            ),
        ));
    }
    Ok(Variable { name: name.to_owned(), modifier })
}

/// The longest prefix (`{x:100}`), because each character is a step of the match.
pub(super) const MAX_PREFIX: usize = 100;
