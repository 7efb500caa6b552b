//! Synthetic intents. A new revision is evaluated over them by both engines before it is put in force.

use std::{collections::BTreeMap, sync::Arc};

use jurat_types::{
    Access, Actual, Auth, AuthMethod, Claimed, ColumnMode, ColumnRole, ColumnUse, Delegator,
    Engine, Estimate, FunctionClass, FunctionUse, Intent, OutputColumn, OutputMode, Parameters,
    PolicyRef, Principal, PrincipalKind, Protocol, RelationUse, SessionFacts, SessionTotals, Stage,
    StatementClass, StatementFacts, Target, TimeFacts, VERSION, Via,
};

/// Kinds of statements, with their families, as `jurat-sql` names them.
const KINDS: &[(&str, StatementClass)] = &[
    ("select", StatementClass::Read),
    ("insert", StatementClass::Write),
    ("update", StatementClass::Write),
    ("delete", StatementClass::Write),
    ("create_table", StatementClass::Ddl),
    ("drop_table", StatementClass::Ddl),
    ("truncate", StatementClass::Ddl),
    ("grant", StatementClass::Dcl),
    ("begin", StatementClass::Transaction),
    ("set", StatementClass::Session),
    ("vacuum", StatementClass::Admin),
    ("do", StatementClass::Unknown),
    ("unparsed", StatementClass::Unknown),
];

/// One intent per kind of statement, over changing principals, environments and details, and one
/// for the session stage of each principal.
pub(crate) fn intents() -> Vec<Intent> {
    let principals = [PrincipalKind::Person, PrincipalKind::Agent, PrincipalKind::Service];
    let mut intents = Vec::new();
    for (at, (kind, class)) in KINDS.iter().enumerate() {
        for (turn, principal) in principals.iter().enumerate().take(2) {
            let mut intent = intent(principal_of(*principal), at % 2 == turn);
            intent.statement = Some(statement(kind, *class, at + turn));
            intents.push(intent);
        }
    }
    for principal in principals {
        let mut intent = intent(principal_of(principal), true);
        intent.stage = Stage::Session;
        intents.push(intent);
    }
    intents
}

fn principal_of(kind: PrincipalKind) -> Principal {
    let agent = kind == PrincipalKind::Agent;
    Principal {
        id: "sample@jurat.example".to_owned(),
        kind,
        groups: if agent { Vec::new() } else { vec!["dba".to_owned(), "staff".to_owned()] },
        attributes: BTreeMap::new(),
        auth: Auth { method: AuthMethod::Scram, issuer: None, mfa: !agent },
        on_behalf_of: agent.then(|| Delegator {
            id: "human@jurat.example".to_owned(),
            groups: vec!["staff".to_owned()],
        }),
        delegation: Vec::new(),
    }
}

fn intent(principal: Principal, production: bool) -> Intent {
    Intent {
        version: VERSION.to_owned(),
        stage: Stage::Statement,
        request_id: "00000000-0000-7000-8000-000000000000".to_owned(),
        time: TimeFacts {
            now_ns: 1_700_000_000_000_000_000,
            rfc3339: "2023-11-14T22:13:20Z".to_owned(),
            weekday: "Tuesday".to_owned(),
            hour: 22,
            tz: "UTC".to_owned(),
        },
        principal,
        claimed: Claimed { application: Some("psql".to_owned()), ..Claimed::default() },
        session: SessionFacts {
            id: "00000000-0000-7000-8000-000000000001".to_owned(),
            client_addr: "192.0.2.1:50000".to_owned(),
            tls: true,
            started_ns: 1_700_000_000_000_000_000,
            in_transaction: false,
            read_only: false,
            totals: SessionTotals::default(),
            freeze: None,
            replication: None,
        },
        target: Target {
            name: "shop".to_owned(),
            engine: Engine::Postgres,
            version: "15.0".to_owned(),
            database: "shop".to_owned(),
            environment: if production { "production" } else { "staging" }.to_owned(),
            labels: BTreeMap::new(),
            upstream_user: "jurat".to_owned(),
        },
        statement: None,
        approvals: Vec::new(),
        policy: PolicyRef { revision: "sha256:0".to_owned() },
    }
}

