//! One case over both protocols: a shop, its sessions and their answers, without what the protocols call it.
//!
//! [`both!`](crate::harness::both!) makes two tests of a function that takes a [`Protocol`]: one in a module
//! `on_postgres`, and one in a module `on_mysql`. What is the same by construction needs no comparison of names.

use super::{
    MyError, MyShop, MyWire, Setup, Shop, Wire, canary, cluster::Witnessed, in_time, jurat::Jurat,
    jurat::PASSWORD, mysql_wire::MyResult, record::Records, wire::Reply,
};

/// Makes the tests of functions that take a protocol.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::harness::Protocol::Postgres).await;
            })*
        }
        mod on_mysql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::harness::Protocol::Mysql).await;
            })*
        }
    };
}

pub(crate) use both;

/// What a client speaks, and so which kind of server is behind Jurat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    Postgres,
    Mysql,
}

impl Protocol {
    /// The setup that is usual for it: the policies that ship, in production.
    pub(crate) fn setup(self) -> Setup {
        match self {
            Self::Postgres => Setup::default(),
            Self::Mysql => Setup::mariadb(),
        }
    }

    /// One of two things.
    pub(crate) fn either<T>(self, postgres: T, mysql: T) -> T {
        match self {
            Self::Postgres => postgres,
            Self::Mysql => mysql,
        }
    }

    /// A policy or a label as it is written here: relations are in `public`, or in the database `shop`.
    pub(crate) fn write(self, text: &str) -> String {
        text.replace("public.", self.either("public.", "shop."))
    }

    /// A session with a Jurat that listens there, or what the client is told instead.
    pub(crate) async fn log_in(
        self,
        port: u16,
        user: &str,
        database: &str,
    ) -> Result<Session, Failure> {
        match self {
            Self::Postgres => {
                let parameters = [("user", user), ("database", database)];
                match Wire::try_log_in(port, PASSWORD, &parameters).await {
                    Ok(wire) => Ok(Session::Postgres(wire)),
                    Err(report) => Err(Failure {
                        sqlstate: report.code().to_owned(),
                        message: report.message().to_owned(),
                    }),
                }
            }
            Self::Mysql => MyWire::log_in(port, user, PASSWORD, Some(database))
                .map(|wire| Session::Mysql(Box::new(wire)))
                .map_err(Failure::from),
        }
    }

    /// A shop. Nothing where there is no server.
    pub(crate) async fn open(self, setup: Setup) -> Option<AnyShop> {
        Some(match self {
            Self::Postgres => AnyShop::Postgres(Box::new(Shop::open(setup).await?)),
            Self::Mysql => AnyShop::Mysql(Box::new(MyShop::open(setup)?)),
        })
    }
}

/// A shop behind either protocol.
#[derive(Debug)]
pub(crate) enum AnyShop {
    Postgres(Box<Shop>),
    Mysql(Box<MyShop>),
}

impl AnyShop {
    pub(crate) fn jurat(&self) -> &Jurat {
        match self {
            Self::Postgres(shop) => &shop.jurat,
            Self::Mysql(shop) => &shop.jurat,
        }
    }

    pub(crate) fn jurat_mut(&mut self) -> &mut Jurat {
        match self {
            Self::Postgres(shop) => &mut shop.jurat,
            Self::Mysql(shop) => &mut shop.jurat,
        }
    }

    /// A session through Jurat, or what the client is told instead.
    pub(crate) async fn log_in(&self, user: &str) -> Result<Session, Failure> {
        self.log_in_to(user, "shop").await
    }

    /// The same, in another database of the configuration.
    pub(crate) async fn log_in_to(&self, user: &str, database: &str) -> Result<Session, Failure> {
        self.protocol().log_in(self.jurat().port, user, database).await
    }

    fn protocol(&self) -> Protocol {
        match self {
            Self::Postgres(_) => Protocol::Postgres,
            Self::Mysql(_) => Protocol::Mysql,
        }
    }

