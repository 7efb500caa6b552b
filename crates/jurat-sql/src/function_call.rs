//! A call of a function by its number, which the protocol has beside SQL.

use jurat_types::{
    Actual, Engine, Estimate, FunctionClass, FunctionUse, Parameters, Protocol, StatementClass,
    StatementFacts,
};

use crate::catalog_index::CatalogIndex;
use crate::limits::ReadLimits;
use crate::redact;
use crate::statement::{KeptTree, NameContext, Parsed, SearchPath, SessionEffect, Statement};

/// The large-object functions, which is what libpq calls in this way. Their numbers are part of
/// PostgreSQL's initial catalog (`src/include/catalog/pg_proc.dat`) and the same in all versions.
const LARGE_OBJECTS: [(u32, &str); 20] = [
    (715, "lo_create"),
    (764, "lo_import"),
    (765, "lo_export"),
    (767, "lo_import"),
    (952, "lo_open"),
    (953, "lo_close"),
    (954, "loread"),
    (955, "lowrite"),
    (956, "lo_lseek"),
    (957, "lo_creat"),
    (958, "lo_tell"),
    (964, "lo_unlink"),
    (1004, "lo_truncate"),
    (3170, "lo_lseek64"),
    (3171, "lo_tell64"),
    (3172, "lo_truncate64"),
    (3457, "lo_from_bytea"),
    (3458, "lo_get"),
    (3459, "lo_get"),
    (3460, "lo_put"),
];

/// The statement that stands for a call. Of a function other than those for large objects only the number
/// is known, so it may do anything, run SQL that it is given as text included.
pub fn function_call(oid: u32, arguments: usize, catalog: &CatalogIndex) -> Statement {
    let known = LARGE_OBJECTS.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    let (id, class) = match known {
        Some(name) => (format!("pg_catalog.{name}"), FunctionClass::File),
        None => (format!("oid:{oid}"), FunctionClass::Unknown),
    };
    let text = format!("function call {oid}");
    let limits = ReadLimits::default();
    let facts = StatementFacts {
        parsed: true,
        unparsed_reason: None,
        protocol: Protocol::FunctionCall,
        index: 0,
        count: 1,
        kind: "function_call".to_owned(),
        class: StatementClass::Unknown,
        fingerprint: redact::fingerprint(&text, Engine::Postgres, &limits),
        sha256: redact::sha256(text.as_bytes()),
        has_where: false,
        where_always_true: false,
        limit: None,
        returning: false,
        executes: true,
        data_modifying_cte: false,
        dynamic_sql: known.is_none(),
        relations: [].into(),
        columns: [].into(),
        functions: [FunctionUse { id, class, labels: Vec::new() }].into(),
        outputs: [].into(),
        settings: Vec::new(),
        settings_kept: Vec::new(),
        unresolved: Vec::new(),
        parameters: Parameters { count: arguments, values: Vec::new() },
        estimate: Estimate { rows: None, source: "none".to_owned(), total: None },
        actual: Actual::default(),
        text: text.clone(),
    };
    Statement::Parsed(Parsed {
        facts,
        redacted: text.into(),
        effect: if known.is_some() { SessionEffect::None } else { SessionEffect::CatalogChanged },
        in_function: false,
        tree: KeptTree::new(None),
        names: NameContext { search_path: SearchPath::Unknown }.into(),
        catalog: catalog.clone(),
        limits,
        gathers: true,
    })
}

#[cfg(test)]
mod tests {
    use jurat_types::FunctionClass;

    use super::{CatalogIndex, function_call};

    #[test]
    fn only_functions_of_large_objects_are_known() {
        let catalog = CatalogIndex::new(jurat_types::Catalog::default());
        for (oid, id, class, dynamic) in [
            (952, "pg_catalog.lo_open", FunctionClass::File, false),
            (2311, "oid:2311", FunctionClass::Unknown, true),
            (u32::MAX, "oid:4294967295", FunctionClass::Unknown, true),
        ] {
            let call = function_call(oid, 2, &catalog);
            let facts = call.facts();
            assert_eq!((facts.functions[0].id.as_str(), facts.functions[0].class), (id, class));
            assert_eq!((facts.dynamic_sql, facts.parameters.count), (dynamic, 2));
        }
    }
}
