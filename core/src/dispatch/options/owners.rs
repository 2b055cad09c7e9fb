//! Where options may appear: at entries, servers or transports.

use crate::proto::catalog::kind::Kind;

/// Which entries, servers or transports may have an option.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Owners {
    /// Entries of these kinds.
    Entries(&'static [Kind]),
    /// Servers.
    Servers,
    /// The transports of these names.
    Transports(&'static [&'static str]),
    /// The verifiers of these names.
    Verifiers(&'static [&'static str]),
    /// The policies of these names.
    Policies(&'static [&'static str]),
}

/// One entry, server or transport that has options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owner {
    /// Any owner of the table.
    Any,
    /// An entry of this kind.
    Entry(Kind),
    /// A server.
    Server,
    /// The transport of this name.
    Transport(&'static str),
    /// The verifier of this name.
    Verifier(&'static str),
    /// The policy of this name.
    Policy(&'static str),
}

impl From<Kind> for Owner {
    fn from(kind: Kind) -> Owner {
        Owner::Entry(kind)
    }
}

impl Owners {
    /// Whether `owner` is one of these.
    pub fn contains(self, owner: Owner) -> bool {
        match (self, owner) {
            (_, Owner::Any) | (Owners::Servers, Owner::Server) => true,
            (Owners::Entries(kinds), Owner::Entry(kind)) => kinds.contains(&kind),
            (Owners::Transports(names), Owner::Transport(name))
            | (Owners::Verifiers(names), Owner::Verifier(name))
            | (Owners::Policies(names), Owner::Policy(name)) => names.contains(&name),
            _ => false,
        }
    }

    /// The kinds of entries among them.
    pub fn kinds(self) -> &'static [Kind] {
        if let Owners::Entries(kinds) = self { kinds } else { &[] }
    }

    /// What they are called: `tools`, `servers`, `http`.
    pub fn nouns(self) -> Vec<String> {
        match self {
            Owners::Entries(kinds) => kinds.iter().map(|kind| format!("{}s", kind.noun())).collect(),
            Owners::Servers => vec!["servers".to_owned()],
            Owners::Transports(names) | Owners::Verifiers(names) | Owners::Policies(names) => {
                names.iter().map(|name| (*name).to_owned()).collect()
            }
        }
    }
}