    /// The port of the server behind Jurat, and what it calls the database `shop`.
    pub(crate) fn behind(&self) -> (u16, &str) {
        match self {
            Self::Postgres(shop) => (shop.cluster.port, &shop.database),
            Self::Mysql(shop) => (shop.server.port, "shop"),
        }
    }

    /// What that server says it ran for Jurat, in order.
    pub(crate) async fn witnessed(&self) -> Vec<Witnessed> {
        match self {
            Self::Postgres(shop) => {
                shop.cluster.witnessed(std::slice::from_ref(&shop.database)).await
            }
            Self::Mysql(shop) => shop.server.witnessed(),
        }
    }

    /// A session through Jurat that must begin.
    pub(crate) async fn session(&self, user: &str) -> Session {
        match self.log_in(user).await {
            Ok(session) => session,
            Err(told) => panic!("no session: {told:?}\n{}", self.jurat().log()),
        }
    }

    /// A session past Jurat, in the twin.
    pub(crate) async fn direct(&self) -> Session {
        match self {
            Self::Postgres(shop) => Session::Postgres(shop.direct_wire().await),
            Self::Mysql(shop) => Session::Mysql(Box::new(shop.direct_wire())),
        }
    }

    /// One number out of the database behind Jurat.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        match self {
            Self::Postgres(shop) => shop.count(query).await,
            Self::Mysql(shop) => i64::try_from(shop.count(query)).unwrap(),
        }
    }

    /// Changes the database behind Jurat, past it.
    pub(crate) async fn change(&self, script: &str) {
        match self {
            Self::Postgres(shop) => shop.inspector().await.batch_execute(script).await.unwrap(),
            Self::Mysql(shop) => {
                let ran = shop.inspector().run(script);
                assert!(ran.status.success(), "{script}: {ran:?}");
            }
        }
    }

    pub(crate) fn records(&self) -> Records {
        match self {
            Self::Postgres(shop) => shop.records(),
            Self::Mysql(shop) => shop.records(),
        }
    }

    /// Ends everything in order and asks the oracles.
    pub(crate) async fn close(self) -> Records {
        match self {
            Self::Postgres(shop) => shop.close().await,
            Self::Mysql(shop) => shop.close(),
        }
    }
}

/// How a statement is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    Text,
    /// In the extended protocol, or by `COM_STMT_PREPARE` and `COM_STMT_EXECUTE`.
    Prepared,
}

/// Both of them.
pub(crate) const WAYS: [Way; 2] = [Way::Text, Way::Prepared];

/// A session by hand.
#[derive(Debug)]
pub(crate) enum Session {
    Postgres(Wire),
    Mysql(Box<MyWire>),
}

/// What an error told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Failure {
    pub(crate) sqlstate: String,
    pub(crate) message: String,
}

impl Failure {
    /// Whether Jurat refused the statement because of a policy.
    pub(crate) fn is_denial(&self) -> bool {
        ["42501", "42000"].contains(&self.sqlstate.as_str()) && self.message.starts_with("jurat ")
    }
}

impl From<MyError> for Failure {
    fn from(error: MyError) -> Self {
        Self { sqlstate: error.sqlstate, message: error.message }
    }
}

/// What came back for one statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// Rows that were changed, of the last statement.
    pub(crate) affected: u64,
    pub(crate) failure: Option<Failure>,
}

impl Answer {
    /// The answer of a statement that must work.
    pub(crate) fn worked(self, text: &str) -> Self {
        assert_eq!(self.failure, None, "{text}");
        self
    }

    /// What is told of it, "00000" where it worked.
    pub(crate) fn sqlstate(&self) -> &str {
        self.failure.as_ref().map_or("00000", |failure| &failure.sqlstate)
    }

    /// What is told of a statement that must not work.
    pub(crate) fn failed(self, text: &str) -> Failure {
        self.failure.unwrap_or_else(|| panic!("{text} ran: {:?}", self.rows))
    }

