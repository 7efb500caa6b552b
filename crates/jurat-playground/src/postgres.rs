//! PostgreSQL's protocol, through `pgwire`'s server: login with SCRAM, simple and extended queries.

mod casts;
mod encode;
mod parameters;
mod questions;
mod session;
mod statement;
mod translate;

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::{Sink, SinkExt as _, stream};
use pgwire::{
    api::{
        ClientInfo, ClientPortalStore, PgWireConnectionState, PgWireServerHandlers, Type,
        auth::{
            AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler,
            sasl::{
                SASLAuthStartupHandler,
                scram::{ScramAuth, gen_salted_password},
            },
        },
        portal::{Format, Portal},
        query::{ExtendedQueryHandler, SimpleQueryHandler},
        results::{FieldInfo, QueryResponse, Response, Tag},
        stmt::QueryParser,
        store::{Entry, PortalStore},
    },
    error::{ErrorInfo, PgWireError, PgWireResult},
    messages::{
        PgWireBackendMessage, PgWireFrontendMessage,
        data::{NoData, ParameterDescription},
        extendedquery::{Describe, Sync as SyncMessage, TARGET_TYPE_BYTE_STATEMENT},
        response::NoticeResponse,
    },
};
use tokio::net::TcpStream;

use crate::{
    engine::{Database, Outcome},
    failure::Failure,
    tokens::Dialect,
};
use session::{Answer, BlockChange, Session};
use statement::Statement;

/// As many rounds as PostgreSQL's own default.
const SCRAM_ITERATIONS: usize = 4096;

/// Serves one connection to its end.
///
/// # Errors
/// The connection broke, or no session can be opened.
pub(crate) async fn serve(
    socket: TcpStream,
    database: Arc<Database>,
    password: Arc<str>,
) -> std::io::Result<()> {
    let opened = tokio::task::spawn_blocking(move || database.open(Dialect::Postgres)).await?;
    let engine = opened.map_err(std::io::Error::other)?;
    let handler = Arc::new(Handler { session: Arc::new(Mutex::new(Session::new(engine))) });
    pgwire::tokio::process_socket(socket, None, Handlers { handler, password }).await
}

struct Handlers {
    handler: Arc<Handler>,
    password: Arc<str>,
}

impl PgWireServerHandlers for Handlers {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::clone(&self.handler)
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::clone(&self.handler)
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        let mut scram = ScramAuth::new(Arc::new(Logins { password: Arc::clone(&self.password) }));
        scram.set_iterations(SCRAM_ITERATIONS);
        let mut parameters = DefaultServerParameterProvider::default();
        crate::SERVER_VERSION_POSTGRES.clone_into(&mut parameters.server_version);
        "UTC".clone_into(&mut parameters.time_zone);
        "ISO, MDY".clone_into(&mut parameters.date_style);
        parameters.is_superuser = false;
        Arc::new(Startup {
            inner: SASLAuthStartupHandler::new(Arc::new(parameters)).with_scram(scram),
        })
    }
}

/// The one user with the one password.
struct Logins {
    password: Arc<str>,
}

impl Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}

#[async_trait]
impl AuthSource for Logins {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        if login.user() != Some(crate::USER) {
            let user = login.user().unwrap_or_default().to_owned();
            return Err(PgWireError::InvalidPassword(user));
        }
        let database = login.database().unwrap_or_default();
        if database != crate::DATABASE {
            let said = format!("database \"{database}\" does not exist");
            return Err(told("FATAL", &Failure::new("3D000", said)));
        }
        let salt = crate::random::<16>().map_err(PgWireError::IoError)?.to_vec();
        let salted = gen_salted_password(&self.password, &salt, SCRAM_ITERATIONS);
        Ok(Password::new(Some(salt), salted))
    }
}

/// Login, and then a word about what this is.
struct Startup {
    inner: SASLAuthStartupHandler<DefaultServerParameterProvider>,
}

#[async_trait]
impl StartupHandler for Startup {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.inner.on_startup(client, message).await?;
        if matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            let notice =
                ErrorInfo::new("NOTICE".to_owned(), "00000".to_owned(), crate::NOTICE.to_owned());
            let notice = NoticeResponse::from(notice);
            client.send(PgWireBackendMessage::NoticeResponse(notice)).await?;
        }
        Ok(())
    }
}

/// The session of a connection, for each kind of query.
#[derive(Clone)]
struct Handler {
    session: Arc<Mutex<Session>>,
}

