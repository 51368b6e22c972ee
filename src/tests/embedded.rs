//! The embedded PostgreSQL: made once, taken over after a crash, started again when it dies, refused to a second instance.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{ConnectOptions as _, Connection as _};
use takings::server::postgres::{self, Embedded, EmbeddedError};

/// A folder that ends with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("takings-test-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn postmaster(data: &Path) -> Pid {
    let file = fs::read_to_string(data.join("postgres/postmaster.pid")).expect("a pid file");
    Pid::from_raw(file.lines().next().and_then(|line| line.trim().parse().ok()).expect("a pid"))
}

async fn answer(embedded: &Embedded) -> Option<i32> {
    let mut connection = embedded.options().connect().await.ok()?;
    let answer = sqlx::query_scalar("select 1").fetch_one(&mut connection).await.ok();
    connection.close().await.ok()?;
    answer
}

async fn answers_again(embedded: &Embedded) {
    let again = async {
        while answer(embedded).await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), again).await.expect("it answers again");
}

#[tokio::test]
async fn a_cluster_is_made_kept_and_closed_to_a_second_instance() {
    let folder = Folder::new("second");
    let first = postgres::start(&folder.0).await.expect("a server");
    assert_eq!(answer(&first).await, Some(1));
    assert!(matches!(postgres::start(&folder.0).await.err(), Some(EmbeddedError::InUse(_))));
    assert!(postgres::running(&folder.0).await.is_some());
    let pid = postmaster(&folder.0);
    first.stop().await;
    assert!(kill(pid, None).is_err(), "the server has ended");
    assert!(postgres::running(&folder.0).await.is_none());
    let again = postgres::start(&folder.0).await.expect("the same cluster");
    assert_eq!(answer(&again).await, Some(1));
    again.stop().await;
}

#[tokio::test]
async fn a_killed_server_is_started_again() {
    let folder = Folder::new("killed");
    let embedded = postgres::start(&folder.0).await.expect("a server");
    let pid = postmaster(&folder.0);
    kill(pid, Signal::SIGKILL).expect("killed");
    answers_again(&embedded).await;
    assert_ne!(postmaster(&folder.0), pid);
    embedded.stop().await;
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused_with_what_to_do() {
    let folder = Folder::new("version");
    fs::create_dir_all(folder.0.join("postgres")).expect("a folder");
    fs::write(folder.0.join("postgres/PG_VERSION"), "9\n").expect("written");
    let refused = postgres::start(&folder.0).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("PostgreSQL 9") && refused.contains("install postgresql-9"), "{refused}");
}
