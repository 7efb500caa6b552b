// pgjdbc: what its users expect of a connection. The contract is in tests/it/suite/drivers.rs; the file is run as it
// is (`java -cp … Matrix.java`), so it is one class.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.postgresql.Driver;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PGobject;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

public class Matrix {
  static final boolean OPEN = false;
  static final boolean HOLDS = true;

  // Refused in every environment, and harmless to the other cases where it runs.
  static final String DENIED = "DELETE FROM payments";

  interface Case {
    boolean run() throws Exception;
  }

  interface Work {
    void on(Connection connection) throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, Case> cases = new LinkedHashMap<>();
    cases.put("tls_verifies_the_certificate", Matrix::tls);
    cases.put("types_in_text", () -> types(false));
    cases.put("types_in_binary", () -> types(true));
    cases.put("prepared_statements", Matrix::preparedStatements);
    cases.put("simple_protocol", Matrix::simpleProtocol);
    cases.put("transactions", Matrix::transactions);
    cases.put("batches", Matrix::batches);
    cases.put("copy_in_and_out", Matrix::copyInAndOut);
    cases.put("fetch_size", Matrix::fetchSize);
    cases.put("updatable_results", Matrix::updatableResults);
    cases.put("cancel", Matrix::cancel);
    cases.put("time_out", Matrix::timeOut);
    cases.put("notifications", Matrix::notifications);
    cases.put("metadata", Matrix::metadata);
    cases.put("errors_keep_their_class", Matrix::errorsKeepTheirClass);
    cases.put("denial_when_idle", Matrix::denialWhenIdle);
    cases.put("denial_in_a_transaction", Matrix::denialInATransaction);
    cases.put("denial_in_a_batch", Matrix::denialInABatch);
    cases.put("masked_column", Matrix::maskedColumn);
    cases.put("sql_about_jurat", Matrix::sqlAboutJurat);
    System.out.println("version " + Driver.getVersion().replaceAll("[^0-9.]", "") + " (Java " + Runtime.version().feature() + ")");
    for (Map.Entry<String, Case> one : cases.entrySet()) {
      System.err.println("running " + one.getKey());
      System.out.println((one.getValue().run() ? "ok " : "open ") + one.getKey());
    }
  }

  static String env(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null ? otherwise : value;
  }

  static Connection connect(String... more) throws SQLException {
    Properties properties = new Properties();
    properties.put("user", env("MATRIX_USER", ""));
    properties.put("password", env("MATRIX_PASSWORD", ""));
    properties.put("sslmode", env("MATRIX_TLS", "").equals("verify") ? "verify-full" : "disable");
    properties.put("sslrootcert", env("MATRIX_CA", ""));
    for (int i = 0; i < more.length; i += 2) {
      properties.put(more[i], more[i + 1]);
    }
    String place = env("MATRIX_HOST", "") + ":" + env("MATRIX_PORT", "") + "/" + env("MATRIX_DATABASE", "");
    return DriverManager.getConnection("jdbc:postgresql://" + place, properties);
  }

  static boolean holds(Work work, String... options) throws Exception {
    try (Connection connection = connect(options)) {
      work.on(connection);
    }
    return HOLDS;
  }

  static void is(Object expected, Object found) {
    if (!java.util.Objects.deepEquals(expected, found)) {
      throw new AssertionError("expected <" + expected + ">, found <" + found + ">");
    }
  }

  static void check(boolean holds, Object about) {
    if (!holds) {
      throw new AssertionError(String.valueOf(about));
    }
  }

