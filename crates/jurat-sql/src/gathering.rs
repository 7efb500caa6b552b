//! Whether one value of a result may hold several values of the same column.
//!
//! Who counts the values of a column that leave by counting cells has to know that. It is looked for where lineage,
//! which names each column once, cannot tell: functions that collect rows, values of other rows in one expression, a
//! relation that is read twice. It is `true` where it is not certain.

/// Functions whose result can hold the values of many rows.
const COLLECT: &[&str] = &[
    "array_agg",
    "group_concat",
    "json_agg",
    "json_agg_strict",
    "json_arrayagg",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "json_object_agg_unique_strict",
    "json_objectagg",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "st_collect",
    "string_agg",
    "xmlagg",
];

/// Functions that give one value of another row, or of a group.
const PICK: &[&str] = &[
    "any_value",
    "bool_and",
    "bool_or",
    "every",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "max",
    "median",
    "min",
    "mode",
    "nth_value",
];

/// Functions that make one number of a group. Of a computed number (`id * 1000 + pin`) many can be read out of it.
const FOLD: &[&str] = &[
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// What was met so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathering {
    certain: bool,
    /// Values of other rows in the result column that is walked now.
    in_item: usize,
    /// The same in the whole statement.
    in_all: usize,
    selects: usize,
    /// Whether the argument that was walked last is a column as it is.
    pub(crate) plain: bool,
    ctes: Vec<String>,
}

impl Gathering {
    /// Whether one value of the result may hold several values of the same column.
    pub(crate) const fn found(&self) -> bool {
        // A query around another can put two of its values into one.
        self.certain || (self.in_all > 1 && self.selects > 1)
    }

    /// It may.
    pub(crate) const fn note(&mut self) {
        self.certain = true;
    }

    /// One more SELECT was met.
    pub(crate) const fn select(&mut self) {
        self.selects = self.selects.saturating_add(1);
    }

    /// A result column begins. Gives back what [`Self::item_ends`] wants.
    pub(crate) const fn item_begins(&mut self) -> usize {
        std::mem::replace(&mut self.in_item, 0)
    }

    /// A result column ends.
    pub(crate) const fn item_ends(&mut self, before: usize) {
        self.in_item = before;
    }

    /// The name of a WITH query is used.
    pub(crate) fn cte(&mut self, name: &str) {
        if self.ctes.iter().any(|known| known == name) {
            self.certain = true;
        } else {
            self.ctes.push(name.to_owned());
        }
    }

    /// The definition of a view is read.
    pub(crate) const fn view(&mut self, inside: &Self) {
        self.certain |= inside.certain;
        self.in_all = self.in_all.saturating_add(inside.in_all);
        self.selects = self.selects.saturating_add(inside.selects);
    }

    /// A function was called, with so many arguments, `own` being one of the server's own.
    pub(crate) fn call(&mut self, name: &str, n_arguments: usize, own: bool, over: bool) {
        let among = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        if !own || among(COLLECT) {
            self.certain = true;
        } else if among(PICK) || among(FOLD) {
            self.in_item = self.in_item.saturating_add(1);
            self.in_all = self.in_all.saturating_add(1);
            let computed = n_arguments != 1 || !self.plain;
            self.certain |= over || self.in_item > 1 || (computed && among(FOLD));
        }
    }
}
