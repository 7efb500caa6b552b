//! The playground as a client of MySQL sees it, without Jurat: a client of a few lines speaks the protocol by hand.

use jurat_playground::{DATABASE, Playground, USER};
use ring::digest;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const PASSWORD: &str = "a password of these tests";

async fn playground() -> (Playground, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Playground::start(dir.path(), PASSWORD).await.unwrap(), dir)
}

/// A connection. Results are rows with `|` between values, or the number of rows that were changed.
struct Client {
    stream: TcpStream,
    greeting: Vec<u8>,
    /// The flags of the last OK.
    status: u16,
}

const IN_TRANSACTION: u16 = 1;

impl Client {
    async fn connect(playground: &Playground, password: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(playground.mysql).await.unwrap();
        let mut client = Self { stream, greeting: Vec::new(), status: 0 };
        client.greeting = client.packet().await;
        let after_version = client.greeting.iter().position(|byte| *byte == 0).unwrap() + 5;
        let salt = [
            &client.greeting[after_version..after_version + 8],
            &client.greeting[after_version + 27..after_version + 39],
        ]
        .concat();
        // PROTOCOL_41, CONNECT_WITH_DB, SECURE_CONNECTION, PLUGIN_AUTH; rows end with an EOF packet.
        let mut login = (0x200_u32 | 0x8 | 0x8000 | 0x8_0000).to_le_bytes().to_vec();
        login.extend((1_u32 << 24).to_le_bytes());
        login.push(45);
        login.extend([0; 23]);
        login.extend(USER.as_bytes());
        login.push(0);
        let proof = proof(password, &salt);
        login.push(u8::try_from(proof.len()).unwrap());
        login.extend(&proof);
        login.extend(DATABASE.as_bytes());
        login.extend(b"\0mysql_native_password\0");
        client.send(1, &login).await;
        let answer = client.packet().await;
        if answer[0] == 0 { Ok(client) } else { Err(error(&answer)) }
    }

    async fn send(&mut self, sequence: u8, payload: &[u8]) {
        let mut packet = u32::try_from(payload.len()).unwrap().to_le_bytes();
        packet[3] = sequence;
        self.stream.write_all(&packet).await.unwrap();
        self.stream.write_all(payload).await.unwrap();
    }

    async fn packet(&mut self) -> Vec<u8> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).await.unwrap();
        header[3] = 0;
        let mut payload = vec![0; usize::try_from(u32::from_le_bytes(header)).unwrap()];
        self.stream.read_exact(&mut payload).await.unwrap();
        payload
    }

    async fn query(&mut self, text: &str) -> Result<Vec<String>, String> {
        self.send(0, &[b"\x03", text.as_bytes()].concat()).await;
        let (names, rows) = self.result().await?;
        let Some(names) = names else { return Ok(rows) };
        let row = |raw: &String| {
            let bytes = bytes(raw);
            let mut rest = bytes.as_slice();
            let values = names.iter().map(|_| text_value(&mut rest));
            values.collect::<Vec<_>>().join("|")
        };
        Ok(rows.iter().map(row).collect())
    }

    /// The names of the columns, and each row's bytes as characters; or the number of rows that were changed.
    async fn result(&mut self) -> Result<(Option<Vec<(String, u8)>>, Vec<String>), String> {
        let first = self.packet().await;
        match first[0] {
            0xff => return Err(error(&first)),
            0 => {
                let mut rest = &first[1..];
                let changed = length(&mut rest);
                length(&mut rest);
                self.status = u16::from_le_bytes([rest[0], rest[1]]);
                return Ok((None, vec![changed.to_string()]));
            }
            _ => {}
        }
        let mut columns = Vec::new();
        for _ in 0..first[0] {
            columns.push(column(&self.packet().await));
        }
        assert_eq!(self.packet().await[0], 0xfe, "the end of the columns");
        let mut rows = Vec::new();
        loop {
            let row = self.packet().await;
            if row[0] == 0xfe && row.len() < 9 {
                return Ok((Some(columns), rows));
            }
            // Every byte becomes one character, so that nothing is lost.
            rows.push(row.iter().map(|byte| char::from(*byte)).collect());
        }
    }

    async fn prepare(&mut self, text: &str) -> Result<(u32, u16, u16), String> {
        self.send(0, &[b"\x16", text.as_bytes()].concat()).await;
        let answer = self.packet().await;
        if answer[0] != 0 {
            return Err(error(&answer));
        }
        let id = u32::from_le_bytes(answer[1..5].try_into().unwrap());
        let columns = u16::from_le_bytes([answer[5], answer[6]]);
        let parameters = u16::from_le_bytes([answer[7], answer[8]]);
        for count in [parameters, columns] {
            for _ in 0..count + u16::from(count > 0) {
                self.packet().await;
            }
        }
        Ok((id, columns, parameters))
    }

    /// Executes with an integer and a text; gives the types of the columns and the first row's bytes.
    async fn execute(&mut self, id: u32, number: i64, text: &str) -> (Vec<(String, u8)>, Vec<u8>) {
        let mut payload = vec![0x17];
        payload.extend(id.to_le_bytes());
        payload.extend([0, 1, 0, 0, 0]);
        payload.extend([0, 1, 8, 0, 0xfd, 0]);
        payload.extend(number.to_le_bytes());
        payload.push(u8::try_from(text.len()).unwrap());
        payload.extend(text.as_bytes());
        self.send(0, &payload).await;
        let (columns, rows) = self.result().await.unwrap();
        (columns.unwrap(), rows.first().map(|row| bytes(row)).unwrap_or_default())
    }
}