  static Object value(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(query)) {
      rows.next();
      return rows.getObject(1);
    }
  }

  static long notes(Connection connection) throws SQLException {
    return (Long) value(connection, "SELECT count(*) FROM notes");
  }

  static void execute(Connection connection, String text) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(text);
    }
  }

  static SQLException failure(Connection connection, String text) {
    try {
      execute(connection, text);
      return null;
    } catch (SQLException error) {
      return error;
    }
  }

  static void isRefusal(SQLException error) {
    is("42501", error.getSQLState());
    ServerErrorMessage told = ((PSQLException) error).getServerErrorMessage();
    String first = told.getMessage().split("\n")[0];
    check(first.contains("jurat denied DELETE on public.payments"), first);
    check(told.getDetail().startsWith("{\"decision\":\"deny\""), told.getDetail());
    check(told.getHint() != null, "no hint");
  }

  static boolean tls() throws Exception {
    try {
      connect("sslmode", "verify-full", "sslrootcert", env("MATRIX_FOREIGN_CA", "")).close();
      throw new AssertionError("connected to a server with a certificate that is not trusted");
    } catch (PSQLException error) {
      is("08006", error.getSQLState());
    }
    return holds(c -> is(1, value(c, "SELECT 1")), "sslmode", "verify-full");
  }

  // The threshold -1 makes the driver use binary from the first time on.
  static boolean types(boolean binary) throws Exception {
    UUID uuid = UUID.fromString("01234567-89ab-cdef-0123-456789abcdef");
    OffsetDateTime moment = OffsetDateTime.parse("2026-02-28T12:00:00.123456Z");
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("int4", Integer.MIN_VALUE);
    values.put("int8", Long.MAX_VALUE);
    values.put("numeric", new BigDecimal("12345678901234567890.0123456789"));
    values.put("float4", 0.5f);
    values.put("float8", 1e300);
    values.put("text", "naïve 💡 'quoted' \\ \n");
    values.put("varchar", "");
    values.put("bool", true);
    values.put("uuid", uuid);
    return holds(c -> {
      for (Map.Entry<String, Object> entry : values.entrySet()) {
        String query = "SELECT ?::" + entry.getKey() + ", ?::" + entry.getKey();
        try (PreparedStatement statement = c.prepareStatement(query)) {
          for (int turn = 0; turn < 3; turn++) {
            statement.setObject(1, entry.getValue());
            statement.setNull(2, Types.NULL);
            ResultSet rows = statement.executeQuery();
            rows.next();
            is(entry.getValue(), rows.getObject(1));
            is(null, rows.getObject(2));
          }
        }
      }
      String query = "SELECT ?::date, ?::time, ?::timestamptz, ?::bytea, ?::jsonb, ?::inet, ?::int4range, ?::int4[], ?::text[]";
      try (PreparedStatement statement = c.prepareStatement(query)) {
        for (int turn = 0; turn < 3; turn++) {
          statement.setObject(1, LocalDate.of(2026, 2, 28));
          statement.setObject(2, LocalTime.of(23, 59, 59));
          statement.setObject(3, moment);
          statement.setBytes(4, new byte[] {0, -1, 92, 39});
          String[] others = {"jsonb", "{\"k\": [1, null]}", "inet", "10.1.2.3/8", "int4range", "[1,5)"};
          for (int i = 0; i < others.length; i += 2) {
            PGobject object = new PGobject();
            object.setType(others[i]);
            object.setValue(others[i + 1]);
            statement.setObject(5 + i / 2, object);
          }
          statement.setArray(8, c.createArrayOf("int4", new Integer[] {1, 2, null}));
          statement.setArray(9, c.createArrayOf("text", new String[] {"a,b", "\"", "", null}));
          ResultSet rows = statement.executeQuery();
          rows.next();
          is(LocalDate.of(2026, 2, 28), rows.getObject(1, LocalDate.class));
          is(LocalTime.of(23, 59, 59), rows.getObject(2, LocalTime.class));
          is(moment, rows.getObject(3, OffsetDateTime.class));
          is(new byte[] {0, -1, 92, 39}, rows.getBytes(4));
          is("{\"k\": [1, null]}", rows.getString(5));
          is("10.1.2.3/8", rows.getString(6));
          is("[1,5)", rows.getString(7));
          Array numbers = rows.getArray(8);
          is(new Integer[] {1, 2, null}, numbers.getArray());
          is(new String[] {"a,b", "\"", "", null}, rows.getArray(9).getArray());
        }
      }
    }, "binaryTransfer", String.valueOf(binary), "prepareThreshold", binary ? "-1" : "1");
  }

  static boolean preparedStatements() throws Exception {
    return holds(c -> {
      try (PreparedStatement statement = c.prepareStatement("SELECT note FROM orders WHERE id = ?")) {
        for (int id = 1; id < 9; id++) {
          // The fifth time the driver keeps the statement on the server.
          is(id >= 5, statement.unwrap(PGStatement.class).isUseServerPrepare());
          statement.setInt(1, id);
          ResultSet rows = statement.executeQuery();
          rows.next();
          is("order " + id, rows.getString(1));
        }
        is(1L, value(c, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%note%orders%'"));
        is("note", statement.getMetaData().getColumnName(1));
        is(Types.INTEGER, statement.getParameterMetaData().getParameterType(1));
      }
      // The cache holds two: the driver closes what falls out.
      for (int turn = 0; turn < 12; turn++) {
        try (PreparedStatement statement = c.prepareStatement("SELECT id + " + turn % 4 + " FROM orders WHERE id = 1")) {
          statement.executeQuery();
        }
      }
      check((Long) value(c, "SELECT count(*) FROM pg_prepared_statements") <= 3, "statements are not closed");
    }, "preparedStatementCacheQueries", "2");
  }

  static boolean simpleProtocol() throws Exception {
    holds(c -> {
      try (PreparedStatement statement = c.prepareStatement("SELECT ?::int4 + 1, ?::text")) {
        statement.setInt(1, -1);
        statement.setString(2, "it's");
        ResultSet rows = statement.executeQuery();
        rows.next();
        is(0, rows.getInt(1));
        is("it's", rows.getString(2));
      }
    }, "preferQueryMode", "simple");
    return holds(c -> {
      try (Statement statement = c.createStatement()) {
        check(statement.execute("SELECT 1; SELECT 2"), "no result");
        check(statement.getMoreResults(), "no second result");
        ResultSet rows = statement.getResultSet();
        rows.next();
        is(2, rows.getInt(1));
      }
    });
  }

  static boolean transactions() throws Exception {
    return holds(c -> {
      c.setAutoCommit(false);
      c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      execute(c, "INSERT INTO notes (body) VALUES ('kept')");
      Savepoint here = c.setSavepoint("here");
      execute(c, "INSERT INTO notes (body) VALUES ('taken back')");
      c.rollback(here);
      c.releaseSavepoint(c.setSavepoint());
      is(1L, notes(c));
      c.rollback();
      is(0L, notes(c));
      c.commit();
      c.setReadOnly(true);
      is("25006", failure(c, "INSERT INTO notes (body) VALUES ('read only')").getSQLState());
      c.rollback();
    });
  }

  static boolean batches() throws Exception {
    for (String rewrite : new String[] {"false", "true"}) {
      holds(c -> {
        try (PreparedStatement statement = c.prepareStatement("INSERT INTO notes (id, body) VALUES (?, ?)")) {
          for (int id = 1000; id < 1050; id++) {
            statement.setInt(1, id);
            statement.setString(2, "batch");
            statement.addBatch();
          }
          is(50, statement.executeBatch().length);
        }
        is(50L, notes(c));
        try (PreparedStatement statement = c.prepareStatement("INSERT INTO notes (body) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
          statement.setString(1, "key");
          statement.executeUpdate();
          check(statement.getGeneratedKeys().next(), "no key");
        }
        try (Statement statement = c.createStatement()) {
          statement.addBatch("DELETE FROM notes WHERE id >= 1000");
          statement.addBatch("DELETE FROM notes WHERE body = 'key'");
          is(new int[] {50, 1}, statement.executeBatch());
        }
      }, "reWriteBatchedInserts", rewrite);
    }
    return HOLDS;
  }

  static boolean copyInAndOut() throws Exception {
    return holds(c -> {
      CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
      InputStream text = new ByteArrayInputStream("c1\nc2\n\\N\n".getBytes(StandardCharsets.UTF_8));
      is(3L, copy.copyIn("COPY notes (body) FROM STDIN", text));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      is(2L, copy.copyOut("COPY (SELECT body FROM notes WHERE body LIKE 'c%' ORDER BY 1) TO STDOUT (FORMAT csv)", out));
      is("c1\nc2\n", out.toString(StandardCharsets.UTF_8));
      out.reset();
      copy.copyOut("COPY (SELECT id + 5000 FROM orders) TO STDOUT (FORMAT binary)", out);
      InputStream binary = new ByteArrayInputStream(out.toByteArray());
      is(100L, copy.copyIn("COPY notes (id) FROM STDIN (FORMAT binary)", binary));
      execute(c, "DELETE FROM notes WHERE body LIKE 'c%' OR body IS NULL");
    });
  }

  static boolean fetchSize() throws Exception {
    return holds(c -> {
      c.setAutoCommit(false);
      for (int turn = 0; turn < 7; turn++) {
        try (PreparedStatement statement = c.prepareStatement("SELECT n FROM numbers ORDER BY n LIMIT 1000")) {
          statement.setFetchSize(300);
          ResultSet rows = statement.executeQuery();
          long total = 0;
          while (rows.next()) {
            total += rows.getInt(1);
          }
          is(500500L, total);
        }
      }
      try (Statement statement = c.createStatement()) {
        statement.setFetchSize(3);
        statement.setMaxRows(4);
        ResultSet abandoned = statement.executeQuery("SELECT n FROM numbers");
        check(abandoned.next(), "no row");
      }
      c.commit();
    });
  }

  static boolean updatableResults() throws Exception {
    return holds(c -> {
      c.setAutoCommit(false);
      try (Statement statement = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
        ResultSet rows = statement.executeQuery("SELECT id, note FROM orders WHERE id = 5");
        check(rows.next(), "no row");
        rows.updateString("note", "changed");
        rows.updateRow();
      }
      is("changed", value(c, "SELECT note FROM orders WHERE id = 5"));
      c.rollback();
    });
  }

  static boolean cancel() throws Exception {
    String sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        + " AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'";
    return holds(c -> {
      try (Connection watcher = connect(); Statement statement = c.createStatement()) {
        CompletableFuture<Void> canceling = CompletableFuture.runAsync(() -> {
          try {
            while ((Long) value(watcher, sleeping) == 0) {
              Thread.sleep(10);
            }
            statement.cancel();
          } catch (Exception error) {
            throw new AssertionError(error);
          }
        });
        try {
          statement.execute("SELECT pg_sleep(60)");
          throw new AssertionError("not canceled");
        } catch (PSQLException error) {
          is("57014", error.getSQLState());
        }
        canceling.get();
        is(1, value(c, "SELECT 1"));
      }
    });
  }

  static boolean timeOut() throws Exception {
    return holds(c -> {
      try (Statement statement = c.createStatement()) {
        statement.setQueryTimeout(1);
        statement.execute("SELECT pg_sleep(60)");
        throw new AssertionError("not canceled");
      } catch (SQLTimeoutException | PSQLException error) {
        is("57014", error.getSQLState());
      }
      is(1, value(c, "SELECT 1"));
      c.setNetworkTimeout(Runnable::run, 30_000);
      check(c.isValid(5), "not valid");
    }, "options", "-c statement_timeout=20s", "ApplicationName", "matrix");
  }

  static boolean notifications() throws Exception {
    return holds(c -> {
      execute(c, "LISTEN news");
      holds(speaker -> execute(speaker, "NOTIFY news, 'from another'"));
      var heard = c.unwrap(PGConnection.class).getNotifications(30_000);
      is("from another", heard[0].getParameter());
    });
  }

  static List<String> names(ResultSet rows, String column) throws SQLException {
    List<String> names = new ArrayList<>();
    while (rows.next()) {
      names.add(rows.getString(column));
    }
    return names;
  }

  static boolean metadata() throws Exception {
    return holds(c -> {
      DatabaseMetaData data = c.getMetaData();
      List<String> tables = names(data.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME");
      check(tables.containsAll(List.of("customers", "orders", "contact", "Customers Quoted")), tables);
      is(Arrays.asList("id", "name", "email", "ssn", "card", "tier"), names(data.getColumns(null, "public", "customers", "%"), "COLUMN_NAME"));
      is(List.of("id"), names(data.getPrimaryKeys(null, "public", "orders"), "COLUMN_NAME"));
      is(List.of("customer_id"), names(data.getImportedKeys(null, "public", "orders"), "FKCOLUMN_NAME"));
      is(List.of("payments"), names(data.getExportedKeys(null, "public", "orders"), "FKTABLE_NAME"));
      check(names(data.getIndexInfo(null, "public", "customers", true, true), "INDEX_NAME").contains("customers_email_key"), "no index");
      check(names(data.getSchemas(), "TABLE_SCHEM").contains("archive"), "no schema");
      check(names(data.getCatalogs(), "TABLE_CAT").size() > 0, "no catalog");
      check(names(data.getTypeInfo(), "TYPE_NAME").contains("jsonb"), "no type");
      check(names(data.getFunctions(null, "public", "%"), "FUNCTION_NAME").contains("first_email"), "no function");
      names(data.getProcedures(null, "public", "%"), "PROCEDURE_NAME");
      names(data.getProcedureColumns(null, "public", "%", "%"), "COLUMN_NAME");
      names(data.getTablePrivileges(null, "public", "orders"), "PRIVILEGE");
      names(data.getColumnPrivileges(null, "public", "orders", "%"), "PRIVILEGE");
      names(data.getBestRowIdentifier(null, "public", "orders", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME");
      names(data.getUDTs(null, "public", "%", null), "TYPE_NAME");
      check(data.getDatabaseProductVersion().length() > 1 && data.getMaxColumnNameLength() > 0, "no version");
      try (Statement statement = c.createStatement()) {
        ResultSet rows = statement.executeQuery("SELECT id, amount FROM orders");
        is("orders", rows.getMetaData().getTableName(2));
        is(2, rows.getMetaData().getScale(2));
      }
    });
  }

  static boolean errorsKeepTheirClass() throws Exception {
    return holds(c -> {
      SQLException error = failure(c, "INSERT INTO orders (id, customer_id, amount) VALUES (1, 1, 1)");
      is("23505", error.getSQLState());
      is("orders_pkey", ((PSQLException) error).getServerErrorMessage().getConstraint());
    });
  }

  static boolean denialWhenIdle() throws Exception {
    boolean told = HOLDS;
    try (Connection c = connect()) {
      for (int turn = 0; turn < 2; turn++) {
        SQLException error = failure(c, DENIED);
        if (error == null) {
          told = OPEN;
        } else {
          isRefusal(error);
        }
        is(1, value(c, "SELECT 1"));
      }
    }
    return told;
  }

  static boolean denialInATransaction() throws Exception {
    try (Connection c = connect()) {
      c.setAutoCommit(false);
      execute(c, "INSERT INTO notes (body) VALUES ('x')");
      SQLException error = failure(c, DENIED);
      if (error != null) {
        isRefusal(error);
        is("25P02", failure(c, "SELECT 1").getSQLState());
      }
      c.rollback();
      is(0L, notes(c));
      return error == null ? OPEN : HOLDS;
    }
  }

  static boolean denialInABatch() throws Exception {
    try (Connection c = connect(); Statement statement = c.createStatement()) {
      statement.addBatch("INSERT INTO notes (body) VALUES ('before it')");
      statement.addBatch(DENIED);
      statement.addBatch("INSERT INTO notes (body) VALUES ('after it')");
      try {
        statement.executeBatch();
        execute(c, "DELETE FROM notes WHERE body LIKE '%it'");
        return OPEN;
      } catch (BatchUpdateException error) {
        isRefusal(error.getNextException());
      }
      is(0L, notes(c));
      return HOLDS;
    }
  }

  static boolean maskedColumn() throws Exception {
    try (Connection c = connect(); PreparedStatement statement = c.prepareStatement("SELECT email FROM customers WHERE id = ?")) {
      String email = null;
      for (int turn = 0; turn < 7; turn++) {
        statement.setInt(1, 7);
        ResultSet rows = statement.executeQuery();
        rows.next();
        email = rows.getString("email");
      }
      if (email.equals("canary7@leak.example")) {
        return OPEN;
      }
      check(email.endsWith("@leak.example") && !email.contains("canary"), email);
      return HOLDS;
    }
  }

  static boolean sqlAboutJurat() throws Exception {
    String who = "SHOW jurat.whoami";
    try (Connection connection = connect()) {
      SQLException error = failure(connection, who);
      if (error != null) {
        is("42704", error.getSQLState());
        return OPEN;
      }
      // The driver gives a statement a name once it has run often enough.
      try (PreparedStatement statement = connection.prepareStatement(who)) {
        for (int i = 0; i < 8; i++) {
          try (ResultSet rows = statement.executeQuery()) {
            rows.next();
            check(rows.getString("whoami").contains("\"" + env("MATRIX_USER", "") + "\""), rows.getString(1));
          }
        }
      }
      try (PreparedStatement statement = connection.prepareStatement("CALL jurat.show_approval(?)")) {
        statement.setString(1, "AP-00000000");
        statement.execute();
        throw new AssertionError("there are no approvals");
      } catch (SQLException told) {
        is("0A000", told.getSQLState());
        check(told.getMessage().contains("[approvals]"), told);
      }
      connection.setAutoCommit(false);
      isRefusal(failure(connection, DENIED));
      check(((String) value(connection, "SHOW jurat.last_decision")).contains("JRT-"), "the last decision");
      connection.rollback();
    }
    return HOLDS;
  }
}
