//! From settings and files to interfaces with names: everything that can be wrong is found here.

use std::collections::HashMap;

use astarte_interface::{Aggregation, Code, Diagnostic, Diagnostics, Interface, Ownership, Source};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::{
    Config,
    settings::{Setting, parse_attributes, parse_path, parse_type},
};
use crate::{
    check,
    codegen::Options,
    error::{Error, SettingError},
    names::{Front, Names, Naming, ParamType, Rename, ValueType, case},
};

/// What is to be generated.
pub(super) struct Plan {
    pub(super) planned: Vec<Planned>,
    pub(super) runtime: TokenStream,
    pub(super) registration: bool,
    warnings: Diagnostics,
}

/// One interface.
pub(super) struct Planned {
    pub(super) interface: Interface,
    pub(super) names: Names,
    pub(super) options: Options,
    /// The type of another crate, instead of one that is generated.
    pub(super) external: Option<TokenStream>,
}

impl Plan {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let runtime = config.check_settings()?;
        let (all, interfaces, mut warnings) = config.read()?;
        config.check_unused(&all, &interfaces)?;
        let locked = config.check_lock(&interfaces)?;
        if locked.has_errors() {
            return Err(Error::Interfaces(locked));
        }
        warnings.extend(locked);
        if interfaces.is_empty() {
            let reason = "neither `interfaces_dir` nor `interface` adds one that is not left out";
            return Err(Error::NoInterfaces {
                reason: reason.to_owned(),
            });
        }
        let planned = config.name(interfaces, &runtime)?;
        Ok(Self {
            planned,
            runtime,
            registration: config.registration,
            warnings,
        })
    }

    /// What the authors of the files should know.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.iter().map(Diagnostic::to_string).collect()
    }
}

impl Planned {
    pub(super) fn server_owned(&self) -> bool {
        self.interface.ownership() == Ownership::Server
    }

    /// The type of the interface.
    pub(super) fn ty(&self) -> TokenStream {
        match &self.external {
            Some(path) => path.clone(),
            None => self.names.type_name.to_token_stream(),
        }
    }