fn proof(password: &str, salt: &[u8]) -> Vec<u8> {
    let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let once = sha1(password.as_bytes());
    let salted = sha1(&[salt, sha1(once.as_ref()).as_ref()].concat());
    once.as_ref().iter().zip(salted.as_ref()).map(|(a, b)| a ^ b).collect()
}

/// The bytes of a row that was kept as one character a byte.
fn bytes(row: &str) -> Vec<u8> {
    row.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// Number and state: `1146 42S02`.
fn error(packet: &[u8]) -> String {
    assert_eq!(packet[0], 0xff);
    let number = u16::from_le_bytes([packet[1], packet[2]]);
    format!("{number} {}", String::from_utf8_lossy(&packet[4..9]))
}

fn length(rest: &mut &[u8]) -> u64 {
    let first = rest[0];
    let (count, skip) = match first {
        0xfc => (u64::from(u16::from_le_bytes([rest[1], rest[2]])), 3),
        _ => (u64::from(first), 1),
    };
    *rest = &rest[skip..];
    count
}

fn text_value(rest: &mut &[u8]) -> String {
    if rest[0] == 0xfb {
        *rest = &rest[1..];
        return "NULL".to_owned();
    }
    let count = usize::try_from(length(rest)).unwrap();
    let value = String::from_utf8_lossy(&rest[..count]).into_owned();
    *rest = &rest[count..];
    value
}

/// Name and type.
fn column(packet: &[u8]) -> (String, u8) {
    let mut rest = packet;
    let names: Vec<String> = (0..6).map(|_| text_value(&mut rest)).collect();
    (names[4].clone(), rest[7])
}

#[tokio::test]
async fn only_the_one_user_with_the_password_gets_in() {
    let (playground, _dir) = playground().await;
    assert!(playground.mysql.ip().is_loopback());
    assert_eq!(Client::connect(&playground, "wrong").await.err().as_deref(), Some("1045 28000"));
    let first = Client::connect(&playground, PASSWORD).await.unwrap();
    let second = Client::connect(&playground, PASSWORD).await.unwrap();
    assert!(String::from_utf8_lossy(&first.greeting).contains("jurat-playground"));
    assert_ne!(first.greeting, second.greeting, "every connection has a salt of its own");
}

#[tokio::test]
async fn mysql_s_words_mean_what_they_mean_there() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    for (text, expected) in [
        ("SELECT COUNT(*) FROM `shop`.`customers`", "20000"),
        (
            "SELECT id, email, created_at FROM customers ORDER BY id LIMIT 0, 1",
            "1|ben.berg.1@mail.example|2024-01-01 00:37:00",
        ),
        (
            "SELECT CONCAT('a', \"b\", _utf8mb4'c'), CONCAT('a', NULL), IF(1 <=> 1, 'y', 'n'), 7 DIV 2",
            "abc|NULL|y|3",
        ),
        ("SELECT 'ADA' LIKE 'ada', 'ada' RLIKE '^a', 1 || 0, !1, 1 && 0", "1|1|1|0|0"),
        (
            "SELECT CAST('12' AS SIGNED), CONVERT('x' USING utf8mb4), CONVERT(5, CHAR), SUBSTRING('abc', 2)",
            "12|x|5|bc",
        ),
        (
            "SELECT LEFT('abc', 2), RIGHT('abc', 2), CHAR_LENGTH('äb'), SHA2('a', 256)",
            "ab|bc|2|ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        ),
        (
            "SELECT GROUP_CONCAT(tier ORDER BY id DESC SEPARATOR '-') FROM customers WHERE id < 4",
            "plus-free-free",
        ),
        (
            "SELECT @@version_comment LIMIT 1",
            "Jurat playground: SQLite behind MySQL's protocol, for practice only",
        ),
        ("SELECT @@session.autocommit AS a, @@lower_case_table_names", "1|0"),
        (
            "SELECT DATABASE(), VERSION(), CONNECTION_ID() > 0 FROM DUAL",
            "shop|8.0.30-jurat-playground-sqlite|1",
        ),
        ("SELECT @@max_allowed_packet", "67108864"),
    ] {
        let rows = client.query(text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(rows, [expected], "{text}");
    }
    assert_eq!(client.query("SHOW WARNINGS").await.unwrap(), Vec::<String>::new());
    assert_eq!(client.query("SHOW TABLES LIKE 'order%'").await.unwrap(), ["order_items", "orders"]);
    assert_eq!(
        client.query("SHOW VARIABLES LIKE 'sql_mode'").await.unwrap(),
        ["sql_mode|STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"]
    );
    client.query("SET NAMES utf8mb4").await.unwrap();
    client.query("SET SESSION sql_mode = 'ANSI', @@time_zone = '+00:00'").await.unwrap();
    assert_eq!(
        client.query("SELECT @@sql_mode, @@session.time_zone").await.unwrap(),
        ["ANSI|+00:00"]
    );
}

#[tokio::test]
async fn errors_have_mysql_s_numbers() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    for (text, expected) in [
        ("SELECT * FROM nowhere", "1146 42S02"),
        ("SELECT nowhere FROM customers", "1054 42S22"),
        ("SELECT FROM WHERE", "1064 42000"),
        ("INSERT INTO customers SELECT * FROM customers WHERE id = 1", "1062 23000"),
        ("UPDATE customers SET name = NULL WHERE id = 1", "1048 23000"),
        ("INSERT INTO payments VALUES (50000, 999999, 1, 'card', NOW())", "1452 23000"),
        ("SELECT @@nothing", "1193 HY000"),
        ("SELECT @mine", "1235 42000"),
        ("ATTACH 'x' AS y", "1235 42000"),
        ("SELECT 1; SELECT 2", "1235 42000"),
        ("USE elsewhere", "1049 42000"),
    ] {
        assert_eq!(client.query(text).await, Err(expected.to_owned()), "{text}");
    }
    assert_eq!(client.query("SELECT 1").await.unwrap(), ["1"], "the session goes on");
}

#[tokio::test]
async fn transactions_are_mysql_s() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    let mut other = Client::connect(&playground, PASSWORD).await.unwrap();
    let tier = "SELECT tier FROM customers WHERE id = 1";
    client.query("START TRANSACTION").await.unwrap();
    assert_eq!(client.query("UPDATE customers SET tier = 'x' WHERE id = 1").await.unwrap(), ["1"]);
    assert_eq!(client.status & IN_TRANSACTION, IN_TRANSACTION);
    // An error takes back its statement and not its transaction.
    client.query("SELECT * FROM nowhere").await.unwrap_err();
    assert_eq!(client.query(tier).await.unwrap(), ["x"]);
    assert_eq!(other.query(tier).await.unwrap(), ["free"]);
    client.query("SAVEPOINT a").await.unwrap();
    client.query("UPDATE customers SET tier = 'y' WHERE id = 1").await.unwrap();
    client.query("ROLLBACK TO SAVEPOINT a").await.unwrap();
    client.query("COMMIT").await.unwrap();
    assert_eq!(client.status & IN_TRANSACTION, 0);
    assert_eq!(other.query(tier).await.unwrap(), ["x"]);
    client.query("SET autocommit = 0").await.unwrap();
    client.query("UPDATE customers SET tier = 'z' WHERE id = 1").await.unwrap();
    client.query("ROLLBACK").await.unwrap();
    assert_eq!(client.query(tier).await.unwrap(), ["x"]);
    client.query("COMMIT").await.unwrap();
    // A definition commits what is open.
    client.query("UPDATE customers SET tier = 'w' WHERE id = 1").await.unwrap();
    client.query("CREATE TABLE notes (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, body varchar(20)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4").await.unwrap();
    client.query("ROLLBACK").await.unwrap();
    assert_eq!(other.query(tier).await.unwrap(), ["w"]);
    client.query("INSERT INTO notes (body) VALUES ('a')").await.unwrap();
    assert_eq!(client.query("SELECT LAST_INSERT_ID()").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn prepared_statements_have_typed_results() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    let (id, columns, parameters) = client
        .prepare("SELECT id, name, created_at FROM shop.customers WHERE id = ? AND tier = ?")
        .await
        .unwrap();
    assert_eq!((columns, parameters), (3, 2));
    let (columns, row) = client.execute(id, 18, "plus").await;
    let expected = [("id", 3_u8), ("name", 0xfd), ("created_at", 12)]
        .map(|(name, kind)| (name.to_owned(), kind));
    assert_eq!(columns, expected);
    // A null map of one byte behind the zero, then 18, the name, and a point in time.
    assert_eq!(row[..6], [0, 0, 18, 0, 0, 0]);
    assert!(String::from_utf8_lossy(&row).contains("Carla"), "{row:?}");
    assert_eq!(client.prepare("SELECT * FROM nowhere").await, Err("1146 42S02".to_owned()));
}

#[tokio::test]
async fn information_schema_is_there() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    for (text, expected) in [
        (
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1",
            vec!["information_schema", "shop"],
        ),
        (
            "SELECT TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
            vec![
                "customers|BASE TABLE",
                "open_orders|VIEW",
                "order_items|BASE TABLE",
                "orders|BASE TABLE",
                "payments|BASE TABLE",
            ],
        ),
        (
            "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_KEY FROM information_schema.columns WHERE TABLE_NAME = 'payments' ORDER BY ORDINAL_POSITION",
            vec![
                "id|int|PRI",
                "customer_id|int|",
                "amount_cents|int|",
                "method|text|",
                "paid_at|datetime|",
            ],
        ),
        (
            "SELECT CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME FROM information_schema.key_column_usage WHERE TABLE_NAME = 'payments'",
            vec!["PRIMARY|id|NULL", "payments_ibfk_1|customer_id|customers"],
        ),
        (
            "SELECT TABLE_NAME, DELETE_RULE FROM information_schema.referential_constraints WHERE DELETE_RULE = 'CASCADE'",
            vec!["order_items|CASCADE"],
        ),
        (
            "SELECT COUNT(*) FROM information_schema.views WHERE VIEW_DEFINITION LIKE 'SELECT%'",
            vec!["1"],
        ),
        ("SELECT COUNT(*) FROM information_schema.triggers", vec!["0"]),
        ("SELECT COUNT(*) FROM information_schema.routines", vec!["0"]),
        (
            "SELECT INDEX_NAME, COLUMN_NAME, NON_UNIQUE FROM information_schema.statistics WHERE TABLE_NAME = 'orders'",
            vec!["PRIMARY|id|0", "orders_customer_id|customer_id|1"],
        ),
    ] {
        assert_eq!(client.query(text).await.unwrap(), expected, "{text}");
    }
}

