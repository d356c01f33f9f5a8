//! Which Rust names an interface gets. They are decided before any token exists.

pub(crate) mod case;

use std::collections::HashMap;

use astarte_interface::{
    Aggregation, Code, Diagnostic, Diagnostics, Endpoint, Interface, Level, Mapping,
};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};

/// What decides on the names of an interface, apart from its file.
#[derive(Clone, Debug)]
pub struct Naming {
    /// The type of the interface.
    pub type_name: Ident,
    /// The module beside it; in snake case after the type where absent.
    pub module: Option<Ident>,
    /// Names that replace those of endpoints, or of an object's fields.
    pub renames: Vec<Rename>,
    /// Types of parameters; the others are generic.
    pub params: Vec<ParamType>,
    /// Types of values; the others have that of their mapping.
    pub values: Vec<ValueType>,
    /// How a rename is written, for the help of diagnostics.
    pub front: Front,
}

/// A name that replaces the one of an endpoint.
#[derive(Clone, Debug)]
pub struct Rename {
    /// The endpoint, as in the file.
    pub endpoint: String,
    /// The struct of the endpoint, or the field of the object.
    pub name: Ident,
}

/// The type of a parameter.
#[derive(Clone, Debug)]
pub struct ParamType {
    /// The parameter, without `%{}`.
    pub parameter: String,
    /// The type, as it resolves in the interface's module.
    pub ty: TokenStream,
}

/// The type of the values of a mapping.
#[derive(Clone, Debug)]
pub struct ValueType {
    /// The endpoint, as in the file.
    pub endpoint: String,
    /// The type, as it resolves beside the interface.
    pub ty: TokenStream,
}

/// Where the compiler is called from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A build script.
    BuildScript,
    /// A macro.
    Macro,
}

/// The Rust names of an interface: free of collisions.
#[derive(Clone, Debug)]
pub struct Names {
    pub(crate) type_name: Ident,
    pub(crate) module: Ident,
    /// In the order of the mappings.
    pub(crate) mappings: Vec<MappingNames>,
    /// The parameters of an object's path.
    pub(crate) path: Vec<Param>,
    /// Whether a parameter has a type of the user's.
    pub(crate) fixed_params: bool,
}

/// The names of one mapping.
#[derive(Clone, Debug)]
pub(crate) struct MappingNames {
    /// The struct of an endpoint, or the field of an object.
    pub(crate) ident: Ident,
    pub(crate) params: Vec<Param>,
    /// The type of the values, where the user has chosen it.
    pub(crate) value: Option<ValueType>,
}

/// The names of one parameter.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub(crate) parameter: String,
    pub(crate) field: Ident,
    pub(crate) ty: ParamTy,
}

#[derive(Clone, Debug)]
pub(crate) enum ParamTy {
    Fixed(TokenStream),
    Generic(Ident),
}

impl Names {
    /// Decides on the names of an interface.
    ///
    /// # Errors
    ///
    /// - Two mappings would have one name.
    pub fn decide(interface: &Interface, naming: &Naming) -> Result<Self, Diagnostics> {
        let object = interface.aggregation() == Aggregation::Object;
        let mappings: Vec<_> = interface
            .mappings()
            .map(|mapping| {
                let ident = naming.ident(mapping, object);
                let params = match object {
                    true => Vec::new(),
                    false => naming.params(mapping.endpoint().levels(), &ident),
                };
                let endpoint = mapping.endpoint().as_str();
                let value = naming
                    .values
                    .iter()
                    .find(|value| value.endpoint == endpoint);
                MappingNames {
                    ident,
                    params,
                    value: value.cloned(),
                }
            })
            .collect();
        check_collisions(interface, naming, &mappings)?;
        Ok(Self {
            mappings,
            ..Self::around(interface, naming)
        })
    }

    /// The names around an object whose struct is the user's: none of a mapping.
    pub(crate) fn around(interface: &Interface, naming: &Naming) -> Self {
        let span = naming.type_name.span();
        let module = naming.module.clone().unwrap_or_else(|| {
            case::identifier(&case::snake(&case::plain(&naming.type_name)), span)
        });
        Self {
            type_name: naming.type_name.clone(),
            module,
            path: naming.params(prefix(interface), &Ident::new("Path", span)),
            fixed_params: mappings_have_fixed_params(interface, naming),
            mappings: Vec::new(),
        }
    }
}

