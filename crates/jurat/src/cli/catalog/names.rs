//! What names and types say about a column: the rules that propose labels, and how a name is taken apart.

use jurat_types::{Column, Relation, RelationName};

use self::Family::{Bytes, Choice, Date, Document, Hardware, Network, Number, Text, Uuid};

/// A label that a name or a type suggests, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Suggestion {
    pub(super) label: &'static str,
    pub(super) why: String,
}

/// What kind of values a type has, as far as the rules care.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    Text,
    Number,
    Date,
    /// An address of a host; a network is none.
    Network,
    /// An address of a network card.
    Hardware,
    Document,
    Bytes,
    Uuid,
    /// Enumerations and everything else that is not known here.
    Choice,
    Boolean,
}

/// Columns of these types with one of these names have this label. A name is one or more words.
struct Rule {
    label: &'static str,
    families: &'static [Family],
    names: &'static [&'static str],
}

/// The first rule that fits counts, so narrow rules come first. English, and other languages where a word
/// means nothing else.
const RULES: &[Rule] = &[
    Rule {
        label: "pii.email",
        families: &[Text, Document],
        names: &["email", "e mail", "mail", "emailaddress", "courriel", "correo"],
    },
    Rule {
        label: "pii.ip",
        families: &[Text, Network],
        names: &["ip", "ipv", "ipaddress", "ipaddr", "remote addr", "client addr"],
    },
    Rule {
        label: "pii.device",
        families: &[Text, Hardware],
        names: &["mac address", "mac addr", "macaddr", "imei", "imsi", "device id"],
    },
    Rule {
        label: "pii.ssn",
        families: &[Text, Number],
        names: &["ssn", "social security", "social security number"],
    },
    Rule {
        label: "pii.national_id",
        families: &[Text, Number],
        names: &[
            "national id",
            "national identifier",
            "passport",
            "tax id",
            "personalausweis",
            "steuer id",
            "drivers license",
            "driver license",
            "driving licence",
            "nino",
            "dni",
            "cpf",
            "pesel",
            "bsn",
            "codice fiscale",
            "reisepass",
        ],
    },
    Rule {
        label: "pii.birth_date",
        families: &[Date, Text, Number],
        names: &[
            "birth",
            "dob",
            "birthday",
            "birthdate",
            "dateofbirth",
            "geburtsdatum",
            "geburtstag",
            "naissance",
            "nacimiento",
            "nascita",
            "nascimento",
            "geboortedatum",
        ],
    },
    Rule {
        label: "pii.name",
        families: &[Text],
        names: &[
            "first name",
            "last name",
            "full name",
            "middle name",
            "given name",
            "family name",
            "maiden name",
            "surname",
            "firstname",
            "lastname",
            "fullname",
            "card holder",
            "cardholder",
            "vorname",
            "nachname",
            "prenom",
            "apellido",
            "apellidos",
            "cognome",
            "sobrenome",
            "achternaam",
            "nazwisko",
        ],
    },
    Rule {
        label: "pii.username",
        families: &[Text],
        names: &["username", "user name", "login name", "screen name"],
    },
    Rule {
        label: "pci.cvv",
        families: &[Text, Number],
        names: &["cvv", "cvc", "card security code", "card verification"],
    },
    Rule {
        label: "pci.card",
        families: &[Text, Number],
        names: &[
            "card number",
            "card no",
            "card num",
            "cardnumber",
            "creditcard",
            "cc number",
            "cc num",
            "ccnumber",
            "pan",
            "kartennummer",
        ],
    },
    // A number that is called `card` refers to a row.
    Rule { label: "pci.card", families: &[Text], names: &["card", "credit card", "debit card"] },
    Rule {
        label: "pii.bank_account",
        families: &[Text, Number],
        names: &[
            "iban",
            "account number",
            "account no",
            "accountnumber",
            "bank account",
            "routing number",
            "sort code",
            "kontonummer",
        ],
    },
    Rule {
        label: "pii.phone",
        families: &[Text, Number],
        names: &[
            "phone",
            "tel",
            "telephone",
            "mobile",
            "cellphone",
            "phonenumber",
            "fax",
            "telefon",
            "telefonnummer",
            "handynummer",
            "telefono",
            "telefone",
            "telefoon",
        ],
    },
    Rule {
        label: "pii.address",
        families: &[Text, Number, Document],
        names: &["zip", "zipcode", "postal", "postcode", "postal code", "plz", "codigo postal"],
    },
    Rule {
        label: "pii.address",
        families: &[Text, Document],
        names: &[
            "address",
            "street",
            "addr",
            "anschrift",
            "strasse",
            "adresse",
            "direccion",
            "indirizzo",
            "endereco",
        ],
    },
    Rule {
        label: "secret",
        families: &[Text, Bytes, Document],
        names: &[
            "password",
            "passwd",
            "pwd",
            "passphrase",
            "secret",
            "api key",
            "apikey",
            "access key",
            "private key",
            "credential",
            "credentials",
            "passwort",
            "kennwort",
            "mot de passe",
            "contrasena",
            "senha",
        ],
    },
    Rule { label: "secret", families: &[Text, Bytes, Document, Uuid], names: &["token"] },
    Rule {
        label: "pii.salary",
        families: &[Text, Number],
        names: &[
            "salary",
            "wage",
            "wages",
            "gehalt",
            "salaire",
            "salario",
            "sueldo",
            "stipendio",
            "salaris",
        ],
    },
    Rule {
        label: "pii.gender",
        families: &[Text, Choice, Number],
        names: &["gender", "sex", "geschlecht"],
    },
    Rule {
        label: "pii.special_category",
        families: &[Text, Choice, Document],
        names: &[
            "religion",
            "ethnicity",
            "ethnic origin",
            "sexual orientation",
            "diagnosis",
            "blood type",
            "disability",
            "political opinion",
            "trade union",
        ],
    },
];

