//! The server: `opensrv-mysql` with answers that the samples say.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use async_trait::async_trait;
use jurat_wire::mysql::column_type::ColumnType;
use opensrv_mysql::{
    AsyncMysqlIntermediary, AsyncMysqlShim, Column, ErrorKind, InitWriter, OkResponse, ParamParser,
    ParamValue, QueryResultWriter, StatementMetaWriter, StatusFlags, ValueInner, to_naive_datetime,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    runtime::Runtime,
};

use super::samples::{Given, column, samples};

/// The statement that gives its parameters back.
pub(crate) const ECHO: u32 = 7;
/// The statement that gives the samples.
pub(crate) const TYPES: u32 = 0xffff_fffe;
pub(crate) const SALT: &[u8; 20] = b"ABCDEFGHIJKLMNOPQRST";
pub(crate) const MANY: u64 = 1000;

/// What proves the password here: the salt that was read, changed.
pub(crate) fn proof(salt: &[u8]) -> Vec<u8> {
    salt.iter().map(|byte| byte ^ 0xc3).collect()
}

/// A server for as many connections as come; it ends with the value.
pub(crate) struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    /// Starts. With `cut` the socket is closed after so many bytes of the server.
    pub(crate) fn start(cut: Option<u64>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((socket, _peer)) = listener.accept().await {
                tokio::spawn(serve(socket, cut));
            }
        });
        Self { address, _runtime: runtime }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        // Nothing here waits so long; a test that would hang fails.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
}

async fn serve(socket: tokio::net::TcpStream, cut: Option<u64>) -> io::Result<()> {
    let (reader, mut writer) = socket.into_split();
    let (out, mut relayed) = tokio::io::duplex(1 << 16);
    let relay = async {
        let mut taken = (&mut relayed).take(cut.unwrap_or(u64::MAX));
        tokio::io::copy(&mut taken, &mut writer).await?;
        writer.shutdown().await
    };
    tokio::pin!(relay);
    let server = AsyncMysqlIntermediary::run_on(Shim, reader, out);
    // Where the relay stops first, the server has nobody to speak to any more.
    tokio::select! {
        biased;
        ended = &mut relay => return ended,
        _ended = server => {}
    }
    relay.await
}

struct Shim;

fn columns() -> Vec<Column> {
    let samples = samples();
    let numbered = samples.iter().enumerate();
    numbered.map(|(place, sample)| column(place, sample.kind, sample.unsigned)).collect()
}

/// All values; NULL only; and every other value NULL.
async fn types<W: AsyncWrite + Send + Unpin>(results: QueryResultWriter<'_, W>) -> io::Result<()> {
    let columns = columns();
    let given: Vec<Given> = samples().into_iter().map(|sample| sample.given).collect();
    let null = vec![Given::Null; given.len()];
    let every_other = given
        .iter()
        .enumerate()
        .map(|(place, given)| if place % 2 == 0 { Given::Null } else { given.clone() });
    let every_other: Vec<Given> = every_other.collect();
    let mut writer = results.start(&columns).await?;
    for row in [&given, &null, &every_other] {
        // Not by reference: opensrv-mysql does not see that what it borrows is NULL.
        writer.write_row(row.iter().cloned()).await?;
    }
    writer.finish().await
}

