//! The build-script API.

mod files;
mod lock;
mod output;
mod plan;
mod settings;

use std::path::PathBuf;

use self::{plan::Plan, settings::Setting};
use crate::error::Error;

/// Compiles interface files to Rust in a build script.
///
/// ```no_run
/// fn main() -> Result<(), astarte_build::Error> {
///     astarte_build::Config::new().interfaces_dir("interfaces").compile()
/// }
/// ```
///
/// The code is included by `astarte_runtime::include_interfaces!()` where it is to be, in a module for example.
///
/// Settings that concern single interfaces take a pattern of their names, in which `*` stands for any characters. A
/// setting that matches nothing is an error.
#[derive(Clone, Debug)]
#[must_use = "nothing is generated until `compile` is called"]
pub struct Config {
    dirs: Vec<PathBuf>,
    files: Vec<PathBuf>,
    settings: Vec<Setting>,
    full_names: bool,
    lock: Option<PathBuf>,
    registration: bool,
    runtime_path: String,
    out_dir: Option<PathBuf>,
}

impl Config {
    /// The name of the file that [`compile`](Self::compile) writes.
    pub const FILE_NAME: &'static str = "astarte_interfaces.rs";

    /// Starts without interfaces.
    pub fn new() -> Self {
        Self {
            dirs: Vec::new(),
            files: Vec::new(),
            settings: Vec::new(),
            full_names: false,
            lock: None,
            registration: true,
            runtime_path: "::astarte_runtime".to_owned(),
            out_dir: None,
        }
    }

