//! What the keeper needs to start a driver, and what a driver is told about itself.
use crate::codec::{read_list, read_texts, text, write_list, write_texts};
use crate::control_capnp as wire;
pub use crate::control_capnp::{Access, Io, Verb};
pub use crate::endpoint::{Direction, Endpoint, Field, Layout};
use crate::error::Result;
use crate::names;

/// Why something runs: which plan, and which move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Tag {
    pub plan: String,
    #[cfg_attr(feature = "json", serde(rename = "move"))]
    pub move_: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "camelCase")
)]
pub enum Framing {
    Lines,
    Fixed { bytes: u32 },
    Prefixed,
}

/// How a program that does not link the kit is joined by the built-in `exec`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Stdio {
    #[cfg_attr(feature = "json", serde(with = "crate::json::io_kind"))]
    pub io: Io,
    pub frame: Framing,
    pub quiet_ns: u64,
    pub answer_within_ns: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct OpenToken {
    pub endpoint: String,
    #[cfg_attr(feature = "json", serde(with = "crate::json::verb"))]
    pub verb: Verb,
    /// 32 bytes, hexadecimal.
    pub token: String,
    /// CLOCK_MONOTONIC nanoseconds.
    pub expires_ns: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct ClosureFile {
    pub path: String,
    pub hash: String,
    pub executable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct FileGrant {
    pub path: String,
    #[cfg_attr(feature = "json", serde(with = "crate::json::access"))]
    pub access: Access,
}

/// All that the keeper needs to start one driver in its cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct CellSpec {
    pub instance: String,
    pub tag: Tag,
    pub run: Vec<String>,
    /// `NAME=value`.
    #[cfg_attr(feature = "json", serde(with = "crate::json::variables"))]
    pub env: Vec<String>,
    pub stdio: Option<Stdio>,
    pub endpoints: Vec<Endpoint>,
    pub closure: Vec<ClosureFile>,
    pub files: Vec<FileGrant>,
    pub network: bool,
    pub cpus: Vec<u32>,
    pub memory_bytes: u64,
    pub open_files: u32,
    pub stop_within_ns: u64,
    pub start_early: bool,
    pub isolated: bool,
    pub tokens: Vec<OpenToken>,
    pub stop_order: u32,
}

impl Tag {
    pub fn read(reader: wire::tag::Reader<'_>) -> Result<Self> {
        Ok(Self {
            plan: text("a plan", reader.get_plan()?)?.to_owned(),
            move_: text("a move", reader.get_move()?)?.to_owned(),
        })
    }

    pub fn write(&self, mut builder: wire::tag::Builder<'_>) {
        builder.set_plan(self.plan.as_str());
        builder.set_move(self.move_.as_str());
    }
}

impl Stdio {
    pub fn read(reader: wire::stdio::Reader<'_>) -> Result<Self> {
        let frame = match reader.get_frame().which()? {
            wire::stdio::frame::Lines(()) => Framing::Lines,
            wire::stdio::frame::Fixed(bytes) => Framing::Fixed { bytes },
            wire::stdio::frame::Prefixed(()) => Framing::Prefixed,
        };
        Ok(Self {
            io: reader.get_io()?,
            frame,
            quiet_ns: reader.get_quiet_ns(),
            answer_within_ns: reader.get_answer_within_ns(),
        })
    }

    pub fn write(&self, mut builder: wire::stdio::Builder<'_>) {
        builder.set_io(self.io);
        builder.set_quiet_ns(self.quiet_ns);
        builder.set_answer_within_ns(self.answer_within_ns);
        let mut frame = builder.init_frame();
        match self.frame {
            Framing::Lines => frame.set_lines(()),
            Framing::Fixed { bytes } => frame.set_fixed(bytes),
            Framing::Prefixed => frame.set_prefixed(()),
        }
    }
}

impl OpenToken {
    pub fn read(reader: wire::open_token::Reader<'_>) -> Result<Self> {
        Ok(Self {
            endpoint: names::name("a token's endpoint", text("a token's endpoint", reader.get_endpoint()?)?)?,
            verb: reader.get_verb()?,
            token: names::hash("a token", text("a token", reader.get_token()?)?)?,
            expires_ns: reader.get_expires_ns(),
        })
    }

    pub fn write(&self, mut builder: wire::open_token::Builder<'_>) {
        builder.set_endpoint(self.endpoint.as_str());
        builder.set_verb(self.verb);
        builder.set_token(self.token.as_str());
        builder.set_expires_ns(self.expires_ns);
    }
}

impl ClosureFile {
    pub fn read(reader: wire::closure_file::Reader<'_>) -> Result<Self> {
        Ok(Self {
            path: text("a closure's path", reader.get_path()?)?.to_owned(),
            hash: names::hash("a closure's hash", text("a closure's hash", reader.get_hash()?)?)?,
            executable: reader.get_executable(),
        })
    }

    pub fn write(&self, mut builder: wire::closure_file::Builder<'_>) {
        builder.set_path(self.path.as_str());
        builder.set_hash(self.hash.as_str());
        builder.set_executable(self.executable);
    }
}

impl FileGrant {
    pub fn read(reader: wire::file_grant::Reader<'_>) -> Result<Self> {
        Ok(Self { path: text("a file's path", reader.get_path()?)?.to_owned(), access: reader.get_access()? })
    }

    pub fn write(&self, mut builder: wire::file_grant::Builder<'_>) {
        builder.set_path(self.path.as_str());
        builder.set_access(self.access);
    }
}

impl CellSpec {
    pub fn read(reader: wire::cell::Reader<'_>) -> Result<Self> {
        let stdio = match reader.get_stdio().which()? {
            wire::cell::stdio::None(()) => None,
            wire::cell::stdio::Some(some) => Some(Stdio::read(some?)?),
        };
        let cpus = reader.get_cpus()?;
        crate::codec::bounded("the cores", cpus.len())?;
        Ok(Self {
            instance: names::instance("a cell's instance", text("a cell's instance", reader.get_instance()?)?)?,
            tag: Tag::read(reader.get_tag()?)?,
            run: read_texts("an argument", reader.get_run()?)?,
            env: read_texts("a variable", reader.get_env()?)?,
            stdio,
            endpoints: read_list!("the endpoints", reader.get_endpoints()?, Endpoint::read),
            closure: read_list!("the closure", reader.get_closure()?, ClosureFile::read),
            files: read_list!("the files", reader.get_files()?, FileGrant::read),
            network: reader.get_network(),
            cpus: cpus.iter().collect(),
            memory_bytes: reader.get_memory_bytes(),
            open_files: reader.get_open_files(),
            stop_within_ns: reader.get_stop_within_ns(),
            start_early: reader.get_start_early(),
            isolated: reader.get_isolated(),
            tokens: read_list!("the tokens", reader.get_tokens()?, OpenToken::read),
            stop_order: reader.get_stop_order(),
        })
    }

    pub fn write(&self, mut builder: wire::cell::Builder<'_>) {
        builder.set_instance(self.instance.as_str());
        self.tag.write(builder.reborrow().init_tag());
        write_texts!(builder.init_run, &self.run);
        write_texts!(builder.init_env, &self.env);
        match &self.stdio {
            None => builder.reborrow().init_stdio().set_none(()),
            Some(stdio) => stdio.write(builder.reborrow().init_stdio().init_some()),
        }
        write_list!(builder.init_endpoints, &self.endpoints);
        write_list!(builder.init_closure, &self.closure);
        write_list!(builder.init_files, &self.files);
        builder.set_network(self.network);
        let mut cpus = builder.reborrow().init_cpus(crate::codec::length(self.cpus.len()));
        for (index, cpu) in self.cpus.iter().enumerate() {
            cpus.set(crate::codec::length(index), *cpu);
        }
        builder.set_memory_bytes(self.memory_bytes);
        builder.set_open_files(self.open_files);
        builder.set_stop_within_ns(self.stop_within_ns);
        builder.set_start_early(self.start_early);
        builder.set_isolated(self.isolated);
        write_list!(builder.init_tokens, &self.tokens);
        builder.set_stop_order(self.stop_order);
    }
}