/// Words behind a name with which the column is about the thing and is not the thing: `email_status`.
const ABOUT: &[&str] = &[
    "alerts",
    "attempts",
    "bounced",
    "brand",
    "changed",
    "check",
    "class",
    "confirmed",
    "count",
    "domain",
    "enabled",
    "expires",
    "expiry",
    "file",
    "first",
    "format",
    "frequency",
    "id",
    "ids",
    "index",
    "kind",
    "last",
    "length",
    "limit",
    "model",
    "network",
    "opt",
    "policy",
    "preference",
    "preferences",
    "provider",
    "result",
    "sent",
    "status",
    "subject",
    "template",
    "type",
    "uid",
    "updated",
    "uri",
    "url",
    "uuid",
    "verified",
    "version",
];

/// Relations whose `name` is that of a person.
const PEOPLE: &[&str] = &[
    "applicant",
    "author",
    "candidate",
    "client",
    "contact",
    "customer",
    "employee",
    "guest",
    "member",
    "patient",
    "people",
    "person",
    "student",
    "subscriber",
    "teacher",
    "user",
    "visitor",
    "kunde",
    "kunden",
    "mitarbeiter",
    "cliente",
    "persona",
];

/// Relations that are secret as a whole.
const SECRET_RELATIONS: &[&str] = &["credential", "password", "secret"];

/// The label that the name and the type of a column suggest.
pub(super) fn column(relation: &RelationName, column: &Column) -> Option<Suggestion> {
    let data_type = column.base_type.as_deref().unwrap_or(&column.data_type);
    let family = family(data_type);
    let words = words(&column.name);
    let rule = RULES.iter().find_map(|rule| {
        let name = rule.names.iter().find(|name| is_called(&words, name))?;
        rule.families.contains(&family).then(|| Suggestion {
            label: rule.label,
            why: format!("name matches \"{}\"", name.replace(' ', "_")),
        })
    });
    rule.or_else(|| persons_name(relation, &words, family)).or_else(|| by_type(family))
}

/// The label that the name of a relation suggests for it as a whole.
pub(super) fn relation(relation: &Relation) -> Option<Suggestion> {
    let words = words(&relation.name.name);
    let last = words.last()?;
    let name = SECRET_RELATIONS.iter().find(|name| is_or_are(last, name))?;
    Some(Suggestion { label: "secret", why: format!("name matches \"{name}\"") })
}

