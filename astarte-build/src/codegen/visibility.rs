//! The visibility of what a module shows of a type that stands beside it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Visibility, parse2};

/// The visibility, one module further in.
///
/// Types that name the interface in an associated type must not be seen from farther than the interface: that is
/// rustc's error E0446.
pub(crate) fn one_module_in(visibility: &TokenStream) -> TokenStream {
    let Ok(visibility) = parse2::<Visibility>(visibility.clone()) else {
        return quote!(pub);
    };
    match visibility {
        Visibility::Public(_) => quote!(pub),
        Visibility::Inherited => quote!(pub(super)),
        Visibility::Restricted(restricted) => {
            let path = restricted.path;
            if path.is_ident("crate") {
                return quote!(pub(crate));
            }
            if path.is_ident("self") {
                return quote!(pub(super));
            }
            match path.segments.first() {
                Some(first) if first.ident == "crate" => quote!(pub(in #path)),
                Some(first) if first.ident == "self" => {
                    let rest = path.segments.iter().skip(1);
                    quote!(pub(in super #(::#rest)*))
                }
                _ => quote!(pub(in super::#path)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_the_same() {
        let inner = |outer: TokenStream| one_module_in(&outer).to_string();
        assert_eq!(inner(quote!()), quote!(pub(super)).to_string());
        assert_eq!(inner(quote!(pub)), quote!(pub).to_string());
        assert_eq!(inner(quote!(pub(crate))), quote!(pub(crate)).to_string());
        assert_eq!(inner(quote!(pub(self))), quote!(pub(super)).to_string());
        assert_eq!(
            inner(quote!(pub(super))),
            quote!(pub(in super::super)).to_string()
        );
        assert_eq!(
            inner(quote!(pub(in self::a))),
            quote!(pub(in super::a)).to_string()
        );
        assert_eq!(
            inner(quote!(pub(in crate::a))),
            quote!(pub(in crate::a)).to_string()
        );
    }
}
