//! Runs the real binary on files that the tests make.

#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const CLIENT: &str = "10.0.1.5";
pub(crate) const GATEWAY: &str = "10.0.0.220";
pub(crate) const PEER: &str = "203.0.113.5";

/// What a run of natflow left behind.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A folder for a test's files, in which natflow runs.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_natflow"));
        command.current_dir(self.path()).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    /// Runs natflow with this on its standard input.
    pub(crate) fn run_on(&self, input: &[u8], arguments: &[&str]) -> Outcome {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let outcome = Outcome::of(child.wait_with_output().unwrap());
        // Whether everything was read is the tested command's business.
        let _ = writer.join().unwrap();
        outcome
    }

    /// Runs natflow, which must succeed, and returns what it wrote.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
        outcome.stdout
    }

    /// Runs natflow, which must fail with this code, and returns what it complained about.
    pub(crate) fn fail(&self, code: i32, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, code, "{arguments:?}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        outcome.stderr
    }
}

/// A connection through the gateway, as one interval of it is recorded.
#[derive(Clone, Copy)]
pub(crate) struct Connection<'c> {
    pub(crate) client: &'c str,
    pub(crate) peer: &'c str,
    pub(crate) port: u16,
    pub(crate) service: &'c str,
    pub(crate) upload: u64,
    pub(crate) download: u64,
    pub(crate) start: u64,
    pub(crate) interface: &'c str,
    /// The gateway's address in the record, and in the packets.
    pub(crate) gateway: [&'c str; 2],
}

impl Default for Connection<'_> {
    fn default() -> Self {
        Self {
            client: CLIENT,
            peer: PEER,
            port: 443,
            service: "-",
            upload: 1500,
            download: 250_000,
            start: 1_700_000_000,
            interface: "eni-0a1b",
            gateway: [GATEWAY, GATEWAY],
        }
    }
}

impl Connection<'_> {
    /// The records of all four legs, in the recorded format.
    pub(crate) fn legs(&self) -> [String; 4] {
        let Self { client, peer, upload, download, gateway: [own, in_packet], .. } = *self;
        let family = if client.contains(':') { "IPv6" } else { "IPv4" };
        let leg = |way,
                   from,
                   to,
                   bytes,
                   packet: [&str; 2],
                   ports: [u16; 2],
                   services: [&str; 2]| {
            format!(
                "ACCEPT {way} {from} {} {to} {} 6 {bytes} {family} {} {} {} {} 3 {} {} 19 OK {}",
                ports[0],
                ports[1],
                packet[0],
                services[0],
                packet[1],
                services[1],
                self.start,
                self.start + 60,
                self.interface
            )
        };
        let (port, service) = (self.port, self.service);
        [
            leg("ingress -", client, own, upload, [client, peer], [40_000, port], ["-", service]),
            leg("egress 8", own, peer, upload, [in_packet, peer], [1024, port], ["-", service]),
            leg("ingress -", peer, own, download, [peer, in_packet], [port, 1024], [service, "-"]),
            leg("egress 1", own, client, download, [peer, client], [port, 40_000], [service, "-"]),
        ]
    }
}

pub(crate) const NODATA: &str =
    "- - - - - - - - - - - - - - - 1700000000 1700000060 - NODATA eni-0a1b";
pub(crate) const SKIPDATA: &str =
    "- - - - - - - - - - - - - - - 1700000000 1700000060 - SKIPDATA eni-0a1b";

/// Two clients, two peers, one of them S3; a rejected record, and intervals without traffic.
pub(crate) fn recording() -> String {
    let mut lines = vec![NODATA.to_owned(), SKIPDATA.to_owned()];
    lines.extend(Connection::default().legs());
    let s3 = "52.218.0.1";
    let upload = Connection {
        peer: s3,
        service: "S3",
        upload: 3_000_000,
        download: 4_500,
        start: 1_700_000_060,
        ..Connection::default()
    };
    lines.extend(upload.legs());
    let other = Connection { client: "10.0.2.7", port: 8080, ..Connection::default() };
    lines.extend(other.legs());
    let rejected = Connection { client: "10.0.9.9", ..Connection::default() };
    lines.push(rejected.legs()[0].replace("ACCEPT", "REJECT"));
    lines.join("\n") + "\n"
}