fn statement(kind: &str, class: StatementClass, turn: usize) -> StatementFacts {
    let parsed = kind != "unparsed";
    let odd = turn % 2 == 1;
    let touches = parsed && !matches!(class, StatementClass::Transaction | StatementClass::Session);
    StatementFacts {
        parsed,
        unparsed_reason: (!parsed).then(|| "sample".to_owned()),
        protocol: if odd { Protocol::Extended } else { Protocol::Simple },
        index: 0,
        count: if odd { 2 } else { 1 },
        kind: kind.to_owned(),
        class,
        text: format!("{kind} sample"),
        fingerprint: "0123456789abcdef".to_owned(),
        sha256: "0".repeat(64),
        has_where: odd,
        where_always_true: turn.is_multiple_of(3),
        limit: odd.then_some(10),
        returning: false,
        executes: true,
        data_modifying_cte: false,
        dynamic_sql: kind == "do",
        relations: if touches { relations(class, odd).into() } else { [].into() },
        columns: if touches { columns().into() } else { [].into() },
        outputs: if touches { outputs() } else { [].into() },
        functions: if touches { functions(turn).into() } else { [].into() },
        settings_kept: Vec::new(),
        settings: if kind == "set" { vec!["role".to_owned()] } else { Vec::new() },
        unresolved: Vec::new(),
        parameters: Parameters::default(),
        estimate: Estimate { rows: None, source: "none".to_owned(), total: None },
        actual: Actual::default(),
    }
}

fn relations(class: StatementClass, odd: bool) -> Vec<RelationUse> {
    let access = match class {
        StatementClass::Ddl | StatementClass::Dcl | StatementClass::Admin => Access::Ddl,
        StatementClass::Write => Access::Write,
        StatementClass::Read
        | StatementClass::Session
        | StatementClass::Transaction
        | StatementClass::Unknown => Access::Read,
    };
    let relation = |schema: &str, name: &str, access, labels: &[&str]| RelationUse {
        id: format!("{schema}.{name}"),
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind: "table".to_owned(),
        access,
        via: Via::Direct,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let mut relations = vec![relation("public", "customers", access, &["tenant"])];
    if odd {
        relations.push(relation("pg_catalog", "pg_authid", Access::Read, &["secret"]));
    }
    relations
}

fn columns() -> Vec<ColumnUse> {
    [
        ("id", ColumnRole::Output, ColumnMode::Direct, None),
        ("email", ColumnRole::Output, ColumnMode::Direct, Some("pii.email")),
        ("card", ColumnRole::Predicate, ColumnMode::Derived, Some("pci.card")),
    ]
    .into_iter()
    .map(|(name, role, mode, label)| ColumnUse {
        id: format!("public.customers.{name}"),
        relation: "public.customers".to_owned(),
        name: name.to_owned(),
        role,
        mode,
        via: Via::Direct,
        labels: label.into_iter().map(str::to_owned).collect(),
    })
    .collect()
}

fn outputs() -> Arc<[OutputColumn]> {
    [OutputColumn {
        name: "mail".to_owned(),
        mode: OutputMode::Direct,
        columns: vec!["public.customers.email".to_owned()],
    }]
    .into()
}

fn functions(turn: usize) -> Vec<FunctionUse> {
    let function = |id: &str, class| FunctionUse { id: id.to_owned(), class, labels: Vec::new() };
    let mut functions = vec![function("pg_catalog.lower", FunctionClass::Pure)];
    match turn % 4 {
        0 => functions.push(function("pg_catalog.pg_read_file", FunctionClass::File)),
        1 => functions.push(function("public.own", FunctionClass::Unknown)),
        2 => functions.push(function("pg_catalog.set_config", FunctionClass::Settings)),
        _ => {}
    }
    functions
}