/// A parameter as it was read, to be written again.
fn reread(parameter: ParamValue<'_>) -> (ColumnType, bool, Given) {
    let kind = ColumnType::from_byte(parameter.coltype as u8).unwrap();
    let (unsigned, given) = match parameter.value.into_inner() {
        ValueInner::NULL => (false, Given::Null),
        ValueInner::Bytes(bytes) => (false, Given::Bytes(bytes.to_vec())),
        ValueInner::Int(number) => (false, Given::Int(number.try_into().unwrap())),
        ValueInner::UInt(number) => (true, Given::UInt(number.try_into().unwrap())),
        ValueInner::Double(number) if kind == ColumnType::Float => {
            (false, Given::Float(number.to_string().parse().unwrap()))
        }
        ValueInner::Double(number) => (false, Given::Double(number)),
        ValueInner::Date(_) => (false, Given::Date(parameter.value.into())),
        ValueInner::Datetime(_) => {
            (false, Given::DateTime(to_naive_datetime(parameter.value).unwrap()))
        }
        ValueInner::Time(bytes) => {
            // opensrv-mysql's own conversion reads the microseconds and forgets them.
            let micros = bytes.get(8..).and_then(<[u8]>::first_chunk);
            let micros =
                Duration::from_micros(u32::from_le_bytes(*micros.unwrap_or(&[0; 4])).into());
            let seconds = Duration::from(parameter.value).as_secs();
            (false, Given::Time(Duration::from_secs(seconds) + micros))
        }
    };
    (kind, unsigned, given)
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> AsyncMysqlShim<W> for Shim {
    type Error = io::Error;

    fn version(&self) -> String {
        "8.0.99-opensrv".to_owned()
    }

    fn connect_id(&self) -> u32 {
        0xfedc_ba98
    }

    fn salt(&self) -> [u8; 20] {
        *SALT
    }

    async fn authenticate(&self, plugin: &str, user: &[u8], salt: &[u8], auth: &[u8]) -> bool {
        plugin == "mysql_native_password" && user == "zoë".as_bytes() && auth == proof(salt)
    }

    async fn on_prepare<'a>(
        &'a mut self,
        query: &'a str,
        info: StatementMetaWriter<'a, W>,
    ) -> io::Result<()> {
        match query {
            "echo" => info.reply(ECHO, &columns(), &[]).await,
            "types" => info.reply(TYPES, &[], &columns()).await,
            _ => info.error(ErrorKind::ER_PARSE_ERROR, b"not to be prepared".as_slice()).await,
        }
    }

    async fn on_execute<'a>(
        &'a mut self,
        id: u32,
        params: ParamParser<'a>,
        results: QueryResultWriter<'a, W>,
    ) -> io::Result<()> {
        if id == TYPES {
            return types(results).await;
        }
        let read: Vec<_> = params.into_iter().map(reread).collect();
        let columns: Vec<Column> = (0..)
            .zip(&read)
            .map(|(place, (kind, unsigned, _))| column(place, *kind, *unsigned))
            .collect();
        let mut writer = results.start(&columns).await?;
        writer.write_row(read.iter().map(|(_, _, given)| given.clone())).await?;
        writer.finish().await
    }

    async fn on_close<'a>(&'a mut self, _statement: u32)
    where
        W: 'async_trait,
    {
    }

    async fn on_query<'a>(
        &'a mut self,
        query: &'a str,
        results: QueryResultWriter<'a, W>,
    ) -> io::Result<()> {
        let number = [column(0, ColumnType::LongLong, true)];
        match query {
            "types" => types(results).await,
            "many" | "interrupted" | "nothing" => {
                let rows = if query == "nothing" { 0 } else { MANY };
                let mut writer = results.start(&number).await?;
                for row in 0..rows {
                    writer.write_row([row]).await?;
                }
                if query == "interrupted" {
                    let said = b"interrupted".as_slice();
                    return writer.finish_error(ErrorKind::ER_QUERY_INTERRUPTED, &said).await;
                }
                writer.finish().await
            }
            "two" => {
                let mut first = results.start(&number).await?;
                first.write_row([1_u64]).await?;
                let mut second = first.finish_one().await?.start(&number).await?;
                second.write_row([2_u64]).await?;
                second.finish().await
            }
            "changed" => {
                let ok = OkResponse {
                    affected_rows: 300,
                    last_insert_id: 70_000,
                    status_flags: StatusFlags::SERVER_STATUS_IN_TRANS
                        | StatusFlags::SERVER_STATUS_AUTOCOMMIT,
                    ..OkResponse::default()
                };
                results.completed(ok).await
            }
            _ => results.error(ErrorKind::ER_PARSE_ERROR, query.as_bytes()).await,
        }
    }

    async fn on_init<'a>(&'a mut self, name: &'a str, writer: InitWriter<'a, W>) -> io::Result<()> {
        if name == "shop" {
            return writer.ok().await;
        }
        writer.error(ErrorKind::ER_BAD_DB_ERROR, name.as_bytes()).await
    }
}