    /// What is told of a statement that policy must refuse.
    pub(crate) fn denied(self, text: &str) -> Failure {
        let failure = self.failed(text);
        assert!(failure.is_denial(), "{text}: {failure:?}");
        failure
    }

    /// The first value of the first row.
    pub(crate) fn value(&self) -> &str {
        match self.rows.first().and_then(|row| row.first()) {
            Some(Some(value)) => value,
            other => panic!("{other:?} instead of a value in {self:?}"),
        }
    }
}

impl Session {
    /// Runs a statement, or several, and takes the answer.
    pub(crate) async fn run(&mut self, text: &str, way: Way) -> Answer {
        match self {
            Self::Postgres(wire) => of_postgres(&match way {
                Way::Text => wire.run(text).await,
                Way::Prepared => wire.run_extended(text, 0).await,
            }),
            Self::Mysql(wire) => of_mysql(match way {
                Way::Text => wire.query(text),
                Way::Prepared => {
                    wire.prepare(text).and_then(|statement| wire.execute(statement, &[]))
                }
            }),
        }
    }

    /// Runs a prepared statement with values for `$1`, `$2`, …, which stand in it in that order.
    pub(crate) async fn bound(&mut self, text: &str, values: &[Option<&str>]) -> Answer {
        match self {
            Self::Postgres(wire) => {
                wire.parse("", text).bind_texts(values).execute("").sync();
                of_postgres(&wire.answer().await)
            }
            Self::Mysql(wire) => {
                let numbered = (1..=values.len()).rev();
                let text =
                    numbered.fold(text.to_owned(), |text, n| text.replace(&format!("${n}"), "?"));
                of_mysql(wire.prepare(&text).and_then(|statement| wire.execute(statement, values)))
            }
        }
    }

    /// Runs a text, whatever comes of it.
    pub(crate) async fn try_one(&mut self, text: &str) -> Answer {
        self.run(text, Way::Text).await
    }

    /// A text that must work.
    pub(crate) async fn one(&mut self, text: &str) -> Answer {
        self.run(text, Way::Text).await.worked(text)
    }

    /// The first value of a text that must work.
    pub(crate) async fn value(&mut self, text: &str) -> String {
        self.one(text).await.value().to_owned()
    }

    /// Every byte that came.
    pub(crate) fn received(&self) -> &[u8] {
        match self {
            Self::Postgres(wire) => &wire.received,
            Self::Mysql(wire) => &wire.received,
        }
    }

    /// The first protected value in what came.
    pub(crate) fn leaked(&self) -> Option<String> {
        canary::find(self.received())
    }

    /// Waits until the other side has closed the connection, whatever it says before.
    pub(crate) async fn ended(&mut self) {
        match self {
            Self::Postgres(wire) => {
                while in_time("the end of the session", wire.message()).await.is_some() {}
            }
            Self::Mysql(wire) => assert!(wire.is_closed()),
        }
    }

    /// Whether the other side has closed the connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        match self {
            Self::Postgres(wire) => wire.is_closed().await,
            Self::Mysql(wire) => wire.is_closed(),
        }
    }
}

fn of_postgres(reply: &Reply) -> Answer {
    let failure = reply.error().map(|report| Failure {
        sqlstate: report.code().to_owned(),
        message: report.message().to_owned(),
    });
    let tag = reply.tag();
    let affected = tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    Answer { rows: reply.rows(), affected, failure }
}

fn of_mysql(said: Result<Vec<MyResult>, MyError>) -> Answer {
    match said {
        Ok(results) => Answer {
            affected: results.last().map_or(0, |result| result.affected),
            rows: results.into_iter().flat_map(|result| result.rows).collect(),
            failure: None,
        },
        Err(error) => Answer { failure: Some(error.into()), ..Answer::default() },
    }
}
