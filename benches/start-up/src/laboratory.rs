//! Starts a function's process and measures it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    aws::Aws,
    certificates::{Certificates, Roots},
    recording::ENVIRONMENT,
    runtime_api::RuntimeApi,
};

pub(crate) struct Laboratory {
    runtime_api: RuntimeApi,
    aws: Aws,
    certificates: Certificates,
}

/// How a function is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) roots: Roots,
    /// Whether the system's folder of certificates is searched beside the bundle.
    pub(crate) search_folder: bool,
}

impl Setting {
    /// As a Lambda environment has it.
    pub(crate) const USUAL: Self = Self { roots: Roots::System, search_folder: false };
}

/// One start of a function.
pub(crate) struct Start {
    /// From exec to the arrival of the answer.
    pub(crate) elapsed: Duration,
    /// Processor time of all threads until then, which tells also on a busy
    /// machine.
    pub(crate) processor: Duration,
    /// At its peak.
    pub(crate) resident_kib: u64,
    /// Number of HTTPS calls.
    pub(crate) calls: usize,
    pub(crate) answer: Value,
}

impl Laboratory {
    pub(crate) fn open() -> Result<Self> {
        let certificates = Certificates::make()?;
        let aws = Aws::start(certificates.server.clone())?;
        Ok(Self { runtime_api: RuntimeApi::start()?, aws, certificates })
    }

    pub(crate) fn roots(&self, roots: Roots) -> Result<usize> {
        self.certificates.count(roots)
    }

    pub(crate) fn measure(&self, binary: &Path, setting: Setting, event: &Value) -> Result<Start> {
        self.runtime_api.offer(event)?;
        let calls_before = self.aws.calls();
        let mut command = self.command(binary, setting);
        let started = Instant::now();
        let mut process =
            command.spawn().with_context(|| format!("{} does not start", binary.display()))?;
        let answer = self.runtime_api.answer();
        let used = used(&process);
        process.kill()?;
        process.wait()?;
        let answer = answer.with_context(|| format!("{} fails", binary.display()))?;
        let (resident_kib, processor) = used?;
        Ok(Start {
            elapsed: answer.at.duration_since(started),
            processor,
            resident_kib,
            calls: self.aws.calls() - calls_before,
            answer: answer.body,
        })
    }

    fn command(&self, binary: &Path, setting: Setting) -> Command {
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs(ENVIRONMENT)
            .env("AWS_LAMBDA_RUNTIME_API", self.runtime_api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "measured")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
            .env("AWS_SESSION_TOKEN", "token")
            .env("AWS_ENDPOINT_URL", format!("https://localhost:{}", self.aws.address.port()))
            .env("SSL_CERT_FILE", self.certificates.bundle(setting.roots))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if setting.search_folder {
            command.env("SSL_CERT_DIR", "/etc/ssl/certs");
        }
        command
    }
}

/// Peak resident memory in KiB and processor time of a living process.
fn used(process: &Child) -> Result<(u64, Duration)> {
    let folder = format!("/proc/{}", process.id());
    let status = fs::read_to_string(format!("{folder}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    let resident_kib = peak.context("the kernel tells no peak of memory")?.trim().parse()?;
    let mut processor = Duration::ZERO;
    for thread in fs::read_dir(format!("{folder}/task"))? {
        let scheduled = fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds = scheduled.split(' ').next().unwrap_or_default();
        processor += Duration::from_nanos(nanoseconds.parse()?);
    }
    Ok((resident_kib, processor))
}
