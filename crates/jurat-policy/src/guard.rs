//! Built-ins of the register machine whose failures count.
//!
//! The machine takes a failing built-in inside a rule for "undefined" (regorus 0.14.1, `rvm/vm/rules.rs`),
//! so that a denial would silently not fire. Each built-in is therefore called through a function
//! that notes the failure, and an evaluation with a noted failure is a failed evaluation.

use std::cell::Cell;

use regorus::{
    Value,
    rvm::Program,
    unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Span},
};

use crate::builtins::ALLOWED;

thread_local! {
    static FAILED: Cell<bool> = const { Cell::new(false) };
}

/// Runs an evaluation and says whether a built-in failed in it.
pub(crate) fn watched<T>(run: impl FnOnce() -> T) -> (T, bool) {
    FAILED.set(false);
    let value = run();
    (value, FAILED.get())
}

/// Replaces the built-ins of a program.
///
/// # Errors
/// The name of a built-in that may not be called; the loader has refused it before.
pub(crate) fn install(program: &mut Program) -> Result<(), String> {
    let mut guarded: Vec<BuiltinFcn> = Vec::with_capacity(program.builtin_info_table.len());
    for info in &program.builtin_info_table {
        let at = ALLOWED.iter().position(|name| *name == info.name);
        let call = at.and_then(|at| TABLE.get(at)).ok_or_else(|| info.name.clone())?;
        let arity = u8::try_from(info.num_args).map_err(|_too_many| info.name.clone())?;
        guarded.push((*call, arity));
    }
    program.resolved_builtins = guarded;
    Ok(())
}

type Call = fn(&Span, &[Ref<Expr>], &[Value], bool) -> anyhow::Result<Value>;

/// Calls the built-in at a place of [`ALLOWED`], strictly, whatever the machine is set to.
fn guarded<const AT: usize>(
    span: &Span,
    parameters: &[Ref<Expr>],
    arguments: &[Value],
    _strict: bool,
) -> anyhow::Result<Value> {
    let builtin = ALLOWED.get(AT).and_then(|name| BUILTINS.get(name));
    let result = match builtin {
        Some((call, _)) => call(span, parameters, arguments, true),
        None => Err(anyhow::anyhow!("no such built-in")),
    };
    if result.is_err() {
        FAILED.set(true);
    }
    result
}

macro_rules! table {
    ($($at:literal)*) => { [$(guarded::<$at>),*] };
}

/// One function per place: a function pointer cannot carry the place itself.
#[rustfmt::skip]
const TABLE: [Call; ALLOWED.len()] = table![
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19
    20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
    40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59
    60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79
    80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98
];
