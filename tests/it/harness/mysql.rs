//! A MariaDB or MySQL of a test's own with Jurat in front of it, and the oracles that every test ends with: what
//! [`Shop`](super::Shop) is for PostgreSQL.

use std::sync::OnceLock;

use super::{
    Setup, canary,
    cluster::{PASSWORD as UPSTREAM_PASSWORD, UPSTREAM},
    jurat::{Home, Jurat, PASSWORD},
    mariadb::{Cli, Server},
    mysql_wire::MyWire,
    record::Records,
};

/// A server that nobody else uses, behind Jurat, and another one that is reached directly.
#[derive(Debug)]
pub(crate) struct MyShop {
    /// The server behind Jurat.
    pub(crate) server: Server,
    /// Another one with the same fixture, to show what a statement does when Jurat is not there. It is
    /// started when it is first asked for.
    twin: OnceLock<Server>,
    pub(crate) jurat: Jurat,
    /// What both servers have besides the fixture.
    objects: &'static str,
}

impl MyShop {
    /// A shop with the policies that ship, in production. Nothing where there is no server.
    pub(crate) fn usual() -> Option<Self> {
        Self::open(Setup::mariadb())
    }

    pub(crate) fn open(setup: Setup) -> Option<Self> {
        Some(Self::in_front(Server::start()?, setup))
    }

    /// A shop in front of a server that was started before, for a test that needs to know its port.
    pub(crate) fn in_front(server: Server, setup: Setup) -> Self {
        if !setup.objects.is_empty() {
            let made = server.admin().run(setup.objects);
            assert!(made.status.success(), "objects: {made:?}");
        }
        let home = Home::new(&setup, server.port, "shop");
        let jurat = Jurat::start(home, &setup);
        Self { server, twin: OnceLock::new(), jurat, objects: setup.objects }
    }

    /// The command line client through Jurat.
    pub(crate) fn cli(&self, user: &str) -> Cli {
        self.server.cli(self.jurat.port, user, PASSWORD)
    }

    /// The twin, with the same objects.
    pub(crate) fn twin(&self) -> &Server {
        self.twin.get_or_init(|| {
            let twin = Server::start().expect("it has started before");
            if !self.objects.is_empty() {
                let made = twin.admin().run(self.objects);
                assert!(made.status.success(), "objects: {made:?}");
            }
            twin
        })
    }

    /// The command line client past Jurat, at the twin.
    pub(crate) fn direct(&self) -> Cli {
        self.twin().direct()
    }

    /// The command line client past Jurat, at the database behind it, to look at what became of it.
    pub(crate) fn inspector(&self) -> Cli {
        self.server.admin()
    }

    /// One number out of the database behind Jurat.
    pub(crate) fn count(&self, query: &str) -> u64 {
        self.inspector().rows(query)[0][0].parse().unwrap()
    }

    /// A session through Jurat by hand.
    pub(crate) fn wire(&self, user: &str) -> MyWire {
        MyWire::log_in(self.jurat.port, user, PASSWORD, Some("shop"))
            .unwrap_or_else(|error| panic!("no session: {error:?}\n{}", self.jurat.log()))
    }

    /// A session past Jurat by hand, at the twin.
    pub(crate) fn direct_wire(&self) -> MyWire {
        MyWire::log_in(self.twin().port, UPSTREAM, UPSTREAM_PASSWORD, Some("shop")).unwrap()
    }

    /// The record so far.
    pub(crate) fn records(&self) -> Records {
        Records::read(&self.jurat.home.path("audit"))
    }

    /// Ends everything in order and asks the oracles: the record verifies, it accounts for everything that
    /// MariaDB ran, and neither it nor the log holds a protected value.
    pub(crate) fn close(mut self) -> Records {
        self.jurat.stop();
        let verified = self.jurat.home.verify();
        assert!(verified.status.success(), "jurat audit verify: {verified:?}");
        let records = self.records();
        let accounted = records.account_for(&self.server.witnessed());
        assert_eq!(accounted, Ok(()));
        for place in ["audit", "stderr.log"] {
            assert_eq!(canary::find_below(&self.jurat.home.path(place)), None);
        }
        records
    }
}
