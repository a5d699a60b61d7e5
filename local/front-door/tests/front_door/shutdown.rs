//! Nothing survives the command that started it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::running::Running;

/// A front door whose function runs, and a connection that ends with the function and its child.
async fn busy() -> (Running, TcpStream) {
    let door = Running::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let event = json!({"do": "fork", "address": listener.local_addr().unwrap()});
    door.client.invoke_as("Event", "probe", event).await.unwrap();
    let (connection, _) = listener.accept().await.unwrap();
    // Another function's process stands by.
    door.client.invoke("probe", json!({})).await;
    (door, connection)
}

/// Whether it left nothing in its temporary folder.
fn is_clean(door: &Running) -> bool {
    door.folder.path().read_dir().unwrap().next().is_none()
}

async fn is_over(mut connection: TcpStream) -> bool {
    connection.read(&mut [0]).await.unwrap_or_default() == 0
}

#[tokio::test]
async fn the_end_of_standard_input_ends_everything() {
    let (mut door, connection) = busy().await;
    assert!(!is_clean(&door));
    drop(door.child.stdin.take());
    assert!(door.child.wait().await.unwrap().success());
    assert!(is_over(connection).await);
    assert!(is_clean(&door));
}

#[tokio::test]
async fn a_signal_ends_everything() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let (mut door, connection) = busy().await;
        let pid = Pid::from_raw(door.child.id().unwrap().try_into().unwrap());
        // A call that is held does not hold the end up.
        let hold = json!({"service": "ec2", "operation": "CreateFlowLogs",
                          "action": {"hold": true}});
        door.client.fault(hold).await;
        let client = door.client.clone();
        let waiting =
            tokio::spawn(async move { client.form("ec2", &[("Action", "CreateFlowLogs")]).await });
        door.client.wait_for("held", json!({})).await;
        kill(pid, signal).unwrap();
        assert!(door.child.wait().await.unwrap().success());
        assert!(is_over(connection).await);
        assert!(is_clean(&door));
        assert!(waiting.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn only_loopback_is_served() {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_front-door"))
        .args(["--listen", "0.0.0.0:0", "--moto", "http://127.0.0.1:1"])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no loopback address"));
}

#[tokio::test]
async fn moto_has_an_address() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_front-door"));
    command.args(["--listen", "127.0.0.1:0", "--moto", "ftp://127.0.0.1:1"]);
    let output = command.output().await.unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("http://HOST:PORT"));
}