impl Naming {
    fn ident(&self, mapping: Mapping<'_>, object: bool) -> Ident {
        let span = self.type_name.span();
        let renamed = |rename: &&Rename| rename.endpoint == mapping.endpoint().as_str();
        if let Some(rename) = self.renames.iter().find(renamed) {
            return rename.name.clone();
        }
        match object {
            true => field_name(mapping.endpoint(), span),
            false => struct_name(mapping.endpoint(), span),
        }
    }

    /// The parameters of these levels, as fields of the struct `owner`.
    fn params(&self, levels: &[Level], owner: &Ident) -> Vec<Param> {
        let mut params: Vec<Param> = Vec::new();
        let mut types = Taken::new(case::plain(owner));
        for fixed in &self.params {
            collect_idents(fixed.ty.clone(), &mut types);
        }
        let mut fields = Taken::default();
        for level in levels {
            let Level::Parameter(parameter) = level else {
                continue;
            };
            let span = owner.span();
            let fixed = self
                .params
                .iter()
                .find(|fixed| fixed.parameter == *parameter);
            let ty = match fixed {
                Some(fixed) => ParamTy::Fixed(fixed.ty.clone()),
                None => {
                    let name = types.claim(&case::upper_camel(parameter), "Param", "");
                    ParamTy::Generic(case::identifier(&name, span))
                }
            };
            let field = fields.claim(&case::field(parameter), "", "_");
            params.push(Param {
                parameter: parameter.clone(),
                field: case::identifier(&field, span),
                ty,
            });
        }
        params
    }

    fn rename_help(&self, interface: &Interface, endpoint: &Endpoint, name: &str) -> String {
        match self.front {
            Front::BuildScript => format!(
                "give one of them another name in the build script: `.rename(\"{}\", \"{endpoint}\", \"{name}\")`",
                interface.name().as_str()
            ),
            Front::Macro => {
                format!("give one of them another name: `rename(\"{endpoint}\" = {name})`")
            }
        }
    }
}

/// Names that are in use in one scope.
#[derive(Default)]
struct Taken(HashMap<String, usize>);

impl Taken {
    fn new(name: String) -> Self {
        Self(HashMap::from([(name, 1)]))
    }

    /// The name itself, or with the suffix, or with the separator and a number.
    fn claim(&mut self, name: &str, suffix: &str, separator: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}{suffix}{separator}{number}"));
        let candidates = [name.to_owned(), format!("{name}{suffix}")];
        let free = candidates
            .into_iter()
            .chain(numbered)
            .find(|candidate| !self.0.contains_key(candidate))
            .unwrap_or_default();
        self.0.insert(free.clone(), 1);
        free
    }
}