    /// Adds all `.json` files of a folder, without those in folders in it.
    ///
    /// Relative paths count from the folder of the crate's `Cargo.toml`. The build script runs again when a file is
    /// changed, added or removed.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new().interfaces_dir("interfaces").compile()
    /// # }
    /// ```
    pub fn interfaces_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dirs.push(dir.into());
        self
    }

    /// Adds one interface file.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new().interface("interfaces/org.example.Status.json").compile()
    /// # }
    /// ```
    pub fn interface(mut self, file: impl Into<PathBuf>) -> Self {
        self.files.push(file.into());
        self
    }

    /// Compiles nothing but interfaces that match this pattern, or another one of `include`. Default: all.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .include("org.example.thermostat.*")
    ///     .compile()
    /// # }
    /// ```
    pub fn include(self, pattern: impl Into<String>) -> Self {
        self.with(Setting::Include {
            pattern: pattern.into(),
        })
    }

    /// Leaves interfaces out that match, even where `include` matches, too. Default: none.
    ///
    /// A file that is left out may have errors; where it has no readable name, the file's name without `.json` is taken.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .exclude("org.example.legacy.*")
    ///     .compile()
    /// # }
    /// ```
    pub fn exclude(self, pattern: impl Into<String>) -> Self {
        self.with(Setting::Exclude {
            pattern: pattern.into(),
        })
    }

    /// Gives a parameter a type, by a path that is valid everywhere in the crate. Default: each is generic, and a
    /// `String` where it is received.
    ///
    /// The type is `Clone + Debug + Display + FromStr + PartialEq + Send + 'static`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .param("org.example.thermostat.*", "room", "crate::RoomId")
    ///     .compile()
    /// # }
    /// ```
    pub fn param(
        self,
        interfaces: impl Into<String>,
        parameter: impl Into<String>,
        ty: impl Into<String>,
    ) -> Self {
        self.with(Setting::Param {
            pattern: interfaces.into(),
            parameter: parameter.into(),
            ty: ty.into(),
        })
    }

    /// Gives the values of a mapping a type, by a path that is valid everywhere in the crate. Default: that of the
    /// mapping.
    ///
    /// The type derives `AstarteValue`, or implements `Encode` for what is sent and `Decode` for what is received. It is
    /// sent by reference where the type that it replaces is: in place of `&str`, `&[u8]` and arrays. What is received is
    /// `Clone + Debug + PartialEq + Send + 'static`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .value_type("org.example.thermostat.*", "/%{room}/mode", "crate::Mode")
    ///     .compile()
    /// # }
    /// ```
    pub fn value_type(
        self,
        interfaces: impl Into<String>,
        endpoint: impl Into<String>,
        ty: impl Into<String>,
    ) -> Self {
        self.with(Setting::ValueType {
            pattern: interfaces.into(),
            endpoint: endpoint.into(),
            ty: ty.into(),
        })
    }

    /// Names the struct of an endpoint, or the field of an object's mapping.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .rename("org.example.thermostat.Readings", "/%{room}/temperature", "RoomTemperature")
    ///     .compile()
    /// # }
    /// ```
    pub fn rename(
        self,
        interfaces: impl Into<String>,
        endpoint: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        self.with(Setting::Rename {
            pattern: interfaces.into(),
            endpoint: endpoint.into(),
            name: name.into(),
        })
    }

    /// Names the type of an interface; its module follows. Default: the last label of the interface's name.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .type_name("org.example.thermostat.Status", "ThermostatStatus")
    ///     .compile()
    /// # }
    /// ```
    pub fn type_name(self, interface: impl Into<String>, name: impl Into<String>) -> Self {
        self.with(Setting::TypeName {
            pattern: interface.into(),
            name: name.into(),
        })
    }

    /// Whether types are named after all labels of an interface's name, as `OrgExampleThermostatStatus`. Default: false.
    ///
    /// This suits a crate with the interfaces of many authors, whose last labels collide.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new().interfaces_dir("interfaces").full_names(true).compile()
    /// # }
    /// ```
    pub fn full_names(mut self, full_names: bool) -> Self {
        self.full_names = full_names;
        self
    }

    /// Uses the type of another crate for an interface, instead of generating one.
    ///
    /// The interface still takes part in `Incoming` and `register`; its file says of what kind it is.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .extern_interface("org.example.thermostat.Status", "::thermostat_interfaces::Status")
    ///     .compile()
    /// # }
    /// ```
    pub fn extern_interface(self, interface: impl Into<String>, path: impl Into<String>) -> Self {
        self.with(Setting::Extern {
            pattern: interface.into(),
            path: path.into(),
        })
    }

    /// Adds an attribute to the types of interfaces.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .type_attribute("org.example.vehicle.Position", "#[derive(serde::Serialize)]")
    ///     .compile()
    /// # }
    /// ```
    pub fn type_attribute(
        self,
        interfaces: impl Into<String>,
        attribute: impl Into<String>,
    ) -> Self {
        self.with(Setting::TypeAttribute {
            pattern: interfaces.into(),
            attribute: attribute.into(),
        })
    }

    /// Makes the fields of objects that the device sends an `Option` where the mapping is not required. Default: each
    /// object has all mappings.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .partial("org.example.vehicle.Position")
    ///     .compile()
    /// # }
    /// ```
    pub fn partial(self, interfaces: impl Into<String>) -> Self {
        self.with(Setting::Partial {
            pattern: interfaces.into(),
        })
    }

    /// Compares the interfaces with a lock file, which is kept under version control.
    ///
    /// Astarte refuses a mapping that is changed or removed under the same major version, and one that is added under
    /// the same minor version; so does the build then. The first build writes the file. Once an interface has a new
    /// version, a warning says that the file is to be written again: `ASTARTE_LOCK=write cargo build` does so.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .lock("astarte-interfaces.lock")
    ///     .compile()
    /// # }
    /// ```
    pub fn lock(mut self, file: impl Into<PathBuf>) -> Self {
        self.lock = Some(file.into());
        self
    }

    /// Whether `Handles` and `register` are generated, which need the runtime's feature `mqtt`. Default: true.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new().interfaces_dir("interfaces").registration(false).compile()
    /// # }
    /// ```
    pub fn registration(mut self, registration: bool) -> Self {
        self.registration = registration;
        self
    }

    /// Sets where generated code finds the runtime. Default: `::astarte_runtime`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new()
    ///     .interfaces_dir("interfaces")
    ///     .runtime_path("::my_framework::astarte")
    ///     .compile()
    /// # }
    /// ```
    pub fn runtime_path(mut self, path: impl Into<String>) -> Self {
        self.runtime_path = path.into();
        self
    }

    /// Sets the folder to write to. Default: the build script's `OUT_DIR`, where `include_interfaces!()` looks.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), astarte_build::Error> {
    /// astarte_build::Config::new().interfaces_dir("interfaces").out_dir("src/generated").compile()
    /// # }
    /// ```
    pub fn out_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(dir.into());
        self
    }

    /// Generates the code and writes it, unless the file has it already.
    ///
    /// Prints what cargo needs to know: the files and folders to watch, and warnings.
    ///
    /// # Errors
    ///
    /// - As [`generate`](Self::generate).
    /// - The file cannot be written, or there is no folder to write it to.
    pub fn compile(&self) -> Result<(), Error> {
        // Cargo learns what to watch before anything can fail, so that it runs the script again after a correction.
        for path in self.watched() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        if self.lock.is_some() {
            println!("cargo::rerun-if-env-changed={}", lock::VARIABLE);
        }
        let plan = Plan::new(self)?;
        self.write_lock(&plan)?;
        for line in plan.warnings().iter().flat_map(|text| text.lines()) {
            println!("cargo::warning={line}");
        }
        output::write(&self.out_file()?, &output::render(&plan))
    }

    /// Generates the code without writing it.
    ///
    /// # Errors
    ///
    /// - A file or folder cannot be read, or there is no interface.
    /// - An interface breaks a rule of the schema; all errors of all files are reported.
    /// - Two interfaces, or two mappings of one, have one name in Rust.
    /// - An interface has changed against its lock, and its version has not.
    /// - A setting matches nothing, or is not Rust where it should be.
    pub fn generate(&self) -> Result<String, Error> {
        Ok(output::render(&Plan::new(self)?))
    }

    fn with(mut self, setting: Setting) -> Self {
        self.settings.push(setting);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
