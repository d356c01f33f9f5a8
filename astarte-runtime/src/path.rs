//! Writing and splitting of paths.

use core::fmt::Write;

use crate::{
    error::{DecodeError, ParamError},
    find::find,
    param::{FromParam, Param},
};

/// Appends the levels of one path to a buffer.
///
/// A level that is refused is told at the end, by [`finish`](Self::finish): generated code has nothing to pass on.
#[derive(Debug)]
pub struct PathWriter<'a> {
    out: &'a mut String,
    refused: Option<ParamError>,
}

impl<'a> PathWriter<'a> {
    /// Writes behind what `out` already holds.
    pub fn new(out: &'a mut String) -> Self {
        Self { out, refused: None }
    }

    /// Writes the path without levels, which objects of one-level endpoints have.
    pub fn root(&mut self) {
        self.out.push('/');
    }

    /// Appends a level that the interface file spells out. Generated code passes nothing but such levels.
    #[inline]
    pub fn literal(&mut self, level: &str) {
        self.out.push('/');
        self.out.push_str(level);
    }

    /// Appends a parameter.
    pub fn param<P: Param + ?Sized>(&mut self, name: &'static str, value: &P) {
        if self.refused.is_none() {
            self.refused = self.try_param(name, value).err();
        }
    }

    /// Ends the path.
    ///
    /// # Errors
    ///
    /// - A parameter is empty, or holds `/`, `+`, `#` or NUL. MQTT gives these a meaning of their own.
    /// - The `Display` of one reports an error.
    pub fn finish(self) -> Result<(), ParamError> {
        self.refused.map_or(Ok(()), Err)
    }

    fn try_param<P: Param + ?Sized>(
        &mut self,
        name: &'static str,
        value: &P,
    ) -> Result<(), ParamError> {
        self.out.push('/');
        let start = self.out.len();
        write!(self.out, "{value}").map_err(|_| ParamError::Display { name })?;
        let written = &self.out[start..];
        if written.is_empty() {
            return Err(ParamError::Empty { name });
        }
        match written
            .bytes()
            .find(|byte| matches!(byte, b'/' | b'+' | b'#' | b'\0'))
            .map(char::from)
        {
            Some(found) => Err(ParamError::Character {
                name,
                value: written.to_owned(),
                found,
            }),
            None => Ok(()),
        }
    }
}

/// The levels of a received path, to match on with slice patterns.
#[derive(Debug)]
pub struct Levels<'a> {
    few: [&'a str; FEW],
    len: usize,
    /// All of them, where they are more.
    many: Vec<&'a str>,
}

/// How many levels take no allocation.
const FEW: usize = 8;

impl<'a> Levels<'a> {
    /// The most levels an endpoint can have.
    pub const MAX: usize = 64;

    /// Splits a path. One that does not begin with a slash, or has more levels than any endpoint, has no levels.
    #[inline]
    pub fn new(path: &'a str) -> Self {
        let mut split = Self {
            few: [""; FEW],
            len: 0,
            many: Vec::new(),
        };
        let Some(mut rest) = path.strip_prefix('/') else {
            return split;
        };
        for place in &mut split.few {
            split.len += 1;
            let Some(slash) = find::<b'/'>(rest.as_bytes()) else {
                *place = rest;
                return split;
            };
            (*place, rest) = (&rest[..slash.at], &rest[slash.at + 1..]);
        }
        (split.len, split.many) = (0, Self::many(path));
        split
    }

    #[cold]
    fn many(path: &'a str) -> Vec<&'a str> {
        let levels: Vec<_> = path.split('/').skip(1).take(Self::MAX + 1).collect();
        if levels.len() > Self::MAX {
            Vec::new()
        } else {
            levels
        }
    }

    /// The levels, without slashes.
    #[inline]
    pub fn as_slice(&self) -> &[&'a str] {
        if self.many.is_empty() {
            &self.few[..self.len]
        } else {
            &self.many
        }
    }
}

/// The interface and the path of a topic, behind the device's part of it.
#[cfg(feature = "mqtt")]
pub(crate) fn destination(rest: &str) -> (&str, &str) {
    find::<b'/'>(rest.as_bytes()).map_or((rest, ""), |slash| rest.split_at(slash.at))
}

/// Reads a parameter of a received path.
///
/// # Errors
///
/// - The level is empty.
/// - The type of the parameter refuses the text.
pub fn parse_param<P: FromParam>(name: &'static str, level: &str) -> Result<P, DecodeError> {
    let invalid = || DecodeError::Param {
        name,
        value: level.to_owned(),
        expected: core::any::type_name::<P>(),
    };
    if level.is_empty() {
        return Err(invalid());
    }
    P::from_param(level).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(value: &str) -> Result<String, ParamError> {
        let mut out = String::from("org.example.X");
        let mut path = PathWriter::new(&mut out);
        path.literal("a");
        path.param("p", value);
        path.finish().map(|()| out)
    }

    #[test]
    fn parameters_are_any_text_that_mqtt_leaves_alone() {
        for text in [
            "0",
            "00:11:22:33:44:55",
            "::1",
            "küche",
            "a b",
            "%{x}",
            "a;b",
        ] {
            assert_eq!(write(text).unwrap(), format!("org.example.X/a/{text}"));
        }
    }

    #[test]
    fn parameters_that_would_change_the_path_are_refused() {
        assert_eq!(write(""), Err(ParamError::Empty { name: "p" }));
        for (text, found) in [("a/b", '/'), ("+", '+'), ("x#", '#'), ("\0", '\0')] {
            assert_eq!(
                write(text),
                Err(ParamError::Character {
                    name: "p",
                    value: text.to_owned(),
                    found
                })
            );
        }
    }

    #[test]
    fn levels_split_at_each_slash() {
        assert_eq!(Levels::new("/a/b").as_slice(), ["a", "b"]);
        assert_eq!(Levels::new("/a/").as_slice(), ["a", ""]);
        assert_eq!(Levels::new("a/b").as_slice(), [""; 0]);
        assert_eq!(Levels::new(&"/x".repeat(8)).as_slice(), ["x"; 8]);
        assert_eq!(Levels::new(&"/x".repeat(9)).as_slice(), ["x"; 9]);
        assert_eq!(Levels::new(&"/x".repeat(64)).as_slice().len(), 64);
        assert_eq!(Levels::new(&"/x".repeat(65)).as_slice().len(), 0);
    }
}