fn collect_idents(tokens: TokenStream, types: &mut Taken) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                types.0.insert(case::plain(&ident), 1);
            }
            TokenTree::Group(group) => collect_idents(group.stream(), types),
            TokenTree::Literal(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// The levels that the paths of an object have, and none for other interfaces.
pub(crate) fn prefix(interface: &Interface) -> &[Level] {
    match interface.schema() {
        astarte_interface::Schema::Object(object) => object.prefix(),
        _ => &[],
    }
}

fn mappings_have_fixed_params(interface: &Interface, naming: &Naming) -> bool {
    interface
        .mappings()
        .flat_map(|mapping| mapping.endpoint().parameters())
        .any(|parameter| {
            naming
                .params
                .iter()
                .any(|fixed| fixed.parameter == parameter)
        })
}

/// The literal levels say what an endpoint is. Parameters would make the name change when one is renamed.
fn struct_name(endpoint: &Endpoint, span: Span) -> Ident {
    let literals = endpoint.levels().iter().filter_map(|level| match level {
        Level::Literal(word) => Some(case::upper_camel(word)),
        Level::Parameter(_) => None,
    });
    let name: String = literals.collect();
    let name = match endpoint.parameters().next() {
        Some(_) if name.is_empty() => {
            let parameters = endpoint.parameters().map(case::upper_camel);
            format!("By{}", parameters.collect::<String>())
        }
        // A literal level of nothing but underscores.
        None if name.is_empty() => "Underscore".to_owned(),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("Level{name}"),
        _ => name,
    };
    match RESERVED.contains(&name.as_str()) {
        true => Ident::new(&format!("{name}_"), span),
        false => case::identifier(&name, span),
    }
}

/// The last level is the mapping's key in the object.
fn field_name(endpoint: &Endpoint, span: Span) -> Ident {
    let word = match endpoint.levels().last() {
        Some(Level::Literal(word) | Level::Parameter(word)) => word.as_str(),
        None => "",
    };
    case::identifier(&case::field(word), span)
}

fn check_collisions(
    interface: &Interface,
    naming: &Naming,
    mappings: &[MappingNames],
) -> Result<(), Diagnostics> {
    let mut first_of: HashMap<&Ident, Mapping<'_>> = HashMap::new();
    let mut diagnostics = Diagnostics::new();
    for (mapping, names) in interface.mappings().zip(mappings) {
        let ident = &names.ident;
        if interface.aggregation() == Aggregation::Individual
            && RESERVED.contains(&case::plain(ident).as_str())
        {
            diagnostics.push(
                Diagnostic::error(
                    Code::NamesReserved,
                    format!("`{ident}` is the name of a generated type"),
                )
                .help("rename the endpoint to something else")
                .label(interface.source(), mapping.endpoint_span(), ""),
            );
        }
        let Some(first) = first_of.get(ident) else {
            first_of.insert(ident, mapping);
            continue;
        };
        let separator = match interface.aggregation() {
            Aggregation::Individual => "",
            Aggregation::Object => "_",
        };
        let other = format!("{}{separator}2", case::plain(ident));
        let message = format!(
            "`{}` and `{}` both become `{ident}` in Rust",
            first.endpoint(),
            mapping.endpoint()
        );
        diagnostics.push(
            Diagnostic::error(Code::NamesCollision, message)
                .help(naming.rename_help(interface, mapping.endpoint(), &other))
                .label(interface.source(), mapping.endpoint_span(), "")
                .label(interface.source(), first.endpoint_span(), "the other one"),
        );
    }
    match diagnostics.is_empty() {
        true => Ok(()),
        false => Err(diagnostics),
    }
}

/// Names in an interface's module that belong to no endpoint: reserved in all interfaces, so that none changes its names
/// when its kind does.
const RESERVED: &[&str] = &["Endpoint", "Event", "Path", "Purged", "Received"];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(endpoint: &str) -> String {
        let endpoint = endpoint.parse().expect("a valid endpoint");
        struct_name(&endpoint, Span::call_site()).to_string()
    }

    #[test]
    fn structs_are_named_by_literal_levels() {
        for (endpoint, expected) in [
            ("/%{room}/temperature", "Temperature"),
            ("/request/%{id}/enable", "RequestEnable"),
            ("/device/uptimeSeconds", "DeviceUptimeSeconds"),
            ("/%{sensor_id}", "BySensorId"),
            ("/%{a}/%{b}", "ByAB"),
            ("/_", "Underscore"),
            ("/_1", "Level1"),
            ("/endpoint", "Endpoint_"),
            ("/%{id}/purged", "Purged_"),
            ("/self", "Self_"),
            ("/type", "Type"),
        ] {
            assert_eq!(name(endpoint), expected, "{endpoint}");
        }
    }

    #[test]
    fn parameters_do_not_collide() {
        let naming = Naming {
            type_name: Ident::new("X", Span::call_site()),
            module: None,
            renames: Vec::new(),
            params: vec![ParamType {
                parameter: "fixed".to_owned(),
                ty: quote::quote!(crate::Room),
            }],
            values: Vec::new(),
            front: Front::Macro,
        };
        let endpoint: Endpoint = "/%{fan}/%{a}/%{a}/%{self}/%{fixed}/%{room}/fan"
            .parse()
            .expect("a valid endpoint");
        let owner = Ident::new("Fan", Span::call_site());
        let params = naming.params(endpoint.levels(), &owner);
        let names: Vec<_> = params
            .iter()
            .map(|param| match &param.ty {
                ParamTy::Fixed(ty) => format!("{}: {ty}", param.field),
                ParamTy::Generic(ident) => format!("{}: {ident}", param.field),
            })
            .collect();
        assert_eq!(
            names,
            [
                "fan: FanParam",
                "a: A",
                "a_2: AParam",
                "self_: Self_",
                "fixed: crate :: Room",
                "room: RoomParam"
            ]
        );
    }
}