    /// The type of what a server-owned interface receives.
    pub(super) fn event(&self) -> TokenStream {
        let (runtime, ty) = (&self.options.runtime, self.ty());
        let module = &self.names.module;
        match (&self.external, self.interface.aggregation()) {
            (None, Aggregation::Individual) => quote!(#module::Event),
            (None, Aggregation::Object) => quote!(#module::Received<#ty>),
            (Some(_), Aggregation::Individual) => quote!(<#ty as #runtime::Events>::Event),
            (Some(_), Aggregation::Object) => {
                quote!(<#ty as #runtime::ReceiveObject>::Received<#ty>)
            }
        }
    }
}

impl Config {
    /// Returns the path of the runtime.
    fn check_settings(&self) -> Result<TokenStream, Error> {
        let mut errors: Vec<SettingError> = self
            .settings
            .iter()
            .filter_map(|setting| setting.check().err())
            .collect();
        let runtime = parse_path(&self.runtime_path);
        if let Err(error) = &runtime {
            errors.push(SettingError {
                setting: format!(".runtime_path({:?})", self.runtime_path),
                reason: format!("this is not a path: {error}"),
                help: None,
            });
        }
        match runtime {
            Ok(runtime) if errors.is_empty() => Ok(runtime),
            _ => Err(Error::Settings(errors)),
        }
    }

    /// Reads all files: the names of all interfaces, those to compile, and warnings.
    fn read(&self) -> Result<(Vec<String>, Vec<Interface>, Diagnostics), Error> {
        let (mut all, mut interfaces) = (Vec::new(), Vec::new());
        let (mut errors, mut warnings) = (Diagnostics::new(), Diagnostics::new());
        for source in self.sources()? {
            match Interface::parse(&source) {
                Ok(checked) => {
                    let name = checked.interface.name().as_str().to_owned();
                    if self.compiles(&name) {
                        warnings.extend(checked.warnings);
                        errors.extend(check::encrypted(&checked.interface));
                        interfaces.push(checked.interface);
                    }
                    all.push(name);
                }
                Err(diagnostics) => {
                    let stem = stem(&source);
                    if self.compiles(&stem) {
                        errors.extend(diagnostics);
                    }
                    all.push(stem);
                }
            }
        }
        match errors.has_errors() {
            true => Err(Error::Interfaces(errors)),
            false => Ok((all, interfaces, warnings)),
        }
    }

    fn compiles(&self, name: &str) -> bool {
        let matching = |setting: &&Setting| setting.matches(name);
        let mut includes = self
            .settings
            .iter()
            .filter(|it| matches!(it, Setting::Include { .. }))
            .peekable();
        let included = includes.peek().is_none() || includes.any(|it| matching(&it));
        let mut excludes = self
            .settings
            .iter()
            .filter(|it| matches!(it, Setting::Exclude { .. }));
        included && !excludes.any(|it| matching(&it))
    }

    fn check_unused(&self, all: &[String], compiled: &[Interface]) -> Result<(), Error> {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let compiled: Vec<&Interface> = compiled.iter().collect();
        let unused: Vec<_> = self
            .settings
            .iter()
            .filter_map(|setting| setting.unused(&all, &compiled))
            .collect();
        match unused.is_empty() {
            true => Ok(()),
            false => Err(Error::Settings(unused)),
        }
    }

    fn name(
        &self,
        interfaces: Vec<Interface>,
        runtime: &TokenStream,
    ) -> Result<Vec<Planned>, Error> {
        let mut errors = Diagnostics::new();
        let mut planned = Vec::new();
        for interface in interfaces {
            match Names::decide(&interface, &self.naming(&interface)) {
                Ok(names) => planned.push(Planned {
                    options: self.options(&interface, runtime),
                    external: self.external(&interface),
                    names,
                    interface,
                }),
                Err(diagnostics) => errors.extend(diagnostics),
            }
        }
        check_types(&planned, &mut errors);
        match errors.is_empty() {
            true => Ok(planned),
            false => Err(Error::Interfaces(errors)),
        }
    }

    fn naming(&self, interface: &Interface) -> Naming {
        let mut naming = Naming {
            type_name: self.default_type_name(interface),
            module: None,
            renames: Vec::new(),
            params: Vec::new(),
            values: Vec::new(),
            front: Front::BuildScript,
        };
        for setting in self.matching(interface) {
            match setting {
                Setting::Param { parameter, ty, .. } => {
                    let parsed = parse_type(ty).ok();
                    naming.params.extend(parsed.map(|ty| ParamType {
                        parameter: parameter.clone(),
                        ty,
                    }));
                }
                Setting::Rename { endpoint, name, .. } => {
                    let parsed = syn::parse_str(name).ok();
                    naming.renames.extend(parsed.map(|name| Rename {
                        endpoint: endpoint.clone(),
                        name,
                    }));
                }
                Setting::ValueType { endpoint, ty, .. } => {
                    let parsed = parse_type(ty).ok();
                    naming.values.extend(parsed.map(|ty| ValueType {
                        endpoint: endpoint.clone(),
                        ty,
                    }));
                }
                Setting::TypeName { name, .. } => {
                    naming.type_name = syn::parse_str(name).unwrap_or(naming.type_name);
                }
                _ => {}
            }
        }
        naming
    }

    fn default_type_name(&self, interface: &Interface) -> Ident {
        let name = interface.name();
        let word = match self.full_names {
            true => name.as_str().split('.').map(case::upper_camel).collect(),
            false => case::upper_camel(name.last_label()),
        };
        let word = if RESERVED.contains(&word.as_str()) {
            format!("{word}_")
        } else {
            word
        };
        case::identifier(&word, Span::call_site())
    }

    fn options(&self, interface: &Interface, runtime: &TokenStream) -> Options {
        let derives = match interface.aggregation() {
            Aggregation::Individual => quote!(#[derive(Clone, Copy, Debug)]),
            Aggregation::Object => quote!(#[derive(Clone, Debug, PartialEq)]),
        };
        let attributes = self
            .matching(interface)
            .filter_map(|setting| match setting {
                Setting::TypeAttribute { attribute, .. } => parse_attributes(attribute).ok(),
                _ => None,
            });
        let partial = self
            .matching(interface)
            .any(|setting| matches!(setting, Setting::Partial { .. }));
        Options {
            runtime: runtime.clone(),
            visibility: quote!(pub),
            attributes: quote!(#[allow(dead_code, unreachable_pub)] #derives #(#attributes)*),
            documented: false,
            module_attributes: quote! {
                #[allow(
                    clippy::enum_variant_names,
                    clippy::large_enum_variant,
                    clippy::module_inception,
                    clippy::upper_case_acronyms,
                    dead_code,
                    unreachable_pub,
                    unused_qualifications
                )]
            },
            imports: TokenStream::new(),
            partial,
        }
    }

    fn external(&self, interface: &Interface) -> Option<TokenStream> {
        self.matching(interface).find_map(|setting| match setting {
            Setting::Extern { path, .. } => parse_path(path).ok(),
            _ => None,
        })
    }

    fn matching(&self, interface: &Interface) -> impl Iterator<Item = &Setting> {
        self.settings
            .iter()
            .filter(|setting| setting.matches(interface.name().as_str()))
    }
}

/// Names of the output that belong to no interface.
const RESERVED: &[&str] = &["Handles", "Incoming"];

/// Two interfaces of one name, or with one name in Rust.
fn check_types(planned: &[Planned], errors: &mut Diagnostics) {
    let mut types: HashMap<String, &Interface> = HashMap::new();
    for Planned {
        interface, names, ..
    } in planned
    {
        // Modules are named after types, in snake case: two types may have one module.
        let module = case::plain(&names.module);
        let Some(first) = types.get(&module) else {
            types.insert(module, interface);
            continue;
        };
        let (name, other) = (interface.name().as_str(), first.name().as_str());
        let ident = &names.type_name;
        let diagnostic = if name == other {
            Diagnostic::error(
                Code::NamesCollision,
                format!("the interface `{name}` is there twice"),
            )
            .help(format!(
                "a device has one version of an interface: leave out the file `{}`",
                first.source().name()
            ))
        } else {
            let full: String = name.split('.').map(case::upper_camel).collect();
            Diagnostic::error(
                Code::NamesCollision,
                format!("the interfaces `{other}` and `{name}` both become `{ident}` in Rust"),
            )
            .help(format!(
                "give one of them another name: `.type_name({name:?}, {full:?})`"
            ))
        };
        errors.push(
            diagnostic
                .label(interface.source(), interface.name_span(), "")
                .label(first.source(), first.name_span(), "the other one"),
        );
    }
}

/// The name of a file without its folder and `.json`.
fn stem(source: &Source) -> String {
    let file = source.name().rsplit('/').next().unwrap_or_default();
    file.strip_suffix(".json").unwrap_or(file).to_owned()
}
