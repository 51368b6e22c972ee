//! The engine of voice alone in a process of its own, told by lines of JSON what browsers would be told over a socket.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use takings::voice::media::{Media as _, Place, Seat, Sfu};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::Outcome;
use crate::process::{Process, memory_kb};

/// Where calls go.
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What the engine is asked.
#[derive(Serialize, Deserialize)]
enum Asked {
    Offer { room: i32, person: i32, epoch: u64, attempt: u32, sdp: String },
    Leave { room: i32, person: i32, epoch: u64 },
    Dropped,
}

/// What it answers.
#[derive(Serialize, Deserialize)]
enum Answered {
    Answer(String),
    Done,
    Dropped(u64),
    Refused(String),
}

/// How a call is set up: by the engine alone, or by a whole server.
pub trait Signalling {
    /// Takes an offer of a person's browser and answers it. Rooms, and people in a room, are numbered from 1.
    fn offer(&self, seat: Seat, attempt: u32, sdp: String) -> impl Future<Output = Outcome<String>> + Send;
}

/// An engine in a process of its own; killed where it is dropped.
pub struct Engine {
    _child: Child,
    pid: i32,
    line: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
}

impl Engine {
    /// Starts this program again as an engine.
    pub fn start() -> Outcome<Engine> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("voice-engine").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let pid = child.id().ok_or("the engine ended at once")? as i32;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else { return Err("the engine cannot be asked".into()) };
        Ok(Engine { _child: child, pid, line: Mutex::new((stdin, BufReader::new(stdout).lines())) })
    }

    async fn ask(&self, asked: &Asked) -> Outcome<Answered> {
        let mut line = self.line.lock().await;
        let mut text = serde_json::to_string(asked)?;
        text.push('\n');
        line.0.write_all(text.as_bytes()).await?;
        let answer = line.1.next_line().await?.ok_or("the engine has ended")?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// The person leaves.
    pub async fn leave(&self, seat: Seat) -> Outcome<()> {
        let Seat { room, person, epoch } = seat;
        self.ask(&Asked::Leave { room, person, epoch }).await.map(|_| ())
    }

    /// Packets that a limit or a full queue made it drop.
    pub async fn dropped(&self) -> Outcome<u64> {
        match self.ask(&Asked::Dropped).await? {
            Answered::Dropped(packets) => Ok(packets),
            _ => Err("the engine answered something else".into()),
        }
    }

    /// Resident memory.
    pub fn rss_kb(&self) -> Outcome<u64> {
        memory_kb(self.pid, "VmRSS:")
    }

    /// Processor time so far, in seconds.
    pub fn seconds(&self) -> Outcome<f64> {
        Ok(Process::read(self.pid).ok_or("the engine has ended")?.seconds)
    }
}

impl Signalling for Engine {
    async fn offer(&self, seat: Seat, attempt: u32, sdp: String) -> Outcome<String> {
        let Seat { room, person, epoch } = seat;
        match self.ask(&Asked::Offer { room, person, epoch, attempt, sdp }).await? {
            Answered::Answer(sdp) => Ok(sdp),
            Answered::Refused(why) => Err(why.into()),
            _ => Err("the engine answered something else".into()),
        }
    }
}

/// Is an engine: answers standard input until it ends.
pub fn serve(runtime: &Runtime) -> Outcome<()> {
    let (sfu, mut events) = Sfu::start(Place { bind: HERE, public: None, ports: 0..=0, tcp: Some((HERE, 0).into()) })?;
    runtime.spawn(async move { while events.recv().await.is_some() {} });
    let mut out = std::io::stdout();
    for line in std::io::stdin().lines() {
        let answered = runtime.block_on(answer(&sfu, serde_json::from_str(&line?)?));
        writeln!(out, "{}", serde_json::to_string(&answered)?)?;
        out.flush()?;
    }
    runtime.block_on(sfu.close());
    Ok(())
}

async fn answer(sfu: &Sfu, asked: Asked) -> Answered {
    match asked {
        Asked::Offer { room, person, epoch, attempt, sdp } => {
            match sfu.offer(Seat { room, person, epoch }, attempt, sdp).await {
                Ok(answer) => Answered::Answer(answer),
                Err(refused) => Answered::Refused(refused.to_string()),
            }
        }
        Asked::Leave { room, person, epoch } => {
            sfu.leave(Seat { room, person, epoch }).await;
            Answered::Done
        }
        Asked::Dropped => Answered::Dropped(sfu.measured().await.iter().map(|(_, measured)| measured.dropped).sum()),
    }
}