/// What Jurat compares with its masks before a row passes.
#[tokio::test]
async fn columns_name_where_they_come_from() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    let select = "SELECT e, UPPER(e), d.n + 0 FROM (SELECT c.email AS e, c.id AS n FROM customers AS c) AS d LIMIT 1";
    client.send(0, &[b"\x03", select.as_bytes()].concat()).await;
    assert_eq!(client.packet().await, [3]);
    let mut origins = Vec::new();
    for _ in 0..3 {
        let packet = client.packet().await;
        let mut rest = packet.as_slice();
        let names: Vec<String> = (0..6).map(|_| text_value(&mut rest)).collect();
        origins.push(format!("{}.{}.{}", names[1], names[3], names[5]));
    }
    assert_eq!(origins, ["shop.customers.email", "..", ".."]);
}

#[tokio::test]
async fn a_session_begins_anew_and_unknown_commands_are_refused() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    client.query("SET sql_mode = 'ANSI'").await.unwrap();
    client.query("START TRANSACTION").await.unwrap();
    client.query("UPDATE customers SET tier = 'x' WHERE id = 1").await.unwrap();
    // COM_RESET_CONNECTION.
    client.send(0, b"\x1f").await;
    assert_eq!(client.result().await.unwrap().1, ["0"]);
    assert_eq!(client.status & IN_TRANSACTION, 0);
    let state = "SELECT tier, @@sql_mode FROM customers WHERE id = 1";
    let expected = "free|STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION";
    assert_eq!(client.query(state).await.unwrap(), [expected]);
    // COM_CHANGE_USER, COM_FIELD_LIST, COM_BINLOG_DUMP, COM_PROCESS_KILL: nothing that is not done is answered OK.
    for command in [b"\x11a\0\0\0".as_slice(), b"\x04a\0", b"\x12", b"\x0c\x01\0\0\0"] {
        client.send(0, command).await;
        let answer = client.packet().await;
        assert_eq!(error(&answer), "1235 42000", "{command:?}");
    }
    assert_eq!(client.query("SELECT 1").await.unwrap(), ["1"]);
}

/// As Jurat pins its settings.
#[tokio::test]
async fn a_setting_may_be_an_expression() {
    let (playground, _dir) = playground().await;
    let mut client = Client::connect(&playground, PASSWORD).await.unwrap();
    client.query("SET sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'").await.unwrap();
    client
        .query("SET sql_mode = TRIM(BOTH ',' FROM REPLACE(CONCAT(',', @@sql_mode, ','), ',ANSI_QUOTES,', ',')), autocommit = 1")
        .await
        .unwrap();
    assert_eq!(client.query("SELECT @@sql_mode").await.unwrap(), ["STRICT_ALL_TABLES"]);
    assert_eq!(
        client
            .query("SELECT id FROM customers WHERE id < 3 LIMIT 18446744073709551615")
            .await
            .unwrap(),
        ["1", "2"]
    );
}
