//! The local socket of approvers: a file that only its owner may open, and a token that says who is there.
//!
//! One line of JSON asks, one line of JSON answers. What is understood is in [`AdminRequest`]; the client is
//! `jurat approvals` and `jurat admin`.

use std::{path::Path, sync::Arc, time::Duration};

use jurat_console::Tokens as _;
use jurat_core::{Admin, AdminError, Approval, ApprovalAnswer, Freeze, card};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::tokens::OperatorTokens;
use crate::{
    config::ApprovalsConfig,
    exit::{Exit, Failure},
};

/// Connections at once.
const CONNECTIONS_MAX: usize = 16;
/// A question, bytes.
const LINE_BYTES_MAX: u64 = 16 << 10;
/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A question of an approver.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminRequest {
    /// Who asks is whose token this is.
    pub(crate) token: String,
    /// What is to be done.
    pub(crate) action: AdminAction,
}

/// What can be done.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AdminAction {
    /// The requests that one may see; only those that wait for something, where `open`.
    List { open: bool },
    /// One of them.
    Show { id: String },
    /// An answer.
    Answer { id: String, yes: bool, reason: Option<String> },
    /// Stops the writes of a database.
    Freeze { database: String, reason: String, until_ns: Option<i64> },
    /// Lets them go on.
    Unfreeze { database: String },
    /// The databases whose writes are stopped.
    Frozen,
}

/// The answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AdminReply {
    /// The requests.
    List(Vec<AdminItem>),
    /// The card, and all of it for programs.
    Card { lines: Vec<String>, approval: Box<Approval> },
    /// Where it stands after the answer.
    Answered(AdminItem),
    /// Databases whose writes are stopped.
    Frozen(Vec<Freeze>),
    /// Whether they were stopped.
    Unfrozen(bool),
    /// Why not.
    Refused(String),
}

/// A request in a list.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct AdminItem {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) line: String,
}

/// The socket, and what its clients need.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    admin: Arc<Admin>,
    tokens: Arc<OperatorTokens>,
}

impl Socket {
    /// Opens the socket, where one is configured.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(super) fn open(
        config: &ApprovalsConfig,
        admin: Arc<Admin>,
        tokens: Arc<OperatorTokens>,
    ) -> Result<Option<Self>, Failure> {
        let Some(path) = &config.socket else { return Ok(None) };
        let listener = listen(path)?;
        Ok(Some(Self { listener, admin, tokens }))
    }

    /// Serves until `shutdown`.
    pub(super) async fn serve(self: Arc<Self>, shutdown: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = shutdown.cancelled() => return,
            };
            match (accepted, Arc::clone(&places).try_acquire_owned()) {
                (Ok((stream, _)), Ok(place)) => {
                    let this = Arc::clone(&self);
                    tokio::spawn(async move {
                        if let Err(error) =
                            tokio::time::timeout(PATIENCE, this.connection(stream)).await
                        {
                            tracing::info!(%error, "an approver's connection was given up");
                        }
                        drop(place);
                    });
                }
                (Ok(_), Err(_full)) => tracing::warn!("too many approvers at once"),
                (Err(error), _) => {
                    tracing::warn!(%error, "the socket of approvers does not accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(&self, stream: UnixStream) {
        let peer = stream.peer_cred().ok().map(|peer| peer.uid());
        let (read, mut write) = stream.into_split();
        let mut line = String::new();
        let mut read = BufReader::new(read.take(LINE_BYTES_MAX));
        let reply = match read.read_line(&mut line).await {
            Ok(_) => match serde_json::from_str::<AdminRequest>(&line) {
                Ok(request) => self.answer(request, peer).await,
                Err(_error) => AdminReply::Refused("the question is not understood".to_owned()),
            },
            Err(_error) => return,
        };
        let mut bytes = serde_json::to_vec(&reply).unwrap_or_default();
        bytes.push(b'\n');
        if let Err(error) = write.write_all(&bytes).await {
            tracing::debug!(%error, "an approver has left");
        }
    }

    async fn answer(&self, request: AdminRequest, peer: Option<u32>) -> AdminReply {
        let Some(who) = self.tokens.principal(&request.token) else {
            tracing::warn!(?peer, "a token that nobody has");
            return AdminReply::Refused("nobody has that token".to_owned());
        };
        let reply =
            match request.action {
                AdminAction::List { open } => {
                    let list = self.admin.approvals(&who, open).await;
                    list.map(|list| AdminReply::List(list.iter().map(item).collect()))
                }
                AdminAction::Show { id } => self.admin.approval(&who, &id).await.map(|one| {
                    AdminReply::Card { lines: card::lines(&one), approval: Box::new(one) }
                }),
                AdminAction::Answer { id, yes, reason } => {
                    tracing::info!(by = who.id, ?peer, id, yes, "an answer of an approver");
                    let answer = ApprovalAnswer { id, yes, reason };
                    let done = self.admin.answer(who, answer, "cli").await;
                    done.map(|one| AdminReply::Answered(item(&one)))
                }
                AdminAction::Freeze { database, reason, until_ns } => {
                    let what = (database.as_str(), reason.as_str());
                    let done = self.admin.freeze((&who, "cli"), what, until_ns).await;
                    done.map(|freeze| AdminReply::Frozen(vec![freeze]))
                }
                AdminAction::Unfreeze { database } => {
                    let done = self.admin.unfreeze((&who, "cli"), &database).await;
                    done.map(AdminReply::Unfrozen)
                }
                AdminAction::Frozen => Ok(AdminReply::Frozen(self.admin.frozen())),
            };
        reply.unwrap_or_else(|error: AdminError| AdminReply::Refused(error.to_string()))
    }
}

fn item(approval: &Approval) -> AdminItem {
    AdminItem {
        id: approval.id.clone(),
        state: approval.state.as_str().to_owned(),
        line: card::line(approval),
    }
}

/// Only the owner may connect, from the first moment on: the directory is looked at, too, because it decides
/// who may put another socket in place of this one.
fn listen(path: &Path) -> Result<UnixListener, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let wrong = |what: &str, error: &dyn std::error::Error| {
        Failure::because(Exit::Usage, format!("the socket {}: {what}", path.display()), error)
    };
    match std::fs::symlink_metadata(path) {
        Ok(there) => {
            use std::os::unix::fs::FileTypeExt as _;
            if !there.file_type().is_socket() {
                return Err(Failure::usage(format!("{} is no socket", path.display())));
            }
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(Failure::usage(format!(
                    "another process listens at {}",
                    path.display()
                )));
            }
            std::fs::remove_file(path).map_err(|error| wrong("an old one stays", &error))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(wrong("it cannot be looked at", &error)),
    }
    // It is made where nobody else can reach it, and put in its place with its mode.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let private = tempfile::Builder::new()
        .prefix(".jurat-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(parent.unwrap_or_else(|| Path::new(".")))
        .map_err(|error| wrong("it cannot be made", &error))?;
    let made = private.path().join("s");
    let socket = UnixListener::bind(&made).map_err(|error| wrong("it cannot be made", &error))?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))
        .and_then(|()| std::fs::rename(&made, path))
        .map_err(|error| wrong("it cannot be made", &error))?;
    Ok(socket)
}