/// `name` is a person's where the relation is about people.
fn persons_name(relation: &RelationName, words: &[String], family: Family) -> Option<Suggestion> {
    let only_name = matches!(words, [name] if name == "name");
    let display = matches!(words, [display, name] if display == "display" && name == "name");
    // `user_groups` has groups: the last word says what the rows are.
    let relation_words = self::words(&relation.name);
    let last = relation_words.last()?;
    let person = PEOPLE.iter().find(|person| is_or_are(last, person))?;
    (family == Text && (only_name || display))
        .then(|| Suggestion { label: "pii.name", why: format!("\"name\" of \"{person}\"") })
}

/// Types that say enough by themselves.
fn by_type(family: Family) -> Option<Suggestion> {
    let (label, name) = match family {
        Network => ("pii.ip", "inet"),
        Hardware => ("pii.device", "macaddr"),
        Text | Number | Date | Document | Bytes | Uuid | Choice | Family::Boolean => return None,
    };
    Some(Suggestion { label, why: format!("type is {name}") })
}

/// Whether the words have those of `name` in a row, and nothing behind them says that the column is
/// something about it.
fn is_called(words: &[String], name: &str) -> bool {
    let wanted: Vec<&str> = name.split(' ').collect();
    let found = words.windows(wanted.len()).position(|window| {
        window.iter().zip(&wanted).all(|(word, wanted)| is_or_are(word, wanted))
    });
    let behind = found.and_then(|at| words.get(at.saturating_add(wanted.len())..));
    behind.is_some_and(|rest| !rest.iter().any(|word| ABOUT.contains(&word.as_str())))
}

/// One or several.
fn is_or_are(word: &str, wanted: &str) -> bool {
    let rest = word.strip_prefix(wanted);
    rest.is_some_and(|rest| matches!(rest, "" | "s" | "es"))
}

/// The words of a name, in lower case and without accents: `homeAddress2` has `home` and `address`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut rest = name.chars().peekable();
    let mut before = ' ';
    while let Some(character) = rest.next() {
        let next_is_small = rest.peek().is_some_and(|next| next.is_lowercase());
        let begins = character.is_uppercase()
            && (before.is_lowercase() || (before.is_uppercase() && next_is_small));
        if (begins || !character.is_alphabetic()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphabetic() {
            word.extend(character.to_lowercase().flat_map(without_accent));
        }
        before = character;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn without_accent(character: char) -> impl Iterator<Item = char> {
    let plain = match character {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ß' => "ss",
        _ => "",
    };
    plain.chars().chain(plain.is_empty().then_some(character))
}

/// The family of a type as `format_type` writes it; that of the elements for arrays.
pub(super) fn family(data_type: &str) -> Family {
    let element = data_type.trim_end_matches("[]");
    let name = element.split('(').next().unwrap_or_default().trim();
    // Types of extensions stand with their schema where it is not searched.
    let name = name.rsplit('.').next().unwrap_or_default();
    // A number of MySQL may say that it has no sign, with a width before it or without.
    let name = name.trim_end_matches(" zerofill").trim_end_matches(" unsigned");
    match name {
        "text" | "character varying" | "character" | "bpchar" | "citext" | "name" | "\"char\""
        | "varchar" | "char" | "tinytext" | "mediumtext" | "longtext" => Text,
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "money"
        | "tinyint" | "mediumint" | "int" | "decimal" | "float" | "double" => Number,
        "inet" | "inet4" | "inet6" => Network,
        "macaddr" | "macaddr8" => Hardware,
        "json" | "jsonb" | "xml" | "hstore" => Document,
        "bytea" | "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Bytes,
        "uuid" => Uuid,
        "boolean" => Family::Boolean,
        "date" | "datetime" => Date,
        timestamp if timestamp.starts_with("timestamp") => Date,
        _ => Choice,
    }
}

#[cfg(test)]
mod tests;
