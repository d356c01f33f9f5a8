//! Updates of the software: what was asked for is copied into a folder, and each step is told.

use std::{
    io,
    path::{Path, PathBuf},
};

use astarte_runtime::{AstarteValue, Handle, SendError, Timestamp};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

use crate::interfaces::{OtaEvent, OtaRequest, ota_event};

/// What is asked for.
#[derive(AstarteValue, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Gets the software.
    Install,
    /// Stops getting it.
    Cancel,
}

/// What becomes of a request.
#[derive(AstarteValue, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has arrived.
    Acknowledged,
    /// The software is being copied.
    Copying,
    /// The software is in the folder, for the next start to find it.
    Staged,
    /// It was given up, as the cloud wished.
    Cancelled,
    /// It was given up for the reason in the message.
    Failed,
}

/// Updates, of which one at a time is under way.
pub(crate) struct Updates {
    events: Handle<OtaEvent>,
    folder: PathBuf,
    current: Option<(String, JoinHandle<Result<(), SendError>>)>,
}

impl Updates {
    /// Will put software into this folder.
    pub(crate) fn new(events: Handle<OtaEvent>, folder: PathBuf) -> Self {
        Self {
            events,
            folder,
            current: None,
        }
    }

    /// Begins what is asked for, and tells the cloud.
    ///
    /// # Errors
    ///
    /// - The device has ended.
    pub(crate) async fn handle(&mut self, request: OtaRequest) -> Result<(), SendError> {
        let reporter = Reporter {
            events: self.events.clone(),
            request: request.id,
        };
        match request.operation {
            Operation::Cancel => self.cancel(&reporter).await,
            Operation::Install if self.is_busy() => {
                reporter.failed("another update is under way").await
            }
            Operation::Install => {
                reporter.tell(Status::Acknowledged, 0).await?;
                let (name, url) = (reporter.request.clone(), request.url.unwrap_or_default());
                let task = tokio::spawn(install(reporter, url, self.folder.clone()));
                self.current = Some((name, task));
                Ok(())
            }
        }
    }

    async fn cancel(&mut self, reporter: &Reporter) -> Result<(), SendError> {
        let busy = self.is_busy();
        match self
            .current
            .take_if(|(request, _)| busy && *request == reporter.request)
        {
            Some((_, task)) => {
                task.abort();
                reporter.tell(Status::Cancelled, 0).await
            }
            None => reporter.failed("no such update is under way").await,
        }
    }

    fn is_busy(&self) -> bool {
        self.current
            .as_ref()
            .is_some_and(|(_, task)| !task.is_finished())
    }
}

impl Drop for Updates {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.current {
            task.abort();
        }
    }
}

/// Answers one request.
struct Reporter {
    events: Handle<OtaEvent>,
    request: String,
}

impl Reporter {
    async fn tell(&self, status: Status, progress: i32) -> Result<(), SendError> {
        self.send(status, progress, String::new()).await
    }

    async fn failed(&self, message: &str) -> Result<(), SendError> {
        self.send(Status::Failed, 0, message.to_owned()).await
    }

    async fn send(&self, status: Status, progress: i32, message: String) -> Result<(), SendError> {
        let event = OtaEvent {
            request: self.request.clone(),
            status,
            progress,
            message,
        };
        self.events
            .send_at(ota_event::Path, &event, Timestamp::now())
            .await?;
        Ok(())
    }
}

async fn install(reporter: Reporter, url: String, folder: PathBuf) -> Result<(), SendError> {
    let Some(source) = url.strip_prefix("file://").map(Path::new) else {
        return reporter
            .failed("the software is to be at a `file://` URL")
            .await;
    };
    let Some(name) = source.file_name() else {
        return reporter.failed("the URL names no file").await;
    };
    let target = folder.join(name);
    match copy(source, &target, &reporter).await {
        Ok(sent) => sent,
        Err(error) => reporter.failed(&error.to_string()).await,
    }
}

/// Copies, and tells of each quarter. The software is there as a whole or not at all, whatever happens meanwhile.
///
/// What fails is the file, or, inside, the sending.
async fn copy(from: &Path, to: &Path, reporter: &Reporter) -> io::Result<Result<(), SendError>> {
    const CHUNK: u64 = 64 * 1024;
    let mut source = File::open(from).await?;
    let (len, mut copied, mut told) = (source.metadata().await?.len(), 0, 0);
    let part = to.with_added_extension("part");
    let mut target = File::create(&part).await?;
    let mut chunk = Vec::new();
    while (&mut source).take(CHUNK).read_to_end(&mut chunk).await? > 0 {
        target.write_all(&chunk).await?;
        copied += chunk.len() as u64;
        chunk.clear();
        let progress = i32::try_from(copied * 100 / len.max(1))
            .unwrap_or(100)
            .min(99);
        if progress >= told + 25 {
            told = progress;
            if let Err(error) = reporter.tell(Status::Copying, progress).await {
                return Ok(Err(error));
            }
        }
    }
    target.sync_all().await?;
    fs::rename(&part, to).await?;
    Ok(reporter.tell(Status::Staged, 100).await)
}
