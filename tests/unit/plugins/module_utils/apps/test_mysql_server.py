# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs of MySQL and MariaDB print, as they print it."""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.module_utils.apps.mysql_server import refusals, table

MARIADB = """
2026-11-22 21:35:46 0 [Warning] Could not increase number of max_open_files to more than 20000 (request: 32184)
2026-11-22 21:35:46 0 [Warning] option 'innodb-flush-log-at-trx-commit': unsigned value 7 adjusted to 3
2026-11-22 21:35:46 0 [ERROR] Buffered error: mariadbd: Error while setting value 'abc' to 'max_connections'
2026-11-22 21:35:46 0 [ERROR] Can't open and lock privilege tables
2026-11-22 21:35:46 0 [ERROR] Aborting
"""
# As MySQL's manual and source have it.
MYSQL = """
2026-01-01T00:00:00.000000Z 0 [Warning] [MY-000081] [Server] option 'max_connections': unsigned value 1 adjusted to 2.
2026-01-01T00:00:00.000000Z 0 [ERROR] [MY-000067] [Server] unknown variable 'foo=3'.
2026-01-01T00:00:00.000000Z 0 [ERROR] [MY-010119] [Server] Aborting
"""
HELP = """
  --user=name         Run mysqld daemon as user.

Variables (--variable-name=value)
and boolean options {FALSE|TRUE}                             Value (after reading options)
------------------------------------------------------------ -------------
innodb-flush-method                                          O_DIRECT
log-bin                                                      (No default value)
sql-mode                                                     A,B
init-connect                                                 SET a = 1

To see what values a running server is using, type
"""


def test_refusals_of_mariadb():
    setting = "mariadbd: Error while setting value 'abc' to 'max_connections'"
    assert refusals(MARIADB) == [setting]
    assert refusals(MARIADB, adjusted=True) == ["innodb-flush-log-at-trx-commit: it would make 3 of 7", setting]


def test_refusals_of_mysql():
    assert refusals(MYSQL) == ["unknown variable 'foo=3'"]
    assert refusals(MYSQL, adjusted=True)[0].startswith("max_connections: it would make 2")


def test_table_of_values():
    assert table(HELP) == {
        "innodb_flush_method": "O_DIRECT",
        "log_bin": None,
        "sql_mode": "A,B",
        "init_connect": "SET a = 1",
    }
    assert table("something else") == {}
