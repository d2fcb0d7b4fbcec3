"""How long a row of a derived list is kept depends on its use case (decisions D23).

36 months for results of billing (TAF1, TAF2), 42 days for what is read on demand or
not for billing (TAF6, 9, 10, 14), 24 months for a counter-reading course (TAF7). By
the database's own clock: moving the clock of the gateway opens nothing.
"""

from django.db import migrations

TABLE = 'tariffs_derivedrecord'
PROFILES = 'tariffs_evaluationprofile'


def _sqlite(kept):
    # Three days on top of months: 31 May less 3 months is read as 3 March.
    margin = ", '-3 days'" if 'months' in kept else ''
    return f"strftime('%Y-%m-%d %H:%M:%S', 'now', '-{kept}'{margin})"


SQLITE = (
    f'DROP TRIGGER {TABLE}_no_delete',
    f'CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} WHEN '
    f'OLD.target_time >= CASE (SELECT taf FROM {PROFILES} WHERE id = OLD.profile_id) '
    + ''.join(f"WHEN {taf} THEN {_sqlite('36 months')} " for taf in (1, 2))
    + ''.join(f"WHEN {taf} THEN {_sqlite('42 days')} " for taf in (6, 9, 10, 14))
    + f"WHEN 7 THEN {_sqlite('24 months')} ELSE {_sqlite('36 months')} END "
    f"BEGIN SELECT RAISE(ABORT, '{TABLE}: rows are kept'); END",
)
SQLITE_BACK = (
    f'DROP TRIGGER {TABLE}_no_delete',
    f'CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} '
    f"WHEN OLD.target_time >= {_sqlite('24 months')} "
    f"BEGIN SELECT RAISE(ABORT, '{TABLE}: rows are kept'); END",
)
POSTGRESQL = (
    f'CREATE FUNCTION {TABLE}_keep() RETURNS trigger AS $$ '
    'DECLARE kept interval; BEGIN '
    "SELECT CASE WHEN taf = 7 THEN interval '24 months' "
    "WHEN taf IN (6, 9, 10, 14) THEN interval '42 days' "
    f"ELSE interval '36 months' END INTO kept FROM {PROFILES} "
    'WHERE id = OLD.profile_id; '
    "IF OLD.target_time >= now() - COALESCE(kept, interval '36 months') THEN "
    f"RAISE EXCEPTION '{TABLE}: rows are kept' "
    "USING ERRCODE = 'integrity_constraint_violation'; END IF; "
    'RETURN OLD; END $$ LANGUAGE plpgsql',
    f'DROP TRIGGER {TABLE}_no_delete ON {TABLE}',
    f'CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} '
    f'FOR EACH ROW EXECUTE FUNCTION {TABLE}_keep()',
)
POSTGRESQL_BACK = (
    f'DROP TRIGGER {TABLE}_no_delete ON {TABLE}',
    f'DROP FUNCTION {TABLE}_keep()',
    f'CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} FOR EACH ROW '
    f"WHEN (OLD.target_time >= now() - interval '24 months') "
    f'EXECUTE FUNCTION {TABLE}_refuse()',
)


def install(apps, editor):
    _run(editor, SQLITE, POSTGRESQL)


def remove(apps, editor):
    _run(editor, SQLITE_BACK, POSTGRESQL_BACK)


def _run(editor, sqlite, postgresql):
    script = sqlite if editor.connection.vendor == 'sqlite' else postgresql
    for statement in script:
        editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('tariffs', '0004_versions_inboxes'),
    ]

    operations = [migrations.RunPython(install, remove)]
