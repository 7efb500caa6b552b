"""What the drivers for MySQL's protocol share: cases over Python's DB API, which all of them have.

A driver's program makes a `Cases` of its own with how it connects and what its errors look like.
"""

import contextlib
import threading
import time

import contract
from contract import DENIED, OPEN

# A refusal of Jurat as the drivers show it: MySQL's error for a command that is denied on a table.
REFUSED = 1142


class Cases:
    """Give `driver` (the module with the classes of errors), `connect(**more)`, and `number(error)`."""

    driver = None
    autocommit = {"autocommit": True}

    def connect(self, **more):
        raise NotImplementedError

    def number(self, error):
        return error.args[0]

    @contextlib.contextmanager
    def using(self, **more):
        connection = self.connect(**(self.autocommit | more))
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, connection, query, arguments=None):
        cursor = connection.cursor()
        try:
            cursor.execute(query, arguments)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def one(self, connection, query, arguments=None):
        [[value]] = self.rows(connection, query, arguments)
        return value

    def notes(self, connection):
        return self.one(connection, "SELECT COUNT(*) FROM notes")

    def refused(self, error):
        assert self.number(error) == REFUSED, error
        message = str(error)
        assert "jurat denied DELETE on shop.payments" in message and "[rule " in message and " id " in message, message
        return True

    def case_transactions(self):
        with self.using(autocommit=False) as connection, self.using() as other:
            self.rows(connection, "INSERT INTO notes (body) VALUES (%s)", ("gone",))
            assert self.notes(other) == 0
            connection.rollback()
            self.rows(connection, "INSERT INTO notes (body) VALUES ('kept')")
            self.rows(connection, "SAVEPOINT here")
            self.rows(connection, "INSERT INTO notes (body) VALUES ('taken back')")
            self.rows(connection, "ROLLBACK TO SAVEPOINT here")
            connection.commit()
            assert self.rows(other, "SELECT body FROM notes") == [("kept",)]
            self.rows(connection, "DELETE FROM notes WHERE body = 'kept'")
            connection.commit()

    def case_kill(self):
        """Another connection ends what this one runs, which goes on."""
        with self.using() as connection, self.using() as other:
            number = self.one(connection, "SELECT CONNECTION_ID()")
            told = []

            def sleep():
                try:
                    # Without a table, MariaDB sends a row in place of the error when the KILL comes at its very beginning.
                    self.rows(connection, "SELECT SLEEP(60) FROM numbers")
                except self.driver.Error as error:
                    told.append(self.number(error))

            sleeper = threading.Thread(target=sleep)
            sleeper.start()
            # What is not running yet cannot be ended, so it is asked again until it was.
            while sleeper.is_alive():
                self.rows(other, f"KILL QUERY {number}")
                time.sleep(0.02)
            sleeper.join()
            assert told == [1317], told
            assert self.one(connection, "SELECT 1") == 1

    def case_errors_keep_their_class(self):
        errors = self.driver
        with self.using() as connection:
            for query, kinds, number in [
                ("INSERT INTO numbers VALUES (1)", errors.IntegrityError, 1062),
                ("INSERT INTO orders VALUES (1000, 999, 1, 'x')", errors.IntegrityError, 1452),
                ("SELECT * FROM no_such_table", errors.ProgrammingError, 1146),
                ("SELECT no_such_column FROM orders", (errors.OperationalError, errors.ProgrammingError), 1054),
                ("SELECT FROM", errors.ProgrammingError, 1064),
            ]:
                try:
                    self.rows(connection, query)
                except kinds as error:
                    assert self.number(error) == number, error
                else:
                    raise AssertionError(query)
            assert self.one(connection, "SELECT 1") == 1

    def case_denial_when_idle(self):
        with self.using() as connection:
            try:
                self.rows(connection, "START TRANSACTION")
                self.rows(connection, DENIED)
            except self.driver.Error as error:
                assert self.refused(error)
                assert self.one(connection, "SELECT 1") == 1
                return None
            self.rows(connection, "ROLLBACK")
            return OPEN

    def case_denial_in_a_transaction(self):
        with self.using(autocommit=False) as connection:
            self.rows(connection, "INSERT INTO notes (body) VALUES ('x')")
            try:
                self.rows(connection, DENIED)
            except self.driver.Error as error:
                assert self.refused(error)
                # The transaction goes on, as it does after any error of the server.
                assert self.notes(connection) == 1
                connection.rollback()
                return None
            connection.rollback()
            return OPEN

    def case_masked_column(self):
        with self.using() as connection:
            return contract.check_mask(self.one(connection, "SELECT email FROM customers WHERE id = %s", (7,)))


def main(version, cases):
    """Runs the methods of `cases` whose name begins with `case_`."""
    names = [name for name in dir(cases) if name.startswith("case_")]
    contract.main(version, {name: getattr(cases, name) for name in names})
