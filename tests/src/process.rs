//! A device in a process of its own, as far as the device and the broker can tell.

use std::{fmt, thread::JoinHandle};

use astarte_runtime::{Builder, Config, Device, StatusStream};
use tokio::sync::oneshot;

use crate::soon;

/// A device on a runtime of its own, which can end without a word: its tasks then end where they are, and the broker sees
/// the connection break.
pub struct Process<H> {
    /// The handles of the interfaces.
    pub handles: H,
    /// What has happened since it was built.
    pub status: StatusStream,
    /// The device.
    pub device: Device,
    /// Dropped, it ends the runtime.
    running: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl<H: Send + 'static> Process<H> {
    /// Connects a device with the interfaces that `register` registers.
    ///
    /// # Errors
    ///
    /// - The device cannot connect.
    pub async fn start(
        config: Config,
        register: impl FnOnce(&mut Builder) -> H + Send + 'static,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let connecting = runtime.spawn(async move {
            let mut builder = Device::builder(config);
            let handles = register(&mut builder);
            let status = builder.status();
            let device = builder.connect().await?;
            Ok::<_, astarte_runtime::ConnectError>((device, handles, status))
        });
        let (running, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let _ = runtime.block_on(ended);
        });
        let (device, handles, status) = soon(connecting).await??;
        Ok(Self {
            handles,
            status,
            device,
            running,
            thread,
        })
    }

    /// Ends it without a word.
    ///
    /// # Panics
    ///
    /// - A task of the device has panicked outside of its runtime.
    pub fn crash(self) {
        drop(self.running);
        self.thread.join().expect("the runtime ends");
    }

    /// Disconnects, and ends it.
    ///
    /// # Panics
    ///
    /// - The device does not stop.
    pub async fn stop(self) {
        soon(self.device.disconnect()).await;
        drop(self.running);
        self.thread.join().expect("the runtime ends");
    }
}

impl<H> fmt::Debug for Process<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}
