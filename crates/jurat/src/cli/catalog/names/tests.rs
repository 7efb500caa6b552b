//! Which names and types get which label, and which get none.

use jurat_types::{Column, RelationName};

use super::{Family::*, column, family, words};

fn label(relation: &str, name: &str, data_type: &str) -> &'static str {
    let described = Column {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        attnum: 0,
        generated: false,
        key: false,
        base_type: None,
    };
    column(&RelationName::new("public", relation), &described).map_or("", |found| found.label)
}

#[test]
fn names_say_what_columns_hold() {
    for (name, data_type, expected) in [
        ("email", "text", "pii.email"),
        ("work_email", "character varying(255)", "pii.email"),
        ("emailAddress", "citext", "pii.email"),
        ("E-Mail", "public.citext", "pii.email"),
        ("email2", "text", "pii.email"),
        ("emails", "text[]", "pii.email"),
        ("email_address", "text", "pii.email"),
        ("phone", "bigint", "pii.phone"),
        ("mobilePhone", "text", "pii.phone"),
        ("téléphone", "text", "pii.phone"),
        ("ssn", "text", "pii.ssn"),
        ("userSSN", "character(11)", "pii.ssn"),
        ("social_security_no", "text", "pii.ssn"),
        ("passport_no", "text", "pii.national_id"),
        ("codice_fiscale", "text", "pii.national_id"),
        ("dob", "date", "pii.birth_date"),
        ("date_of_birth", "timestamp(3) without time zone", "pii.birth_date"),
        ("Geburtsdatum", "date", "pii.birth_date"),
        ("birth_year", "integer", "pii.birth_date"),
        ("first_name", "text", "pii.name"),
        ("lastName", "text", "pii.name"),
        ("surname", "text", "pii.name"),
        ("vorname", "text", "pii.name"),
        ("card_holder", "text", "pii.name"),
        ("username", "text", "pii.username"),
        ("home_address", "text", "pii.address"),
        ("address_line_1", "text", "pii.address"),
        ("shipping_addresses", "jsonb", "pii.address"),
        ("Straße", "text", "pii.address"),
        ("zip", "integer", "pii.address"),
        ("postal_code", "text", "pii.address"),
        ("iban", "text", "pii.bank_account"),
        ("account_number", "bigint", "pii.bank_account"),
        ("card", "text", "pci.card"),
        ("credit_card", "text", "pci.card"),
        ("cc_number", "numeric(16,0)", "pci.card"),
        ("pan", "text", "pci.card"),
        ("cvv2", "smallint", "pci.cvv"),
        ("cvc", "text", "pci.cvv"),
        ("pwd_hash", "text", "secret"),
        ("password", "bytea", "secret"),
        ("apiKey", "text", "secret"),
        ("session_token", "uuid", "secret"),
        ("client_secret", "text", "secret"),
        ("mot_de_passe", "text", "secret"),
        ("last_ip", "text", "pii.ip"),
        ("seen_from", "inet", "pii.ip"),
        ("ip_address", "inet", "pii.ip"),
        ("adapter", "macaddr", "pii.device"),
        ("salary", "numeric(10,2)", "pii.salary"),
        ("gender", "mood", "pii.gender"),
        ("religion", "text", "pii.special_category"),
    ] {
        assert_eq!(label("things", name, data_type), expected, "{name} {data_type}");
    }
}

#[test]
fn columns_about_a_thing_are_not_the_thing() {
    for (name, data_type) in [
        ("email_sent_at", "timestamp with time zone"),
        ("email_verified", "boolean"),
        ("email_status", "text"),
        ("email_id", "text"),
        ("email_template", "text"),
        ("is_mobile", "boolean"),
        ("card_id", "integer"),
        ("card", "integer"),
        ("card_type", "text"),
        ("card_last4", "text"),
        ("token_count", "integer"),
        ("token_type", "text"),
        ("tokenizer", "text"),
        ("password_changed_at", "timestamp without time zone"),
        ("address_id", "bigint"),
        ("phone_type", "text"),
        ("company", "text"),
        ("japan", "text"),
        ("span", "text"),
        ("description", "text"),
        ("hotel", "text"),
        ("zip_file", "text"),
        ("ship_date", "date"),
        ("network", "cidr"),
        ("shipped", "boolean"),
        ("name", "text"),
        ("secretary", "text"),
        ("", "text"),
    ] {
        assert_eq!(label("things", name, data_type), "", "{name} {data_type}");
    }
}

#[test]
fn a_name_is_a_persons_where_the_rows_are_people() {
    for (relation, expected) in [
        ("customers", "pii.name"),
        ("Employee", "pii.name"),
        ("app_users", "pii.name"),
        ("people", "pii.name"),
        ("products", ""),
        ("user_groups", ""),
    ] {
        assert_eq!(label(relation, "name", "text"), expected, "{relation}");
    }
    assert_eq!(label("users", "name", "integer"), "");
}

#[test]
fn names_are_taken_apart_as_people_write_them() {
    for (name, expected) in [
        ("home_address", &["home", "address"][..]),
        ("homeAddress2", &["home", "address"]),
        ("HTTPServerURL", &["http", "server", "url"]),
        ("E Mail", &["e", "mail"]),
        ("Größe", &["grosse"]),
        ("__", &[]),
    ] {
        assert_eq!(words(name), expected, "{name}");
    }
}

/// MySQL and MariaDB write a type with its width and sign, as it stands in a definition.
#[test]
fn types_of_mysql_are_known() {
    for (data_type, expected) in [
        ("varchar(100)", Text),
        ("char(2)", Text),
        ("longtext", Text),
        ("json", Document),
        ("int(10) unsigned", Number),
        ("bigint unsigned", Number),
        ("int(5) unsigned zerofill", Number),
        ("decimal(10,2)", Number),
        ("double", Number),
        ("datetime(6)", Date),
        ("timestamp", Date),
        ("varbinary(16)", Bytes),
        ("mediumblob", Bytes),
        ("inet6", Network),
        ("enum('a','b')", Choice),
        ("set('text','int')", Choice),
        ("year(4)", Choice),
        ("point", Choice),
    ] {
        assert_eq!(family(data_type), expected, "{data_type}");
    }
    assert_eq!(label("customers", "email", "varchar(100)"), "pii.email");
    assert_eq!(label("customers", "email_sent_at", "datetime"), "");
}
