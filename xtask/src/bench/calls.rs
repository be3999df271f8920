//! Signed calls through our client library: a process of its own, so that its processor time is its own.

use std::{path::Path, thread, time::Duration, time::Instant};

use anyhow::{Context as _, ensure};
use atl_client::{BaseUrl, Client, Credentials, Request, ServerConfig, Tls, Transport};
use atl_keys::{ImportPolicy, Keypair};
use atl_oauth::{ConsumerSigner, Parameters, send};
use serde::{Deserialize, Serialize};

use super::process::processor_time;

/// What there is to know; `rate.py` and `rate.js` read the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    /// The server's base URL.
    pub(super) server: String,
    /// What is called.
    pub(super) url: String,
    /// The path of it below the base URL.
    pub(super) path: String,
    pub(super) consumer_key: String,
    /// The private key, PEM.
    pub(super) key: String,
    pub(super) token: String,
    pub(super) secret: String,
    /// Whom the server must take the caller for.
    pub(super) user: String,
    pub(super) calls: u32,
    /// How many calls are under way at once.
    pub(super) parallel: u32,
}

/// Seconds that the calls of a job took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Times {
    pub(super) wall: f64,
    /// Processor time of the process, all threads.
    pub(super) cpu: f64,
}

/// Does a job and prints how long it took. One call, not counted, goes first.
pub(crate) fn calls(job: &Path) -> anyhow::Result<()> {
    let job: Job = serde_json::from_slice(&fs_err::read(job)?)?;
    let key = Keypair::read(job.key.as_bytes(), None, ImportPolicy::Strict)?.value;
    let transport = Transport::default();
    call(&job, &key, &transport, 1)?;
    let (wall, cpu) = (Instant::now(), processor_time()?);
    thread::scope(|scope| {
        let calling: Vec<_> = (0..job.parallel)
            .map(|_| scope.spawn(|| call(&job, &key, &transport, job.calls / job.parallel)))
            .collect();
        calling.into_iter().try_for_each(|calling| {
            calling
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    let times = Times {
        wall: wall.elapsed().as_secs_f64(),
        cpu: processor_time()?.saturating_sub(cpu).as_secs_f64(),
    };
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}

fn call(job: &Job, key: &Keypair, transport: &Transport, calls: u32) -> anyhow::Result<()> {
    let config = ServerConfig {
        name: "measured".to_owned(),
        base_url: BaseUrl::parse(&job.server)?,
        sign_as: None,
        product: None,
        credentials: Credentials::Anonymous,
        tls: Tls::default(),
        proxy: None,
        timeout: Duration::from_secs(30),
        allow_http: false,
    };
    let client = Client::new(config, transport)?;
    let signer = ConsumerSigner::new(&job.consumer_key, key);
    let parameters = Parameters {
        token: Some(&job.token),
        ..Parameters::default()
    };
    for _ in 0..calls {
        let answer = send(&client, &signer, parameters, &Request::get(&job.path))
            .context("a call was not answered")?;
        ensure!(
            answer.response.status == 200 && answer.response.text() == job.user,
            "a call was answered with {}",
            answer.response.status
        );
    }
    Ok(())
}