impl Handler {
    /// Does something with the session where it may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> T + Send + 'static,
    ) -> PgWireResult<T> {
        let session = Arc::clone(&self.session);
        let done = tokio::task::spawn_blocking(move || {
            work(&mut session.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.map_err(|error| PgWireError::ApiError(Box::new(error)))
    }
}

fn info(severity: &str, failure: &Failure) -> ErrorInfo {
    let code = failure.sqlstate.to_owned();
    let mut info = ErrorInfo::new(severity.to_owned(), code, failure.message.clone());
    info.severity_nonlocalized = Some(severity.to_owned());
    info
}

fn told(severity: &str, failure: &Failure) -> PgWireError {
    PgWireError::UserError(Box::new(info(severity, failure)))
}

fn error(failure: &Failure) -> PgWireError {
    told("ERROR", failure)
}

/// What a statement gave, as the protocol tells it.
fn response(answer: Answer, format: &Format) -> Result<Response, Failure> {
    let Answer { outcome, tag, counted, block } = answer;
    let done = |changes: usize| {
        let plain = Tag::new(&tag);
        if counted { plain.with_rows(changes) } else { plain }
    };
    match block {
        BlockChange::Began => return Ok(Response::TransactionStart(done(0))),
        BlockChange::Ended => return Ok(Response::TransactionEnd(done(0))),
        BlockChange::Nothing => {}
    }
    let Outcome { columns, rows, changes, .. } = outcome;
    if columns.is_empty() {
        return Ok(Response::Execution(done(changes)));
    }
    let fields = Arc::new(encode::fields(&columns, format)?);
    let mut encoded = Vec::with_capacity(rows.len());
    for row in &rows {
        encoded.push(Ok(encode::row(row, &columns, format)?));
    }
    let mut query = QueryResponse::new(fields, stream::iter(encoded));
    query.set_command_tag(&tag);
    Ok(Response::Query(query))
}

#[async_trait]
impl SimpleQueryHandler for Handler {
    async fn do_query<C>(&self, _client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let text = query.to_owned();
        let (answers, failed) = self.with(move |session| session.simple(&text)).await?;
        let mut responses = Vec::new();
        for answer in answers {
            responses.push(response(answer, &Format::UnifiedText).map_err(|f| error(&f))?);
        }
        if let Some(failure) = failed {
            responses.push(Response::Error(Box::new(info("ERROR", &failure))));
        }
        if responses.is_empty() {
            responses.push(Response::EmptyQuery);
        }
        Ok(responses)
    }
}

#[async_trait]
impl QueryParser for Handler {
    type Statement = Arc<Statement>;

    async fn parse_sql<C>(
        &self,
        _client: &C,
        sql: &str,
        _types: &[Option<Type>],
    ) -> PgWireResult<Option<Self::Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let text = sql.to_owned();
        let read = self.with(move |session| session.prepare(&text)).await?;
        Ok(read.map_err(|failure| error(&failure))?.map(Arc::new))
    }

    fn get_parameter_types(&self, statement: &Self::Statement) -> PgWireResult<Vec<Type>> {
        Ok(statement.parameters.iter().map(|kind| encode::wire_type(*kind)).collect())
    }

    fn get_result_schema(
        &self,
        statement: &Self::Statement,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        let text = Format::UnifiedText;
        encode::fields(&statement.columns, format.unwrap_or(&text)).map_err(|f| error(&f))
    }
}

#[async_trait]
impl ExtendedQueryHandler for Handler {
    type Statement = Arc<Statement>;
    type QueryParser = Self;

    fn query_parser(&self) -> Arc<Self::QueryParser> {
        Arc::new(self.clone())
    }

    async fn do_query<C>(
        &self,
        _client: &mut C,
        portal: &Portal<Self::Statement>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let statement = Arc::clone(&portal.statement.statement);
        let values = encode::values(portal, &statement.parameters).map_err(|f| error(&f))?;
        let answer = self.with(move |session| session.execute(&statement, &values)).await?;
        let answer = answer.and_then(|answer| response(answer, &portal.result_column_format));
        answer.map_err(|failure| error(&failure))
    }

    /// A statement without columns is told as such, also where it has parameters.
    async fn on_describe<C>(&self, client: &mut C, message: Describe) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or_default();
        if message.target_type == TARGET_TYPE_BYTE_STATEMENT
            && let Some(Entry::Value(stored)) = client.portal_store().get_statement(name)
            && stored.statement.columns.is_empty()
        {
            let inferred = self.get_parameter_types(&stored.statement)?;
            let types = inferred.iter().enumerate().map(|(at, inferred)| {
                let named = stored.parameter_types.get(at).and_then(Option::as_ref);
                named.unwrap_or(inferred).oid()
            });
            let types = ParameterDescription::new(types.collect());
            client.feed(PgWireBackendMessage::ParameterDescription(types)).await?;
            client.feed(PgWireBackendMessage::NoData(NoData::new())).await?;
            return Ok(());
        }
        self._on_describe(client, message).await
    }

    /// The end of a pipeline ends its implicit transaction.
    async fn on_sync<C>(&self, client: &mut C, _message: SyncMessage) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let failed = matches!(client.state(), PgWireConnectionState::AwaitingSync);
        if let Some(failure) = self.with(move |session| session.end_message(failed)).await? {
            let told = info("ERROR", &failure).into();
            client.feed(PgWireBackendMessage::ErrorResponse(told)).await?;
        }
        client.portal_store().rm_portal("");
        pgwire::api::query::send_ready_for_query(client, client.transaction_status()).await
    }
}
