//! Compiles the parts of a template to the steps of a match. Refuses a template that could not be matched exactly.

use super::class::Class;
use super::named::Named;
use super::parse::{Expression, MAX_PREFIX, Modifier, Operator, Part, Variable, wrong};
use super::steps::{PARAMETERS, QUERY, Slot, Step};
use super::units::{Unit, units};

/// Limits the memory of a match: this many times the length of the longest URI, in bits.
const MAX_STEPS: usize = 1024;

/// All data that a match needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub(super) names: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) slots: Vec<Slot>,
    /// `{;x}`
    pub(super) parameters: Option<Named>,
    /// `{?x}` or `{&x}`
    pub(super) query: Option<Named>,
    /// The number of `&` before `{&x}`.
    pub(super) before_query: usize,
    /// The variable of `{#x}`, and its maximum length.
    pub(super) fragment: Option<(usize, usize)>,
    /// Whether the template has a literal fragment.
    pub(super) literal_fragment: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Path,
    Query,
    /// After `{?x}` or `{&x}`: only more of them or a fragment can follow.
    Named,
    Fragment,
    /// After `{#x}`: nothing can follow.
    End,
}

struct Compiler {
    program: Program,
    stage: Stage,
    /// The first step of the host, until the host's end. Hosts are case-insensitive (RFC 3986 section 6.2.2.1).
    host: Option<usize>,
    after_expression: bool,
    has: Delimiters,
}

/// Delimiters that occur anywhere in a template, and therefore in no value before them.
#[derive(Clone, Copy)]
struct Delimiters {
    query: bool,
    fragment: bool,
    parameters: bool,
    continuation: bool,
}

pub(super) fn compile(parts: &[Part]) -> Result<Program, String> {
    let any = |byte: char, operators: &[Operator]| {
        parts.iter().any(|part| match part {
            Part::Literal(text, _) => text.contains(byte),
            Part::Expression(expression) => operators.contains(&expression.operator),
        })
    };
    let has = Delimiters {
        query: any('?', &[Operator::Query]),
        fragment: any('#', &[Operator::Fragment]),
        parameters: any('\0', &[Operator::Parameter]),
        continuation: any('\0', &[Operator::Continuation]),
    };
    let mut compiler = Compiler {
        program: Program { literal_fragment: any('#', &[]), ..Program::default() },
        stage: Stage::Path,
        host: None,
        after_expression: false,
        has,
    };
    for part in parts {
        match part {
            Part::Literal(text, place) => compiler.literal(text, *place)?,
            Part::Expression(expression) => compiler.expression(expression)?,
        }
        compiler.after_expression = matches!(part, Part::Expression(_));
        if compiler.program.steps.len() > MAX_STEPS {
            return Err(format!("the template is too long: it takes more than {MAX_STEPS} steps to match"));
        }
    }
    Ok(compiler.program)
}

impl Compiler {
    fn literal(&mut self, text: &str, place: usize) -> Result<(), String> {
        let units = units(text).map_err(|at| {
            wrong(place + at, "a URI cannot contain this character, or the percent sequence is not UTF-8")
        })?;
        let scheme = if place == 0 { scheme(&units) } else { 0 };
        for (at, unit) in units.iter().enumerate() {
            match self.stage {
                Stage::Named if !unit.is(b'#') => {
                    return Err(wrong(place, "only a fragment can follow the variables of a query"));
                }
                Stage::End => return Err(wrong(place, "a fragment's variable must be the last")),
                Stage::Fragment if unit.is(b'#') => {
                    return Err(wrong(place, "a template can have only one fragment"));
                }
                _ if unit.is(b'#') => self.stage = Stage::Fragment,
                Stage::Path if unit.is(b'?') => self.stage = Stage::Query,
                Stage::Path if self.has.parameters && unit.is(b';') => {
                    return Err(wrong(place, "a \";\" outside of \"{;…}\" is ambiguous; remove it"));
                }
                Stage::Query if unit.is(b'&') => self.program.before_query += 1,
                _ => {}
            }
            if let Some(start) = self.host {
                if [b'/', b'?', b'#'].iter().any(|end| unit.is(*end)) {
                    self.host = None;
                } else if unit.is(b'@') {
                    // The part before was not a host.
                    for step in &mut self.program.steps[start..] {
                        if let Step::Literal(_, any_case) = step {
                            *any_case = false;
                        }
                    }
                }
            }
            let any_case = at < scheme || self.host.is_some();
            self.program.steps.push(Step::Literal(*unit, any_case));
            let authority = scheme > 0 && at == scheme + 2 && units[at].is(b'/') && units[at - 1].is(b'/');
            if authority {
                self.host = Some(self.program.steps.len());
            }
        }
        Ok(())
    }

