//! Programs of Debian that tests start, and end by their process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long a program may take to say something, in a rush of tests.
const SAYS_WITHIN: Duration = Duration::from_secs(30);

/// A program that runs. It ends with the test.
pub struct Program {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    said: Vec<String>,
}

impl Program {
    pub fn start(command: &mut Command) -> Program {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}: run .ci/setup"));
        let (sender, lines) = mpsc::unbounded_channel();
        read(child.stdout.take().expect("a pipe"), sender.clone());
        read(child.stderr.take().expect("a pipe"), sender);
        Program { child, lines, said: Vec::new() }
    }

    /// Waits until it has said a line with these words, which it returns.
    pub async fn says(&mut self, words: &str) -> String {
        let saying = async {
            while let Some(line) = self.lines.recv().await {
                self.said.push(line.clone());
                if line.contains(words) {
                    return Some(line);
                }
            }
            None
        };
        let line = tokio::time::timeout(SAYS_WITHIN, saying).await.ok().flatten();
        line.unwrap_or_else(|| panic!("it did not say {words:?}: {:#?}", self.said))
    }

    /// Everything that it has said, when it has ended by itself.
    pub async fn ended(mut self) -> (bool, String) {
        let status = tokio::time::timeout(SAYS_WITHIN, self.child.wait()).await.expect("it ends").expect("a status");
        while let Some(line) = self.lines.recv().await {
            self.said.push(line);
        }
        (status.success(), self.said.join("\n"))
    }

    /// Everything that it has said so far.
    pub fn said(&mut self) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.said.push(line);
        }
        self.said.join("\n")
    }

    /// Ends it at once.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it ends");
    }
}

fn read(pipe: impl AsyncRead + Unpin + Send + 'static, lines: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut reader = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            // A test that has ended reads no more.
            let _ = lines.send(line);
        }
    });
}

/// A port that nobody listens on.
pub async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Waits until somebody listens on a port.
pub async fn listens(port: u16) {
    let listening = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SAYS_WITHIN, listening).await.expect("it listens");
}

/// A NATS server on a port.
pub async fn nats(port: u16, options: &[&str]) -> Program {
    let mut command = Command::new(system("nats-server"));
    let mut nats = Program::start(command.args(["-a", "127.0.0.1", "-p", &port.to_string()]).args(options));
    nats.says("Server is ready").await;
    nats
}

/// Where Debian puts a server's program, which is not on everybody's path.
pub fn system(name: &str) -> String {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let found = folders.map(|folder| format!("{folder}/{name}")).into_iter().find(|path| Path::new(path).exists());
    found.unwrap_or_else(|| panic!("{name} is not installed: run .ci/setup"))
}
