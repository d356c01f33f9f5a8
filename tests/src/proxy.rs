//! A bad network: a proxy that splits, stalls and cuts what passes through it, and can be shut.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// A proxy in front of a server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    calm: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
    shut: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// Numbers that look random, the same in each run.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or(0)
    }
}

impl Proxy {
    /// Starts a proxy to `target`, `host:port`, that cuts each connection after a few packets, in the way that `seed`
    /// says.
    ///
    /// # Errors
    ///
    /// - There is no port.
    pub async fn start(target: String, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (calm, cuts) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let weather = (Arc::clone(&calm), Arc::clone(&cuts));
        let shut = watch::Sender::new(false);
        let gate = shut.subscribe();
        let accepting = tokio::spawn(async move {
            let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            while let Ok((client, _)) = listener.accept().await {
                let mut gate = gate.clone();
                if *gate.borrow_and_update() {
                    continue;
                }
                // A handshake of TLS takes about 3 000.
                let lifetime = 2_000 + dice.below(16_000);
                let dice = Dice(dice.0);
                let (target, (calm, cuts)) = (target.clone(), weather.clone());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(target).await else {
                        return;
                    };
                    // Small pieces would wait for acknowledgements, and the test is not about that.
                    if client
                        .set_nodelay(true)
                        .and(server.set_nodelay(true))
                        .is_err()
                    {
                        return;
                    }
                    tokio::select! {
                        () = pass(client, server, lifetime, dice, &calm) => {}
                        _ = gate.wait_for(|shut| *shut) => {}
                    }
                    cuts.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Ok(Self {
            address,
            calm,
            cuts,
            shut,
            accepting,
        })
    }

    /// Where the proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts no more.
    pub fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Ends all connections, and every new one as soon as it is made.
    pub fn shut(&self) {
        self.shut.send_replace(true);
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.shut.send_replace(false);
    }

    /// How many connections have ended.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Passes bytes both ways, in pieces of random sizes, until so many have passed.
async fn pass(
    client: TcpStream,
    server: TcpStream,
    lifetime: usize,
    dice: Dice,
    calm: &AtomicBool,
) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let passed = AtomicUsize::new(0);
    let up = pieces(
        from_client,
        to_server,
        &passed,
        lifetime,
        dice.clone(),
        calm,
    );
    let down = pieces(from_server, to_client, &passed, lifetime, dice, calm);
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn pieces(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    passed: &AtomicUsize,
    lifetime: usize,
    mut dice: Dice,
    calm: &AtomicBool,
) {
    let mut buffer = [0; 1500];
    loop {
        let size = 1 + dice.below(buffer.len());
        let Ok(read @ 1..) = from.read(&mut buffer[..size]).await else {
            return;
        };
        let total = passed.fetch_add(read, Ordering::Relaxed) + read;
        if total > lifetime && !calm.load(Ordering::Relaxed) {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        // Lets the other direction get ahead, or fall behind.
        for _ in 0..dice.below(4) {
            tokio::task::yield_now().await;
        }
    }
}
