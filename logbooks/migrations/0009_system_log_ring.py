# The newest entries of the system log cannot be deleted.

from django.db import migrations

from logbooks.immutability import ring_rows


class Migration(migrations.Migration):

    dependencies = [
        ("logbooks", "0008_firmware_package"),
    ]

    operations = [
        ring_rows("logbooks_systemlogentry", kept=100_000),
    ]
