//! What to run on the far side.

use std::{collections::BTreeMap, ffi::OsString};

use serde_json::{Value, json};

use crate::StartError;

/// What to run on the far side, and in which environment.
///
/// Nothing of this machine goes along: neither `PATH` nor `HOME` nor the working directory. A bare
/// program name is looked up in the `PATH` of the far side (exec-server protocol §5).
///
/// ```
/// use farpipe_exec_server::{Inherit, ProcessSpec};
///
/// let spec = ProcessSpec::new("npx")
///     .args(["-y", "@modelcontextprotocol/server-everything"])
///     .cwd("file:///srv/work")
///     .inherit(Inherit::Core)
///     .env("LOG_LEVEL", "debug");
/// # drop(spec);
/// ```
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    argv: Vec<OsString>,
    cwd: Option<String>,
    inherit: Inherit,
    env: BTreeMap<String, String>,
}

/// Which variables of the server's own environment the process gets.
///
/// Except for [`None`](Self::None), the server leaves out those whose names look like secrets, such as
/// `*KEY*`, `*SECRET*` and `*TOKEN*` (§5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Inherit {
    /// Those that programs need to run at all: `PATH`, `HOME` and the like.
    #[default]
    Core,
    /// All.
    All,
    /// None.
    None,
}

impl Inherit {
    const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::All => "all",
            Self::None => "none",
        }
    }
}

impl ProcessSpec {
    /// A program without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            argv: vec![program.into()],
            cwd: None,
            inherit: Inherit::default(),
            env: BTreeMap::new(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.argv.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Where to run it: a `file:` URI on the far side. Default: where the server itself runs, or the
    /// root if it does not say.
    #[must_use]
    pub fn cwd(mut self, uri: impl Into<String>) -> Self {
        self.cwd = Some(uri.into());
        self
    }

    /// Which variables it gets from the server's environment. Default [`Inherit::Core`].
    #[must_use]
    pub const fn inherit(mut self, inherit: Inherit) -> Self {
        self.inherit = inherit;
        self
    }

    /// Sets a variable, on top of what is inherited.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub(crate) fn params(
        &self,
        name: &str,
        default_cwd: Option<&str>,
    ) -> Result<Value, StartError> {
        let cwd = self.cwd.as_deref().or(default_cwd).unwrap_or("file:///");
        if !cwd.starts_with("file:") {
            return Err(StartError::Cwd { given: cwd.to_owned() });
        }
        Ok(json!({
            "processId": name,
            "argv": self.unicode_argv()?,
            "cwd": cwd,
            "env": self.env,
            // The fields of a policy are all mandatory.
            "envPolicy": {
                "inherit": self.inherit.name(),
                "ignoreDefaultExcludes": false,
                "exclude": [],
                "set": {},
                "includeOnly": [],
            },
            "tty": false,
            "pipeStdin": true,
        }))
    }

    fn unicode_argv<'a>(&'a self) -> Result<Vec<&'a str>, StartError> {
        let unicode = |(index, arg): (usize, &'a OsString)| {
            arg.to_str().ok_or(StartError::NotUnicode { index })
        };
        self.argv.iter().enumerate().map(unicode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// <https://github.com/openai/codex/issues/17987>
    #[test]
    fn nothing_of_this_machine_goes_along() {
        let params = ProcessSpec::new("server").params("p1", None).unwrap();
        assert_eq!(params["env"], json!({}));
        assert_eq!(params["cwd"], "file:///");
        assert_eq!(params["argv"], json!(["server"]));
        let params = ProcessSpec::new("server").env("A", "b").cwd("file:///srv").params("p1", None);
        let params = params.unwrap();
        assert_eq!((&params["env"], &params["cwd"]), (&json!({ "A": "b" }), &json!("file:///srv")));
    }
}