    fn expression(&mut self, expression: &Expression) -> Result<(), String> {
        let Expression { operator, variables, place } = expression;
        let refuse = |what: &str| Err(wrong(*place, what));
        match (self.stage, operator) {
            (Stage::End, _) => return refuse("a fragment's variable must be the last"),
            (Stage::Named, Operator::Continuation | Operator::Fragment) => {}
            (Stage::Named, _) => return refuse("only a fragment can follow the variables of a query"),
            (Stage::Query | Stage::Fragment, Operator::Parameter | Operator::Query) => {
                return refuse("the expression must come before the query");
            }
            (Stage::Path, Operator::Continuation) => return refuse("\"{&…}\" needs a \"?\" before it"),
            (Stage::Fragment, Operator::Continuation) => return refuse("\"{&…}\" cannot be in a fragment"),
            (Stage::Fragment, Operator::Fragment) => return refuse("a template can have only one fragment"),
            _ => {}
        }
        if self.after_expression && operator.first().is_none() {
            return refuse("it is ambiguous where one value ends and the next starts: put text between them");
        }
        if operator.is_open() && (variables.len() > 1 || variables[0].modifier == Modifier::Explode) {
            return refuse(
                "\"{+…}\" and \"{#…}\" can have one variable, without \"*\"; lists need \"{/x*}\"",
            );
        }
        let last = variables.len() - 1;
        if !operator.is_named() && variables[..last].iter().any(|it| it.modifier == Modifier::Explode) {
            return refuse("a list (\"*\") must be the last of its expression");
        }
        for variable in variables {
            if self.program.names.contains(&variable.name) {
                return Err(wrong(*place, format_args!("the variable {:?} occurs twice", variable.name)));
            }
            self.program.names.push(variable.name.clone());
        }
        let first = self.program.names.len() - variables.len();
        match operator {
            Operator::Fragment => {
                let longest = match variables[0].modifier {
                    Modifier::Prefix(length) => length,
                    _ => usize::MAX,
                };
                self.program.fragment = Some((first, longest));
                self.stage = Stage::End;
            }
            Operator::Parameter => {
                if self.program.parameters.is_some() {
                    return refuse("a template can have only one \"{;…}\"");
                }
                self.program.parameters = Some(Named::new(*operator, first, variables));
                self.program.steps.push(Step::Mark(PARAMETERS));
            }
            Operator::Query | Operator::Continuation => {
                match &mut self.program.query {
                    Some(query) => query.add(first, variables),
                    None => {
                        self.program.query = Some(Named::new(*operator, first, variables));
                        self.program.steps.push(Step::Mark(QUERY));
                    }
                }
                self.stage = Stage::Named;
            }
            _ => self.positional(*operator, first, variables),
        }
        if matches!(operator, Operator::Reserved | Operator::Segment) || self.stage != Stage::Path {
            self.host = None;
        }
        Ok(())
    }

    fn positional(&mut self, operator: Operator, first: usize, variables: &[Variable]) {
        let separator = operator.separator();
        for (place, variable) in variables.iter().enumerate() {
            let delimiter = if place == 0 { operator.first() } else { Some(separator) };
            if let Some(byte) = delimiter {
                self.program.steps.push(Step::Literal(Unit::bare(byte), false));
            }
            let list = variable.modifier == Modifier::Explode;
            let mut class = if operator.is_open() { Class::reserved() } else { Class::segment() };
            if list {
                class = class.with(separator);
            } else if variables.len() > 1 {
                class = class.without(separator);
            }
            let closed = !operator.is_open();
            let excluded = [
                (b'?', self.stage == Stage::Path && self.has.query),
                (b'#', self.has.fragment && self.stage != Stage::Fragment),
                (b';', self.stage == Stage::Path && self.has.parameters),
                (b'&', self.stage == Stage::Query && (closed || self.has.continuation)),
            ];
            for (byte, _) in excluded.into_iter().filter(|(_, is)| *is) {
                class = class.without(byte);
            }
            let slot = Slot {
                variable: first + place,
                separator: list.then_some(separator),
                open: operator.is_open(),
            };
            let steps = &mut self.program.steps;
            steps.push(Step::Open(self.program.slots.len()));
            steps.push(Step::One(class));
            match variable.modifier {
                Modifier::Prefix(length) => {
                    debug_assert!(length <= MAX_PREFIX);
                    steps.extend(std::iter::repeat_n(Step::Maybe(class), length - 1));
                }
                _ => steps.push(Step::Many(class)),
            }
            steps.push(Step::Close(self.program.slots.len()));
            self.program.slots.push(slot);
        }
    }
}

/// The length of the scheme at the start of the units.
fn scheme(units: &[Unit]) -> usize {
    let part = |unit: &Unit, more: &[u8]| {
        let character = unit.character().filter(|_| !unit.is_encoded());
        character.is_some_and(|it| it.is_ascii_alphabetic() || more.iter().any(|byte| unit.is(*byte)))
    };
    let end = units.iter().position(|unit| !part(unit, b"0123456789+-.")).unwrap_or(0);
    let is_scheme = end > 0 && units[end].is(b':') && part(&units[0], b"");
    if is_scheme { end } else { 0 }
}
